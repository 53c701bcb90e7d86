"""Renders finished pictures: the backdrop, the product's shadow, and the product."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from demo import palette, shading
from demo.canvas import Canvas
from demo.design import Design
from demo.garments import draw
from demo.palette import Rgb
from demo.shading import Field
from demo.view import HEIGHT, MARGIN, WIDTH, View

_FOOTWEAR: Final = frozenset(
    {"Sneakers", "Formal Shoes", "Boots", "Heels", "Sandals", "Flats", "Flip Flops"}
)
# Shoes drawn as a pair from above. All other shoes are drawn from the side.
_FROM_ABOVE: Final = frozenset({"Sandals", "Flats", "Flip Flops"})
_SIDE_VIEW_SANDALS: Final = "espadrille wedges"
# The focus of close-ups by product type: collar, waistband, laces.
_CLOSE_UPS: Final = {
    "Dresses": (10.0, 210.0),
    "Coats": (10.0, 220.0),
    "Skirts": (10.0, 300.0),
    "Jeans": (30.0, 190.0),
    "Trousers": (30.0, 190.0),
    "Shorts": (30.0, 330.0),
    "Caps": (30.0, 400.0),
    "Hats": (20.0, 420.0),
    "Bags": (20.0, 400.0),
    "Flip Flops": (124.0, 300.0),
    "Flats": (124.0, 290.0),
    "Sandals": (124.0, 330.0),
}


@dataclass(frozen=True)
class Shot:
    """The composition of a picture: one view of the product, or two for a pair."""

    views: tuple[View, ...]
    standing: bool


def render(design: Design, number: int) -> Image.Image:
    """Draw picture `number` (0 is the main one) of a product, 640 x 800 pixels, RGB."""
    tone = palette.backdrop(design.colour, design.random("backdrop" + design.colour_name))
    if number:
        rng = design.random(f"backdrop {number} {design.colour_name}")
        tone = palette.backdrop(design.colour, rng, avoid=tone)
    picture = _backdrop(tone)
    shot = _shot(design, number)
    for view in shot.views:
        canvas = Canvas(view)
        draw(canvas, design)
        picture = _composited(picture, canvas, standing=shot.standing)
    return _to_8_bits(picture)


def _shot(design: Design, number: int) -> Shot:
    rng = design.random("shot")
    mirrored = rng.random() < 0.35
    if design.product_type in _FOOTWEAR and not _from_above(design):
        return _footwear_shot(design, number, pair_first=rng.random() < 0.5, mirrored=mirrored)
    view = View(stretch=_proportions(design), degrees=rng.uniform(-1.2, 1.2))
    if number:
        if rng.random() < 0.5:
            focus = _CLOSE_UPS.get(design.product_type, (12.0, 270.0))
            view = View(
                focus=focus, scale=1.9, stretch=_proportions(design), degrees=rng.uniform(-4, 4)
            )
        else:
            degrees = rng.choice((-1, 1)) * rng.uniform(8, 14)
            view = View(scale=0.92, stretch=_proportions(design), degrees=degrees)
    return Shot((view,), standing=False)


def _from_above(design: Design) -> bool:
    return design.product_type in _FROM_ABOVE and design.cut.get("style") != _SIDE_VIEW_SANDALS


def _footwear_shot(design: Design, number: int, *, pair_first: bool, mirrored: bool) -> Shot:
    tall = design.cut.get("style") == "knee-high boots"
    focus = (0.0, 366.0) if tall else (8.0, 430.0)
    build = _proportions(design)
    if pair_first == (number == 0):
        rise, scale = (34.0, 0.90) if tall else (92.0, 0.94)
        side = -1.0 if mirrored else 1.0
        behind = View(
            focus, (WIDTH / 2 + 26 * side, HEIGHT / 2 - rise), scale * 0.95, build, 0.0, mirrored
        )
        before = View(
            focus, (WIDTH / 2 - 18 * side, HEIGHT / 2 + 0.8 * rise), scale, build, 0.0, mirrored
        )
        return Shot((behind, before), standing=True)
    centre = (WIDTH / 2, HEIGHT / 2 + 6)
    if number:
        return Shot((View(focus, centre, 1.08, build, -9.0, mirrored),), standing=False)
    return Shot((View(focus, centre, 1.0 if tall else 1.08, build, 0.0, mirrored),), standing=True)


def _proportions(design: Design) -> tuple[float, float]:
    """Return the horizontal and vertical scale of the product, 1 for adults' clothes."""
    if design.product_type == "Formal Shoes":
        return 0.97, 1.12
    if not design.for_children:
        return 1.0, 1.0
    if design.product_type in _FOOTWEAR:
        return (0.92, 0.84) if _from_above(design) else (0.88, 1.04)
    if design.product_type in ("Caps", "Hats", "Bags"):
        return 0.90, 0.88
    return 1.03, 0.86


def _backdrop(tone: Rgb) -> NDArray[np.float32]:
    """Return the backdrop: one colour with soft light at the upper left."""
    return shading.lit(shading.channels(tone, _lamp()), _lamp())


@cache
def _lamp() -> Field:
    down, across = np.indices((HEIGHT, WIDTH), dtype=np.float32)
    away = np.hypot((across - 0.42 * WIDTH) / WIDTH, (down - 0.34 * HEIGHT) / HEIGHT)
    light: Field = (np.clip(1.0 - away / 0.95, 0, 1) - 0.42) * np.float32(0.16)
    return light


def _composited(
    picture: NDArray[np.float32], canvas: Canvas, *, standing: bool
) -> NDArray[np.float32]:
    alpha = canvas.alpha
    inner = slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN)
    dark = _floor_shadow(alpha) if standing else _drop_shadow(alpha)
    tint = shading.channels((0.95, 1.0, 0.92), dark)
    picture = picture * (1 - dark[inner] * tint)
    result: NDArray[np.float32] = picture * (1 - alpha[inner]) + canvas.colour[:, *inner]
    return result


def _drop_shadow(alpha: Field) -> Field:
    """Return the shadow of a product that lies flat on the backdrop."""
    wide = np.roll(shading.blur(alpha, 20.0), (18, 8), (0, 1))
    near = np.roll(shading.blur(alpha, 5.0), (5, 3), (0, 1))
    return 0.26 * wide + 0.22 * near


def _floor_shadow(alpha: Field) -> Field:
    """Return the shadow of a standing product: its outline, flattened onto the floor."""
    rows = np.flatnonzero(alpha.max(axis=1) > 0.5)
    if not len(rows):
        return np.zeros_like(alpha)
    top, floor = int(rows[0]), int(rows[-1])
    height, width = alpha.shape
    depth = max(8, (floor - top) // 6)
    image = Image.fromarray(np.ascontiguousarray(alpha[top : floor + 1]))
    squashed = np.asarray(image.resize((width, depth), Image.Resampling.BOX), dtype=np.float32)
    shadow = np.zeros_like(alpha)
    start = floor - int(0.55 * depth)
    end = min(height, start + depth)
    shadow[start:end] = squashed[: end - start]
    sole = np.zeros_like(alpha)
    sole[floor - 10 : floor + 2] = alpha[floor - 10 : floor + 2].max(axis=0)
    wide = np.roll(shading.blur(shadow, 13.0), (4, 10), (0, 1))
    return 0.42 * wide + 0.34 * shading.blur(sole, 4.0)


def _to_8_bits(picture: NDArray[np.float32]) -> Image.Image:
    """Return the picture in 8 bits, dithered with noise to avoid banding in gradients."""
    noise = shading.noise(0.0)[:, : WIDTH // 2]
    tiled = np.tile(noise, (2, 2))[:HEIGHT, :WIDTH]
    values = np.clip(picture * 255 + 0.5 + 0.4 * tiled, 0, 255).astype(np.uint8)
    return Image.merge("RGB", [Image.fromarray(channel) for channel in values])
