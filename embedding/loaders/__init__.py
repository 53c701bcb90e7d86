"""Loaders: one module per kind of model, each with `load(spec, device) -> Encoder`. Need torch.

`load` uses files of this machine only. It raises `embedding.encoder.NotDownloaded` if the module
has a function `download` with the same signature, which fetches them first.
"""
