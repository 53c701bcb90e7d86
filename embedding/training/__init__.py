"""Trains the fashion model's image tower: `python -m embedding.training --help`."""
