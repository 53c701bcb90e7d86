"""Random views of pictures, made where the model runs; no view changes a hue.

A picture is kept with its ground beside its colours, so that another ground can be put behind it.
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
"""Random numbers of a shape for each picture."""

CANVAS = 300
"""Side of the pictures that views are cut from, in pixels."""

GROUND = 243
"""A region that touches the edge and is at least as light as this is ground."""

NEAREST, FURTHEST = 0.62, 1.2
"""How much of the side a view spans."""

TURN = 10.0
STRETCH = 0.12
SHIFT = 0.12
LIGHT = 0.12
SATURATION = 0.2

NEW_GROUND = 0.3
BLUR = 0.15
ERASE = 0.25


def read_canvases(file: Path, rows: list[dict[str, int]]) -> NDArray[np.uint8]:
    """Pictures as (n, CANVAS, CANVAS, 4): their colours, and 255 where there is ground."""
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
    """One picture in a white square, with its ground."""
    pixels = np.asarray(square(_grown(image), CANVAS))
    regions, _ = ndimage.label(pixels.min(2) >= GROUND)
    edge = np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]])
    ground = np.isin(regions, np.setdiff1d(edge, [0])) * np.uint8(255)
    return np.concatenate([pixels, ground[..., None]], 2)


def _grown(image: Image.Image) -> Image.Image:
    """As large as the canvas allows."""
    share = CANVAS / max(image.size)
    size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
    return image.resize(size, Image.Resampling.BICUBIC)


def plain_views(canvases: Tensor, side: int) -> Tensor:
    """The pictures as they are, (n, side, side, 3) in 0 to 255, as indexing sees them."""
    pixels = canvases[..., :3].permute(0, 3, 1, 2).float()
    views = interpolate(pixels, (side, side), mode="bilinear", antialias=True)
    return views.permute(0, 2, 3, 1).contiguous()


def random_views(canvases: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """One random view of each canvas, (n, side, side, 3), float32 in 0 to 255."""
    count, device = len(canvases), canvases.device

    def draw(*shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=generator, device=device)

    def between(limit: float, *shape: int) -> Tensor:
        return (draw(*shape) * 2 - 1) * limit

    span = NEAREST + (FURTHEST - NEAREST) * draw()
    stretch = torch.exp(between(STRETCH))
    angle = between(math.radians(TURN))
    mirror = torch.where(draw() < 0.5, -1.0, 1.0)
    wide, high = span * stretch, span / stretch
    # What lies close is looked at in more places.
    room = 2 * SHIFT + (1 - span).clamp_min(0)
    move = between(1.0, 2) * room[:, None] * 0.7
    rows = [
        torch.stack([mirror * wide * angle.cos(), -high * angle.sin(), move[:, 0]], 1),
        torch.stack([mirror * wide * angle.sin(), high * angle.cos(), move[:, 1]], 1),
    ]
    # White, and ground, beyond the edges.
    ink = 255 - canvases.permute(0, 3, 1, 2).float()
    grid = affine_grid(torch.stack(rows, 1), [count, 4, side, side], align_corners=False)
    views = 255 - grid_sample(ink, grid, align_corners=False)
    colours, ground = views[:, :3], views[:, 3:] / 255
    has = (ground.mean((1, 2, 3)) > 0.1) & (draw() < NEW_GROUND)
    behind = _grounds(colours, draw)
    share = ground * has[:, None, None, None]
    colours = colours * (1 - share) + behind * share
    colours = _relit(colours, between)
    return _spoilt(colours, draw).permute(0, 2, 3, 1).contiguous()


def _grounds(colours: Tensor, draw: Draw) -> Tensor:
    """Other grounds: smooth shades, or another picture of the batch, blurred."""
    side = colours.shape[2]
    corners = draw(3, 2, 2) * 110 + 145
    grey = draw(1, 2, 2) * 150 + 105
    shade = torch.where(draw(1, 1, 1) < 0.5, grey.expand(-1, 3, -1, -1), corners)
    smooth = interpolate(shade, (side, side), mode="bilinear", align_corners=True)
    blurred = interpolate(
        avg_pool2d(colours.roll(1, 0), 13, 13), (side, side), mode="bilinear", align_corners=False
    )
    return torch.where(draw(1, 1, 1) < 0.25, blurred, smooth)


def _relit(colours: Tensor, between: Draw) -> Tensor:
    """A little lighter or darker, of more or less contrast and saturation."""
    grey = colours.mean(1, keepdim=True)
    colours = grey + (colours - grey) * (1 + between(SATURATION, 1, 1, 1))
    middle = colours.mean((1, 2, 3), keepdim=True)
    colours = middle + (colours - middle) * (1 + between(LIGHT, 1, 1, 1))
    return (colours * (1 + between(LIGHT, 1, 1, 1))).clamp(0, 255)


def _spoilt(colours: Tensor, draw: Draw) -> Tensor:
    """Some blurred, some with a part covered, all with a little noise."""
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
