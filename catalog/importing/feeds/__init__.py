"""The formats of other systems, one TOML file each, and what they say about rows."""
