"""Database access: connections, the embedded server, advisory locks, a cache with a time limit."""
