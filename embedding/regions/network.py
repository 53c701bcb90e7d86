"""The network that finds garments: the backbone of `fashion` and a small head.

The head reads the maps of two stages and predicts for each cell whether a garment is there, and the
sides of its box, as in Z. Tian et al., "FCOS: Fully Convolutional One-Stage Object Detection",
2019.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from embedding.loaders.backbone import Backbone

SIDE = 384
"""Side of the input, in pixels."""

CELLS = SIDE // 16
"""Cells along each side of the maps."""

FINE, COARSE = 4, 6
"""The stages whose maps the head reads: 16 and 32 pixels per cell."""

FINE_CHANNELS, COARSE_CHANNELS = 120, 352
WIDTH = 64
PRIOR = -3.0
"""The first logit of every cell: garments are rare."""


class RegionHead(nn.Module):
    """Scores and boxes of all cells, from the maps of the backbone."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Conv2d(FINE_CHANNELS, WIDTH, 1)
        self.coarse = nn.Conv2d(COARSE_CHANNELS, WIDTH, 1)
        self.mix = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(WIDTH, WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(WIDTH, WIDTH, 3, padding=2, dilation=2),
            nn.ReLU(),
        )
        self.out = nn.Conv2d(WIDTH, 5, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(cast(Tensor, self.out.bias))
        cast(Tensor, self.out.bias).data[0] = PRIOR
        cast(Tensor, self.out.bias).data[1:] = -1.5

    def forward(self, fine: Tensor, coarse: Tensor) -> tuple[Tensor, Tensor]:
        """Logits, (n, CELLS, CELLS), and distances, (n, 4, CELLS, CELLS).

        A distance is that from the centre of the cell to the left, top, right or bottom of its box,
        as a share of the side of the input.
        """
        wide = interpolate(self.coarse(coarse), fine.shape[2:], mode="bilinear")
        out = self.out(self.mix(self.fine(fine) + wide))
        return out[:, 0], out[:, 1:].clamp(-6, 1).exp()


def backbone_maps(backbone: Backbone, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """The maps that the head reads, of 8-bit RGB pixels (n, SIDE, SIDE, 3)."""
    _stem, *stages = backbone.maps(pixels)
    return stages[FINE].float(), stages[COARSE].float()


def corners(distances: Tensor) -> Tensor:
    """Left, top, right and bottom, (n, 4, CELLS, CELLS), as shares of the side of the input."""
    centres = (torch.arange(CELLS, device=distances.device) + 0.5) / CELLS
    x, y = centres[None, :].expand(CELLS, CELLS), centres[:, None].expand(CELLS, CELLS)
    left, top, right, bottom = distances.unbind(1)
    return torch.stack([x - left, y - top, x + right, y + bottom], 1)
