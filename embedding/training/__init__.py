"""Training of `fashion`: `python -m embedding.training --help`."""
