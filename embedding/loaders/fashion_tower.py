"""The fashion model's image tower: a fine-tuned ImageNet backbone and a head."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from embedding.encoder import EncoderError
from embedding.loaders.backbone import EARLY, POOLED, Backbone

DIMENSIONS = 384
"""Length of the vectors, equal to that of all-MiniLM-L6-v2, whose space they share."""

HIDDEN = 1024


Trained = TypeVar("Trained", bound=nn.Module)


class Head(nn.Module):
    """The sum of a linear map and a multilayer perceptron, on standardised features."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        width = POOLED + EARLY
        self.standardise = nn.BatchNorm1d(width, affine=False)
        self.linear = nn.Linear(width, DIMENSIONS)
        self.perceptron = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(width, HIDDEN),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(HIDDEN, DIMENSIONS),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Unnormalised vectors, (n, DIMENSIONS), of features (n, POOLED + EARLY)."""
        standardised = self.standardise(features)
        result: Tensor = self.linear(standardised) + self.perceptron(standardised)
        return result


class ImageTower(nn.Module):
    """Maps pixels into the text space. Before training, the backbone has its ImageNet weights."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.head = Head(dropout)

    def forward(self, pixels: Tensor) -> Tensor:
        """Unnormalised vectors, (n, DIMENSIONS), of 8-bit RGB pixels, (n, SIZE, SIZE, 3)."""
        result: Tensor = self.head(self.backbone(pixels))
        return result


def save_tower(tower: ImageTower, path: Path, metadata: dict[str, str]) -> None:
    """Save the weights in half precision, and the statistics of `standardise` in single."""
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
