"""The fashion model's image tower: the ImageNet backbone, tuned, and a head into the text space."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from embedding.encoder import EncoderError
from embedding.loaders.backbone import EARLY, POOLED, Backbone

DIMENSIONS = 384
"""Length of the vectors: that of all-MiniLM-L6-v2, whose space they share."""

HIDDEN = 1024


class Head(nn.Module):
    """A linear map plus a multilayer perceptron on standardised features."""

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
        """Vectors of any length, (n, DIMENSIONS), of features (n, POOLED + EARLY)."""
        standardised = self.standardise(features)
        return self.linear(standardised) + self.perceptron(standardised)


class ImageTower(nn.Module):
    """From pixels into the text space. Begins with the backbone as trained on ImageNet."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.head = Head(dropout)

    def forward(self, pixels: Tensor) -> Tensor:
        """Vectors of any length, (n, DIMENSIONS), of 8-bit RGB pixels, (n, SIZE, SIZE, 3)."""
        return self.head(self.backbone(pixels))


def save_tower(tower: ImageTower, path: Path, metadata: dict[str, str]) -> None:
    """Write the weights in half precision; the statistics that standardise stay in full."""
    tensors = {
        name: (tensor.half() if name.endswith(("weight", "bias")) else tensor).contiguous()
        for name, tensor in tower.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, metadata)


def load_tower(path: Path) -> ImageTower:
    """The tower saved at `path`, ready for use, in single precision.

    Raises:
        EncoderError: there is no such file, or it does not fit the code.
    """
    tower = ImageTower()
    try:
        tower.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise EncoderError(
            f"the trained weights {path} cannot be loaded: {error}; they come with the project, "
            "and `python -m embedding.training --help` says how to train them anew"
        ) from error
    return tower.eval().requires_grad_(False)
