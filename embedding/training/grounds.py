"""Random grounds on the device, for pictures whose background is replaced or that show nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample, interpolate

from embedding.training.canvases import decode_each
from embedding.training.scenes import corner_size

Draw = Callable[..., Tensor]
"""Draws random numbers from 0 to 1 of the given shape."""

CORNER_WIDTH, CORNER_HEIGHT = 90, 72
"""Size of the corners of snapshots, in pixels."""

GRADIENTS, SURROUNDINGS = 0.4, 0.4
"""Shares of smooth grounds and of corners of snapshots; the others are drawn."""

EMPTY_SURROUNDINGS = 0.7
"""Share of corners among the grounds that show no garment; the others are drawn."""


def read_corners(file: Path, rows: Sequence[dict[str, Any]]) -> NDArray[np.uint8]:
    """Read the corners of snapshots, which show floors, walls and beds.

    Args:
        file, rows: n pictures; see `decode_each`.

    Returns:
        uint8, (4 n, CORNER_HEIGHT, CORNER_WIDTH, 3).
    """
    shape = (4, CORNER_HEIGHT, CORNER_WIDTH, 3)
    return decode_each(file, rows, _corners, shape).reshape(-1, *shape[1:])


def _corners(image: Image.Image) -> NDArray[np.uint8]:
    width, height = corner_size(image)
    boxes = [
        (left, top, left + width, top + height)
        for left in (0, image.width - width)
        for top in (0, image.height - height)
    ]
    size, method = (CORNER_WIDTH, CORNER_HEIGHT), Image.Resampling.BILINEAR
    return np.stack([np.asarray(image.crop(box).resize(size, method)) for box in boxes])


def uniform(generator: torch.Generator) -> Draw:
    """Draws from `generator`, on its device."""

    def draw(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator, device=generator.device)

    return draw


class Grounds:
    """Random grounds of one size.

    Args:
        corners: of snapshots, uint8, (m, h, w, 3), on the device; without any, grounds are drawn
            instead.
        side: of the grounds, in pixels.
        generator: random numbers on the device.
    """

    def __init__(self, corners: Tensor, side: int, generator: torch.Generator) -> None:
        self.corners = corners.permute(0, 3, 1, 2).contiguous()
        self.side, self.generator = side, generator
        self.draw = uniform(generator)

    def behind(self, colours: Tensor) -> Tensor:
        """Grounds for pictures, both (n, 3, side, side): smooth, corners of snapshots, drawn."""
        count = len(colours)
        kind = self.draw(count, 1, 1, 1)
        snapshots, drawn = self._snapshots(count), self._drawn(count)
        others = torch.where(kind < GRADIENTS + SURROUNDINGS, snapshots, drawn)
        return torch.where(kind < GRADIENTS, self._smooth(colours), others)

    def alone(self, count: int) -> Tensor:
        """Grounds that show no garment, (n, 3, side, side)."""
        chosen = self.draw(count, 1, 1, 1) < EMPTY_SURROUNDINGS
        return torch.where(chosen, self._snapshots(count), self._drawn(count))

    def _snapshots(self, count: int) -> Tensor:
        """Corners of snapshots, zoomed and mirrored until they fill the picture."""
        if not len(self.corners):
            return self._drawn(count)
        index = torch.randint(
            len(self.corners), (count,), generator=self.generator, device=self.corners.device
        )
        zoom, move = 0.5 + 2.2 * self.draw(count), self.draw(count, 2) * 4 - 2
        mirror, zero = torch.where(self.draw(count) < 0.5, -1.0, 1.0), torch.zeros_like(zoom)
        rows = [
            torch.stack([zoom * mirror, zero, move[:, 0]], 1),
            torch.stack([zero, zoom, move[:, 1]], 1),
        ]
        size = [count, 3, self.side, self.side]
        grid = affine_grid(torch.stack(rows, 1), size, align_corners=False)
        tiles = self.corners[index].float()
        return grid_sample(tiles, grid, padding_mode="reflection", align_corners=False)

    def _drawn(self, count: int) -> Tensor:
        """Gradients with blocks, stripes and grain in random colours."""
        draw = self.draw
        grounds = self._gradient(draw(count, 3, 2, 2) * 235 + 20)
        for cells in (3, 6, 14):
            blocks = self._enlarged(draw(count, 3, cells, cells) * 255, "nearest")
            here = self._enlarged((draw(count, 1, cells, cells) < 0.35).float(), "nearest")
            here = here * (draw(count, 1, 1, 1) < 0.4)
            grounds = torch.lerp(grounds, blocks, here)
        line = torch.linspace(0, 1, self.side, device=grounds.device)
        turn = draw(count, 1, 1, 1) * math.pi
        across = line * turn.cos() + line[:, None] * turn.sin()
        wave = (across * (2 + 30 * draw(count, 1, 1, 1)) + draw(count, 1, 1, 1)) % 1
        striped = draw(count, 1, 1, 1) < 0.3
        stripes = striped & (wave < 0.1 + 0.4 * draw(count, 1, 1, 1))
        grounds = torch.where(stripes, draw(count, 3, 1, 1) * 255, grounds)
        half = self.side // 2
        grain = torch.randn(
            count, 3, half, half, generator=self.generator, device=self.generator.device
        )
        grounds = grounds + self._enlarged(grain) * 30 * draw(count, 1, 1, 1) ** 2
        return grounds.clamp(0, 255)

    def _smooth(self, colours: Tensor) -> Tensor:
        """Gradients in grey or light colours, or another picture, blurred."""
        count, draw = len(colours), self.draw
        bright = draw(count, 3, 2, 2) * 110 + 145
        grey = draw(count, 1, 2, 2) * 150 + 105
        shade = torch.where(draw(count, 1, 1, 1) < 0.5, grey.expand(-1, 3, -1, -1), bright)
        blurred = self._enlarged(avg_pool2d(colours.roll(1, 0), 13, 13))
        return torch.where(draw(count, 1, 1, 1) < 0.25, blurred, self._gradient(shade))

    def _gradient(self, colours: Tensor) -> Tensor:
        """Between four colours in the corners, (n, c, 2, 2)."""
        size = (self.side, self.side)
        return interpolate(colours, size, mode="bilinear", align_corners=True)

    def _enlarged(self, small: Tensor, mode: str = "bilinear") -> Tensor:
        return interpolate(small, (self.side, self.side), mode=mode)
