"""Random views of pictures for training. Hues are not changed."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

MIN_SPAN, MAX_SPAN = 0.75, 1.1
"""Side of a view, as a share of the picture's."""

SHIFT = 0.08
"""Maximum shift, as a share of the side."""

LIGHT = 0.1
"""Maximum relative change of the brightness."""


def random_views(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Crop, shift, mirror, and make lighter or darker.

    Args:
        pixels: 8-bit pixels, (n, h, w, 3).
        generator: random numbers on the CPU, so that all devices draw the same.

    Returns:
        Pixels from 0 to 255 in single precision, (n, h, w, 3).
    """
    count = len(pixels)

    def draw(low: float, high: float, *shape: int) -> Tensor:
        share = torch.rand(count, *shape, generator=generator)
        return (low + (high - low) * share).to(pixels.device)

    span = draw(MIN_SPAN, MAX_SPAN)
    mirror = torch.where(draw(0, 1) < 0.5, -1.0, 1.0)
    move, zero = draw(-SHIFT, SHIFT, 2), torch.zeros_like(span)
    rows = [
        torch.stack([mirror * span, zero, move[:, 0]], 1),
        torch.stack([zero, span, move[:, 1]], 1),
    ]
    # Inverted, so that what is outside of the picture becomes white.
    ink = 255 - pixels.permute(0, 3, 1, 2).float()
    grid = affine_grid(torch.stack(rows, 1), list(ink.shape), align_corners=False)
    views = 255 - grid_sample(ink, grid, align_corners=False)
    views = views * draw(1 - LIGHT, 1 + LIGHT, 1, 1, 1)
    return views.clamp(0, 255).permute(0, 2, 3, 1).contiguous()
