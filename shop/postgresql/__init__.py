"""Django's PostgreSQL backend, on the address that `catalog.database` hands out."""
