"""Django's PostgreSQL backend, on the address that `catalog.db.connection` hands out."""
