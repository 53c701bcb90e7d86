"""Fetching pictures by address: politely, within limits, and only from where it is safe."""
