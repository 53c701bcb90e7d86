"""Django's PostgreSQL backend, with the address from `catalog.db.connection`."""
