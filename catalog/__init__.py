"""The database floor: tables, search, import, and the filling of embeddings. Knows no Django."""
