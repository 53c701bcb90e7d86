"""Loaders: one module per kind of model, each with `load(spec, device) -> Encoder`. Need torch."""
