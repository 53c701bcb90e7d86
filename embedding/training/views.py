"""Data augmentation on the device: random views of pictures. Hues are not changed.

Each picture is stored with a mask of its background, so that the background can be replaced.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from torch import Tensor
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample, interpolate

from embedding.image_decoding import square

Draw = Callable[..., Tensor]
"""Draws random numbers of the given shape for each picture."""

CANVAS = 300
"""Side of a canvas, the square from which views are cropped, in pixels."""

BACKGROUND = 243
"""Minimum brightness of the background, in all channels. Background regions touch the edge."""

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

NEW_BACKGROUND = 0.3
BLUR = 0.15
ERASE = 0.25
"""Probabilities of a new background, of blurring and of erasing a rectangle."""


def read_canvases(file: Path, rows: list[dict[str, int]]) -> NDArray[np.uint8]:
    """Read the pictures of a bundle as canvases.

    Args:
        file: the encoded pictures, one after the other.
        rows: offset ("place") and size of each picture, in bytes.

    Returns:
        uint8, (n, CANVAS, CANVAS, 4): RGB, and 255 for background.
    """
    content = file.read_bytes()
    canvases = np.empty((len(rows), CANVAS, CANVAS, 4), np.uint8)

    def read(index: int) -> None:
        row = rows[index]
        part = content[row["place"] : row["place"] + row["size"]]
        with Image.open(io.BytesIO(part)) as image:
            canvases[index] = as_canvas(image.convert("RGB"))

    with ThreadPoolExecutor() as pool:
        list(pool.map(read, range(len(rows))))
    return canvases


def as_canvas(image: Image.Image) -> NDArray[np.uint8]:
    """Convert a picture to a canvas, (CANVAS, CANVAS, 4), padded to a square with white."""
    pixels = np.asarray(square(_enlarge(image), CANVAS))
    regions, _ = ndimage.label(pixels.min(2) >= BACKGROUND)
    edge = np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]])
    background = np.isin(regions, np.setdiff1d(edge, [0])) * np.uint8(255)
    return np.concatenate([pixels, background[..., None]], 2)


def _enlarge(image: Image.Image) -> Image.Image:
    """Resize the picture so that its longer side is CANVAS."""
    share = CANVAS / max(image.size)
    size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
    return image.resize(size, Image.Resampling.BICUBIC)


def plain_views(canvases: Tensor, side: int) -> Tensor:
    """Views without augmentation, (n, side, side, 3), float32 from 0 to 255, as in indexing."""
    pixels = canvases[..., :3].permute(0, 3, 1, 2).float()
    views = interpolate(pixels, (side, side), mode="bilinear", antialias=True)
    return views.permute(0, 2, 3, 1).contiguous()


def random_views(canvases: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """One random view of each canvas, (n, side, side, 3), float32 from about 0 to 255."""
    count, device = len(canvases), canvases.device

    def draw(*shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=generator, device=device)

    def between(limit: float, *shape: int) -> Tensor:
        return (draw(*shape) * 2 - 1) * limit

    span = MIN_SPAN + (MAX_SPAN - MIN_SPAN) * draw()
    stretch = torch.exp(between(STRETCH))
    angle = between(math.radians(TURN))
    mirror = torch.where(draw() < 0.5, -1.0, 1.0)
    wide, high = span * stretch, span / stretch
    # Smaller views can be shifted further.
    room = 2 * SHIFT + (1 - span).clamp_min(0)
    move = between(1.0, 2) * room[:, None] * 0.7
    rows = [
        torch.stack([mirror * wide * angle.cos(), -high * angle.sin(), move[:, 0]], 1),
        torch.stack([mirror * wide * angle.sin(), high * angle.cos(), move[:, 1]], 1),
    ]
    # Invert, so that the area outside the canvas becomes white and background.
    ink = 255 - canvases.permute(0, 3, 1, 2).float()
    grid = affine_grid(torch.stack(rows, 1), [count, 4, side, side], align_corners=False)
    views = 255 - grid_sample(ink, grid, align_corners=False)
    colours, background = views[:, :3], views[:, 3:] / 255
    replaced = (background.mean((1, 2, 3)) > 0.1) & (draw() < NEW_BACKGROUND)
    new_background = _backgrounds(colours, draw)
    share = background * replaced[:, None, None, None]
    colours = colours * (1 - share) + new_background * share
    colours = _adjust_colours(colours, between)
    return _degrade(colours, draw).permute(0, 2, 3, 1).contiguous()


def _backgrounds(colours: Tensor, draw: Draw) -> Tensor:
    """Random backgrounds, (n, 3, side, side): smooth gradients, or another picture, blurred."""
    side = colours.shape[2]
    corners = draw(3, 2, 2) * 110 + 145
    grey = draw(1, 2, 2) * 150 + 105
    shade = torch.where(draw(1, 1, 1) < 0.5, grey.expand(-1, 3, -1, -1), corners)
    smooth = interpolate(shade, (side, side), mode="bilinear", align_corners=True)
    blurred = interpolate(
        avg_pool2d(colours.roll(1, 0), 13, 13), (side, side), mode="bilinear", align_corners=False
    )
    return torch.where(draw(1, 1, 1) < 0.25, blurred, smooth)


def _adjust_colours(colours: Tensor, between: Draw) -> Tensor:
    """Change brightness, contrast and saturation at random."""
    grey = colours.mean(1, keepdim=True)
    colours = grey + (colours - grey) * (1 + between(SATURATION, 1, 1, 1))
    middle = colours.mean((1, 2, 3), keepdim=True)
    colours = middle + (colours - middle) * (1 + between(LIGHT, 1, 1, 1))
    return (colours * (1 + between(LIGHT, 1, 1, 1))).clamp(0, 255)


def _degrade(colours: Tensor, draw: Draw) -> Tensor:
    """Blur some pictures, erase a rectangle in some, and add a little noise to all."""
    side = colours.shape[2]
    small = interpolate(colours, scale_factor=0.5, mode="bilinear", antialias=True)
    soft = interpolate(small, (side, side), mode="bilinear", align_corners=False)
    colours = torch.where(draw(1, 1, 1) < BLUR, soft, colours)
    line = torch.linspace(0, 1, side, device=colours.device)
    centre, size = draw(2, 1), draw(2, 1) * 0.25 + 0.08
    inside = (line - centre).abs() < size / 2
    covered = inside[:, 0, :, None] & inside[:, 1, None, :] & (draw(1, 1) < ERASE)
    cover = draw(1, 1, 1).expand(-1, 3, 1, 1) * 255
    colours = torch.where(covered[:, None], cover, colours)
    return colours + torch.randn_like(colours) * 2
