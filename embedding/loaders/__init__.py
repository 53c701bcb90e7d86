"""One module a kind of model; each has `load(spec, device) -> Encoder`. These import torch."""
