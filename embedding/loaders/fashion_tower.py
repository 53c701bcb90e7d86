"""The fashion model's image tower: a fine-tuned ImageNet backbone, an eye for the garment, a head.

A small network says for each part of the picture whether a garment is there. The features of all
depths are averaged with these weights, so that the ground counts little.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import interpolate

from embedding.encoder import EncoderError
from embedding.loaders.backbone import POOLED, Backbone
from embedding.loaders.palette import COLOURS, Palette

DIMENSIONS = 384
"""Length of the vectors, equal to that of all-MiniLM-L6-v2, whose space they share."""

HIDDEN = 1024

EARLY = (32, 16, 24, 48, 88, 120)
"""Channels of the stem and of the first five stages, whose maps describe colour and texture."""

FEATURES = POOLED + 4 * sum(EARLY) + COLOURS
"""Number of features. Each channel of the early maps has four: see `_statistics`."""

LEAST_WEIGHT = 0.05
"""Weight of the parts of a picture that show no garment; one that certainly does weighs 1.05."""

Trained = TypeVar("Trained", bound=nn.Module)


class Head(nn.Module):
    """The sum of a linear map and a multilayer perceptron, on standardised features."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.standardise = nn.BatchNorm1d(FEATURES, affine=False)
        self.linear = nn.Linear(FEATURES, DIMENSIONS)
        self.perceptron = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(FEATURES, HIDDEN),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(HIDDEN, DIMENSIONS),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Unnormalised vectors, (n, DIMENSIONS), of features (n, FEATURES)."""
        standardised = self.standardise(features)
        result: Tensor = self.linear(standardised) + self.perceptron(standardised)
        return result


class ImageTower(nn.Module):
    """Maps pixels into the text space. Before training, the backbone has its ImageNet weights."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.garment = nn.Sequential(
            nn.Conv2d(EARLY[-1], 48, 3, padding=1), nn.ReLU(), nn.Conv2d(48, 1, 1)
        )
        self.palette = Palette()
        self.head = Head(dropout)

    def forward(self, pixels: Tensor) -> Tensor:
        """Unnormalised vectors, (n, DIMENSIONS), of 8-bit RGB pixels, (n, SIZE, SIZE, 3)."""
        features, _ = self.features(pixels)
        result: Tensor = self.head(features)
        return result

    def features(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """What the head reads, of pixels (n, SIZE, SIZE, 3).

        Returns:
            Features, (n, FEATURES): of the last layer, of the early maps, of the colours. And the
            logits of a garment being there, (n, h, w), for the parts of the last early map.
        """
        maps = list(self.backbone.maps(pixels))
        early, last = maps[: len(EARLY)], self.backbone.last_maps(maps[-1])
        with torch.autocast(pixels.device.type, enabled=False):
            logits = self.garment(early[-1].float())
            weights = logits.sigmoid() + LEAST_WEIGHT
            here = interpolate(weights, last.shape[2:], mode="bilinear", antialias=True)
            pooled = (last * here).sum((2, 3)) / here.sum((2, 3))
            statistics = [_statistics(each, weights) for each in early]
            colours = self.palette(pixels, weights)
        return torch.cat([pooled, *statistics, colours], 1), logits[:, 0]


def _statistics(maps: Tensor, weights: Tensor) -> Tensor:
    """Mean and standard deviation of each channel, plain and with the weights of the garment.

    Args:
        maps: (n, c, h, w).
        weights: (n, 1, h', w').

    Returns:
        (n, 4 c), in single precision.
    """
    here = interpolate(weights, maps.shape[2:], mode="bilinear").flatten(2)
    both = torch.cat([torch.ones_like(here), here], 1)
    both = both / both.sum(2, keepdim=True)
    # Single precision, because the variance is a small difference of large numbers. In
    # channels-last format the permuted maps are no copy, and the products are of whole rows.
    values = maps.permute(0, 2, 3, 1).flatten(1, 2).float()
    mean = both @ values
    variance = both @ values**2 - mean**2
    # Not zero, where the square root has no gradient.
    return torch.cat([mean, variance.clamp_min(1e-6).sqrt()], 1).transpose(1, 2).flatten(1)


def save_tower(tower: ImageTower, path: Path, metadata: dict[str, str]) -> None:
    """Save the weights in half precision, and statistics and colours in single."""
    tensors = {
        name: (tensor.half() if name.endswith(("weight", "bias")) else tensor).contiguous()
        for name, tensor in tower.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, metadata)


def load_tower(path: Path) -> ImageTower:
    """Load the tower from `path`, in single precision and evaluation mode.

    Raises:
        EncoderError: the file cannot be read or does not match the code.
    """
    return load_weights(ImageTower(), path, "embedding.training")


def load_weights(module: Trained, path: Path, trained_by: str) -> Trained:
    """Load the weights in `path` into `module`, and return it in evaluation mode.

    Args:
        trained_by: the Python module whose command trains them, for the message.

    Raises:
        EncoderError: the file cannot be read or does not match the code.
    """
    try:
        module.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise EncoderError(
            f"the trained weights {path} cannot be loaded: {error}; they are part of the project, "
            f"and `python -m {trained_by} --help` explains how to train them again"
        ) from error
    return module.eval().requires_grad_(False)
