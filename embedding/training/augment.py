"""Data augmentation: random shifts, rotations, reflections and zooms of pictures.

Colours are not changed, because the model has to learn them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

ZOOM = 0.2
"""Maximum zoom in or out, as a share of the side."""

SHIFT = 0.06
"""Maximum shift, as a share of the side."""

TURN = 6.0
"""Maximum rotation, in degrees."""


def augment(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """One random view, float32 from 0 to 255, of each picture in 8-bit RGB pixels, (n, h, w, 3).

    The area outside the original picture is white, like the margins of the square.
    """
    count = len(pixels)

    def between(limit: float) -> Tensor:
        return (torch.rand(count, generator=generator) * 2 - 1) * limit

    zoom, angle = 1 + between(ZOOM), between(math.radians(TURN))
    mirror = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    shift_x, shift_y = between(2 * SHIFT), between(2 * SHIFT)
    cosine, sine = zoom * angle.cos(), zoom * angle.sin()
    rows = [mirror * cosine, -sine, shift_x, mirror * sine, cosine, shift_y]
    transform = torch.stack(rows, 1).reshape(count, 2, 3).to(pixels.device)
    ink = 255 - pixels.permute(0, 3, 1, 2).float()
    grid = affine_grid(transform, list(ink.shape), align_corners=False)
    views = 255 - grid_sample(ink, grid, align_corners=False)
    return views.permute(0, 2, 3, 1).contiguous()
