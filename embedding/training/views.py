"""Data augmentation on the device: random views of pictures. Hues are hardly changed.

The garments of pictures on white are known from the mask of the background, so the background can
be replaced, and the views come with a mask of the garment.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample, interpolate, max_pool2d

from embedding.training.grounds import Grounds, uniform

MIN_SPAN, MAX_SPAN = 0.62, 1.2
"""Side of a view, as a share of the canvas."""

TURN = 10.0
"""Maximum rotation, in degrees."""

STRETCH = 0.12
"""Maximum logarithm of the factor of a view's width. The height is divided by this factor."""

SHIFT = 0.12
"""Maximum shift, as a share of the side, before the factor 0.7. Smaller views can move further."""

LIGHT = 0.12
SATURATION = 0.2
"""Maximum relative change of brightness, contrast (both `LIGHT`) and saturation."""

WHITE_EDGE = 0.85
LEAST_WHITE, MOST_WHITE = 0.1, 0.97
"""Shares of background, of the edge and of the whole, of pictures whose garment is known."""

SHADOW, TINT = 0.5, 0.1
DIM, BRIGHT = 0.75, 1.1
"""On a new ground: maximum strength of the garment's shadow and of a tint, range of its light."""

NEW_GROUND = 0.5
BLUR = 0.15
ERASE = 0.25
"""Probabilities of a new ground, of blurring and of erasing a rectangle."""


@dataclass(frozen=True)
class Views:
    """n views, and where they show a garment."""

    pixels: Tensor
    """float32 from about 0 to 255, (n, side, side, 3)."""
    garment: Tensor
    """1 where the garment is, 0 elsewhere, (n, side, side)."""
    known: Tensor
    """Whether `garment` is known, bool, (n,)."""

    def __add__(self, other: Views) -> Views:
        return Views(
            torch.cat([self.pixels, other.pixels]),
            torch.cat([self.garment, other.garment]),
            torch.cat([self.known, other.known]),
        )


def plain_views(canvases: Tensor, side: int) -> Tensor:
    """Views without augmentation, (n, side, side, 3), float32 from 0 to 255, as in indexing."""
    pixels = canvases[..., :3].permute(0, 3, 1, 2).float()
    views = interpolate(pixels, (side, side), mode="bilinear", antialias=True)
    return views.permute(0, 2, 3, 1).contiguous()


class RandomViews:
    """Random views of canvases.

    Args:
        corners: of snapshots; see `Grounds`.
        side: of the views, in pixels.
        generator: random numbers on the device.
    """

    def __init__(self, corners: Tensor, side: int, generator: torch.Generator) -> None:
        self.grounds = Grounds(corners, side, generator)
        self.side, self.generator = side, generator
        self.draw = uniform(generator)

    def of(self, canvases: Tensor) -> Views:
        """One view of each canvas, uint8, (n, CANVAS, CANVAS, 4)."""
        draw, count = self.draw, len(canvases)
        views = self._crop(canvases)
        colours, ground = views[:, :3], views[:, 3:] / 255
        known = on_white(canvases) & (ground.mean((1, 2, 3)) > LEAST_WHITE)
        replaced = (known & (draw(count) < NEW_GROUND))[:, None, None, None].float()
        # A little of the garment's edge too, which is lighter on white.
        share = max_pool2d(ground, 3, 1, 1) * replaced
        behind = self.grounds.behind(colours) * (
            1 - SHADOW * draw(count, 1, 1, 1) * _shadow(ground)
        )
        light = torch.lerp(
            torch.ones_like(replaced), DIM + (BRIGHT - DIM) * draw(count, 1, 1, 1), replaced
        )
        tint = replaced * TINT * draw(count, 1, 1, 1)
        garment = colours * light * (1 - tint) + draw(count, 3, 1, 1) * 255 * tint
        return Views(self._photograph(torch.lerp(garment, behind, share)), 1 - ground[:, 0], known)

    def empty(self, count: int) -> Views:
        """Views without a garment."""
        pixels = self._photograph(self.grounds.alone(count))
        known = torch.ones(count, dtype=torch.bool, device=pixels.device)
        return Views(pixels, torch.zeros_like(pixels[..., 0]), known)

    def _crop(self, canvases: Tensor) -> Tensor:
        """Crop, shift, turn, stretch and mirror, (n, 4, side, side)."""
        count = len(canvases)
        span = MIN_SPAN + (MAX_SPAN - MIN_SPAN) * self.draw(count)
        stretch = torch.exp(self._between(STRETCH, count))
        angle = self._between(math.radians(TURN), count)
        mirror = torch.where(self.draw(count) < 0.5, -1.0, 1.0)
        wide, high = span * stretch, span / stretch
        # Smaller views can be shifted further.
        room = 2 * SHIFT + (1 - span).clamp_min(0)
        move = self._between(1.0, count, 2) * room[:, None] * 0.7
        rows = [
            torch.stack([mirror * wide * angle.cos(), -high * angle.sin(), move[:, 0]], 1),
            torch.stack([mirror * wide * angle.sin(), high * angle.cos(), move[:, 1]], 1),
        ]
        # Invert, so that the area outside the canvas becomes white and background.
        ink = 255 - canvases.permute(0, 3, 1, 2).float()
        size = [count, 4, self.side, self.side]
        grid = affine_grid(torch.stack(rows, 1), size, align_corners=False)
        return 255 - grid_sample(ink, grid, align_corners=False)

    def _photograph(self, colours: Tensor) -> Tensor:
        """Change colours and quality as cameras do, and return pixels, (n, side, side, 3)."""
        return self._degrade(self._adjust_colours(colours)).permute(0, 2, 3, 1).contiguous()

    def _adjust_colours(self, colours: Tensor) -> Tensor:
        """Change brightness, contrast and saturation at random."""
        each = (len(colours), 1, 1, 1)
        grey = colours.mean(1, keepdim=True)
        colours = grey + (colours - grey) * (1 + self._between(SATURATION, *each))
        middle = colours.mean((1, 2, 3), keepdim=True)
        colours = middle + (colours - middle) * (1 + self._between(LIGHT, *each))
        return (colours * (1 + self._between(LIGHT, *each))).clamp(0, 255)

    def _degrade(self, colours: Tensor) -> Tensor:
        """Blur some pictures, erase a rectangle in some, and add a little noise to all."""
        draw, count = self.draw, len(colours)
        small = interpolate(colours, scale_factor=0.5, mode="bilinear", antialias=True)
        soft = interpolate(small, (self.side, self.side), mode="bilinear", align_corners=False)
        colours = torch.where(draw(count, 1, 1, 1) < BLUR, soft, colours)
        line = torch.linspace(0, 1, self.side, device=colours.device)
        centre, size = draw(count, 2, 1), draw(count, 2, 1) * 0.25 + 0.08
        inside = (line - centre).abs() < size / 2
        covered = inside[:, 0, :, None] & inside[:, 1, None, :] & (draw(count, 1, 1) < ERASE)
        cover = draw(count, 1, 1, 1).expand(-1, 3, 1, 1) * 255
        colours = torch.where(covered[:, None], cover, colours)
        noise = torch.randn(colours.shape, generator=self.generator, device=colours.device)
        return colours + noise * 2

    def _between(self, limit: float, *shape: int) -> Tensor:
        return (self.draw(*shape) * 2 - 1) * limit


def on_white(canvases: Tensor) -> Tensor:
    """Whether each canvas shows something on white, (n,)."""
    ground = canvases[..., 3] > 0
    edges = (ground[:, 0], ground[:, -1], ground[:, :, 0], ground[:, :, -1])
    edge = torch.cat(edges, 1).float().mean(1)
    share = ground.float().mean((1, 2))
    return (edge > WHITE_EDGE) & (share > LEAST_WHITE) & (share < MOST_WHITE)


def _shadow(ground: Tensor) -> Tensor:
    """A soft shadow of what is not ground, (n, 1, side, side), below it on its right."""
    shadow = (1 - ground).roll((6, 3), (2, 3))
    for _ in range(2):
        shadow = avg_pool2d(shadow, 15, 1, 7)
    return shadow
