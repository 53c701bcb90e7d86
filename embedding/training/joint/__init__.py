"""Training of `fashion_multilingual`: `python -m embedding.training.joint --help`."""
