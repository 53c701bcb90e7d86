"""Composes scenes: garments of product photographs, pasted on photographs of other things.

Each scene comes with the boxes of its garments, so scenes can train and measure the finder of
regions. A scene depends on its random generator alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter
from scipy import ndimage

from embedding.image_decoding import open_image
from embedding.training.canvases import BACKGROUND

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels."""

SIZES = ((512, 384), (384, 512), (448, 448), (512, 288))
"""Widths and heights of scenes, in pixels."""

MIN_SHARE = 0.03
"""Pictures whose garment covers less of them, or that have no white ground, are no cut-outs."""

CORNER = 0.3
"""Side of the corners of a snapshot that show its surroundings, as a share of the picture."""


@dataclass(frozen=True)
class Cutout:
    """A garment without its white ground: RGBA, cropped to its box."""

    image: Image.Image
    product: str


@dataclass(frozen=True)
class Scene:
    """A picture with garments, and for each garment its box and its product."""

    image: Image.Image
    boxes: tuple[Box, ...]
    products: tuple[str, ...]


Backdrop = Callable[[Random, tuple[int, int]], Image.Image]
"""Makes a picture of the given size without a garment."""


def cut_out(path: Path, product: str) -> Cutout | None:
    """The garment of a product photograph on white; None if it has no white ground."""
    image = open_image(path)
    pixels = np.asarray(image)
    regions, _ = ndimage.label(pixels.min(2) >= BACKGROUND)
    edge = np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]])
    if (edge > 0).mean() < 0.9:
        return None
    solid = ~np.isin(regions, np.setdiff1d(edge, [0]))
    solid = _largest_parts(ndimage.binary_opening(solid, iterations=2))
    if not MIN_SHARE < solid.mean() < 0.9:
        return None
    alpha = Image.fromarray(solid.astype(np.uint8) * 255).filter(ImageFilter.GaussianBlur(0.8))
    image.putalpha(alpha)
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    return Cutout(image.crop(box), product)


def corner_backdrop(paths: Sequence[Path]) -> Backdrop:
    """Floors, walls, beds and doors: corners of snapshots, mirrored until they fill the picture."""

    def make(random: Random, size: tuple[int, int]) -> Image.Image:
        image = open_image(random.choice(paths))
        width, height = corner_size(image)
        left = random.choice((0, image.width - width))
        top = random.choice((0, image.height - height))
        corner = np.asarray(image.crop((left, top, left + width, top + height)))
        row = np.concatenate([corner, corner[:, ::-1]], 1)
        tile = np.concatenate([row, row[::-1]])
        zoom = random.uniform(1.0, 2.5)
        tiled = np.tile(tile, (1 + size[1] // tile.shape[0], 1 + size[0] // tile.shape[1], 1))
        filled = Image.fromarray(tiled[: size[1], : size[0]])
        return _zoomed(filled, zoom, random)

    return make


def corner_size(image: Image.Image) -> tuple[int, int]:
    """Width and height of the corners of a snapshot that show its surroundings."""
    return round(image.width * CORNER), round(image.height * CORNER * 0.8)


def photograph_backdrop(photographs: Sequence[NDArray[np.uint8]]) -> Backdrop:
    """Sections of photographs of other things."""

    def make(random: Random, size: tuple[int, int]) -> Image.Image:
        image = Image.fromarray(random.choice(photographs))
        scale = max(size[0] / image.width, size[1] / image.height) * random.uniform(1.0, 2.0)
        width, height = size[0] / scale, size[1] / scale
        left = random.uniform(0, image.width - width)
        top = random.uniform(0, image.height - height)
        if random.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        box = (left, top, left + width, top + height)
        return image.resize(size, Image.Resampling.BICUBIC, box=box)

    return make


def drawn_backdrop(random: Random, size: tuple[int, int]) -> Image.Image:
    """Something drawn: a gradient with furniture-like rectangles, stripes, tiles or noise."""
    generator = np.random.default_rng(random.getrandbits(64))
    ends = generator.uniform(20, 250, (2, 2, 3)).astype(np.uint8)
    image = Image.fromarray(ends).resize(size, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    step = random.randint(12, 80)
    kind = random.choice(("stripes", "tiles", "furniture", "furniture", "noise", "plain"))
    line = _colour(random)
    if kind in ("stripes", "tiles"):
        for column in range(0, size[0], step):
            draw.line((column, 0, column, size[1]), line, random.randint(1, max(1, step // 3)))
    if kind == "tiles":
        for row in range(0, size[1], step):
            draw.line((0, row, size[0], row), line, random.randint(1, 3))
    if kind == "furniture":
        for _ in range(random.randint(2, 9)):
            x, y = random.uniform(-0.2, 0.9) * size[0], random.uniform(-0.2, 0.9) * size[1]
            corner = (
                x + random.uniform(0.05, 0.6) * size[0],
                y + random.uniform(0.05, 0.6) * size[1],
            )
            shape = random.choice((draw.rectangle, draw.ellipse))
            shape((x, y, *corner), fill=_colour(random))
    strength = 40 if kind == "noise" else 8
    noise = generator.normal(0, strength, (size[1] // 2, size[0] // 2, 3)).astype(np.float32)
    grain = ndimage.zoom(noise, (size[1] / (size[1] // 2), size[0] / (size[0] // 2), 1), order=1)
    pixels = np.asarray(image, np.float32) + grain[: size[1], : size[0]]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def compose(
    random: Random,
    cutouts: Sequence[Cutout],
    backdrop: Backdrop,
    spans: tuple[float, float] = (0.25, 0.5),
    distractors: int = 0,
) -> Scene:
    """Paste garments on a backdrop, side by side, with a soft shadow, in the light of the scene.

    Args:
        spans: the least and the greatest longer side of a garment, as a share of the longer side
            of the scene.
        distractors: how many pieces of other backdrops are pasted first, so that an edge alone
            tells nothing.
    """
    size = random.choice(SIZES)
    image = backdrop(random, size)
    for _ in range(distractors):
        _paste_piece(random, image, backdrop(random, size))
    boxes: list[Box] = []
    products = []
    for cutout in cutouts:
        garment = _transformed(random, cutout.image, random.uniform(*spans) * max(size), size)
        place = _free_place(random, garment.size, size, boxes)
        if place is None:
            continue
        _paste(random, image, garment, place)
        boxes.append((*place, place[0] + garment.width, place[1] + garment.height))
        products.append(cutout.product)
    image = ImageEnhance.Brightness(image).enhance(random.uniform(0.75, 1.15))
    image = ImageEnhance.Contrast(image).enhance(random.uniform(0.8, 1.15))
    if random.random() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 1.2)))
    return Scene(image, tuple(boxes), tuple(products))


def _largest_parts(solid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The connected parts of a mask that have at least a tenth of the pixels of the largest."""
    parts, count = ndimage.label(solid)
    if not count:
        return solid
    pixels = np.bincount(parts.ravel())[1:]
    return np.isin(parts, 1 + np.flatnonzero(pixels >= pixels.max() / 10))


def _transformed(
    random: Random, image: Image.Image, side: float, size: tuple[int, int]
) -> Image.Image:
    if random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    turned = image.rotate(random.gauss(0, 8), Image.Resampling.BICUBIC, expand=True)
    turned = turned.crop(turned.getchannel("A").point(lambda it: 255 * (it > 60)).getbbox())
    scale = min(
        side / max(turned.size), 0.97 * size[0] / turned.width, 0.97 * size[1] / turned.height
    )
    width = max(8, round(turned.width * scale * random.uniform(0.92, 1.08)))
    height = max(8, round(turned.height * scale))
    return turned.resize((min(width, size[0]), min(height, size[1])), Image.Resampling.LANCZOS)


def _free_place(
    random: Random, garment: tuple[int, int], size: tuple[int, int], taken: list[Box]
) -> tuple[int, int] | None:
    """Where the corner of a garment can be so that it hardly covers another one; None: nowhere."""
    for _ in range(30):
        x, y = random.randint(0, size[0] - garment[0]), random.randint(0, size[1] - garment[1])
        box = (x, y, x + garment[0], y + garment[1])
        if all(intersection(box, other) < 0.1 * area(other) for other in taken):
            return x, y
    return None


def _paste(
    random: Random, image: Image.Image, garment: Image.Image, place: tuple[int, int]
) -> None:
    alpha = garment.getchannel("A")
    shadow = Image.new("L", image.size)
    offset = random.randint(-6, 6), random.randint(0, 8)
    shadow.paste(alpha, (place[0] + offset[0], place[1] + offset[1]))
    shadow = shadow.filter(ImageFilter.GaussianBlur(random.uniform(2, 9)))
    strength = random.uniform(0, 0.6)
    image.paste((0, 0, 0), mask=shadow.point(lambda it: int(it * strength)))
    light = ImageEnhance.Brightness(garment.convert("RGB")).enhance(random.uniform(0.75, 1.1))
    tint = Image.new("RGB", light.size, _colour(random))
    image.paste(Image.blend(light, tint, random.uniform(0, 0.12)), place, alpha)


def _paste_piece(random: Random, image: Image.Image, other: Image.Image) -> None:
    """Paste a piece of another backdrop, with an irregular outline."""
    width = round(image.width * random.uniform(0.1, 0.5))
    height = round(image.height * random.uniform(0.1, 0.5))
    x, y = random.randint(0, image.width - width), random.randint(0, image.height - height)
    mask = Image.new("L", (width, height))
    draw = ImageDraw.Draw(mask)
    kind = random.choice(("box", "ellipse", "polygon", "polygon"))
    if kind == "polygon":
        angles = sorted(random.uniform(0, 2 * math.pi) for _ in range(random.randint(4, 9)))
        radii = [random.uniform(0.25, 0.5) for _ in angles]
        draw.polygon(
            [
                (width * (0.5 + r * math.cos(a)), height * (0.5 + r * math.sin(a)))
                for a, r in zip(angles, radii, strict=True)
            ],
            fill=255,
        )
    elif kind == "ellipse":
        draw.ellipse((0, 0, width - 1, height - 1), fill=255)
    else:
        draw.rectangle((0, 0, width - 1, height - 1), fill=255)
    piece = other.crop((0, 0, width, height)).convert("RGBA")
    piece.putalpha(mask.filter(ImageFilter.GaussianBlur(0.8)))
    _paste(random, image, piece, (x, y))


def _zoomed(image: Image.Image, zoom: float, random: Random) -> Image.Image:
    width, height = image.width / zoom, image.height / zoom
    x, y = random.uniform(0, image.width - width), random.uniform(0, image.height - height)
    return image.resize(image.size, Image.Resampling.BICUBIC, box=(x, y, x + width, y + height))


def _colour(random: Random) -> tuple[int, int, int]:
    return random.randint(0, 255), random.randint(0, 255), random.randint(0, 255)


def area(box: Box) -> float:
    """The area of a box, in square pixels."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def intersection(one: Box, other: Box) -> float:
    """The area that two boxes share, in square pixels."""
    return area(
        (max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3]))
    )
