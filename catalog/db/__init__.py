"""The database itself: connections, the embedded server, locks, a cache of what is read often."""
