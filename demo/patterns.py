"""Patterns: stripes, dots, checks, flowers and worn denim.

Each pattern maps cloth coordinates (in design units) to colours and antialiases its own edges.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from demo.palette import LEAF, Rgb
from demo.shading import Field, channels, noise_at

Colours = NDArray[np.float32]

NAMES: Final = ("Plain", "Striped", "Dotted", "Floral", "Checked", "Denim")


class Pattern(Protocol):
    """A pattern of a fabric."""

    def colours(self, base: Rgb, u: Field, v: Field, pixel: float) -> Colours:
        """Return colours (3 x ..., or 3 x 1 if even) at the points `u`, `v`; `pixel` is a
        pixel's size in cloth units.
        """
        ...


@dataclass(frozen=True)
class Plain:
    """One even colour."""

    def colours(self, base: Rgb, u: Field, v: Field, pixel: float) -> Colours:
        return channels(base, u)


PLAIN: Final = Plain()


@dataclass(frozen=True)
class Stripes:
    """Stripes. Each band has a start and an end within one `period`, and a colour."""

    bands: tuple[tuple[float, float, Rgb], ...]
    period: float
    vertical: bool = False

    def colours(self, base: Rgb, u: Field, v: Field, pixel: float) -> Colours:
        along = u if self.vertical else v
        return _banded(channels(base, u), along, self.bands, self.period, pixel)


@dataclass(frozen=True)
class Dots:
    """Round dots in staggered rows."""

    colour: Rgb
    spacing: float = 34.0
    radius: float = 7.0

    def colours(self, base: Rgb, u: Field, v: Field, pixel: float) -> Colours:
        row = np.floor(v / self.spacing)
        across = np.mod(u + 0.5 * self.spacing * np.mod(row, 2), self.spacing) - self.spacing / 2
        down = np.mod(v, self.spacing) - self.spacing / 2
        cover = _soft(self.radius - np.hypot(across, down), pixel)
        return _mixed(channels(base, u), self.colour, cover)


@dataclass(frozen=True)
class Checks:
    """A woven check: the same bands in warp and weft. Their colours mix where they cross."""

    bands: tuple[tuple[float, float, Rgb], ...]
    period: float

    def colours(self, base: Rgb, u: Field, v: Field, pixel: float) -> Colours:
        warp = _banded(channels(base, u), u, self.bands, self.period, pixel)
        weft = _banded(channels(base, u), v, self.bands, self.period, pixel)
        twill = 0.5 + 0.10 * np.sin((u + v) * (2 * np.pi / 4.0))
        return (warp * twill + weft * (1 - twill)).astype(np.float32)


@dataclass(frozen=True)
class Floral:
    """Randomly placed flowers and leaves."""

    petals: tuple[Rgb, ...]
    bloom: float = 22.0
    crowded: bool = True
    seed: int = 0

    def colours(self, base: Rgb, u: Field, v: Field, pixel: float) -> Colours:
        tile = _floral_tile(base, self)
        return _sample(tile, u * _TILE_SCALE, v * _TILE_SCALE)


@dataclass(frozen=True)
class Washed:
    """Worn denim: an uneven blue, lighter on the legs and the seat."""

    fading: float = 0.16

    def colours(self, base: Rgb, u: Field, v: Field, pixel: float) -> Colours:
        cover = 0.5 + 0.35 * noise_at(u * 0.45 + 900, v * 0.2 + 300, 24.0)
        cover += 0.30 * noise_at(u * 1.2 + 100, v * 0.1 + 700, 3.0)
        worn = base.lighter(0.75)
        return _mixed(channels(base, u), worn, np.clip(cover, 0, 1) * self.fading)


def _soft(inside: Field, pixel: float) -> Field:
    """Return the coverage, 0 to 1, for a distance from an edge (positive inside)."""
    return np.clip(inside / pixel + 0.5, 0.0, 1.0)


def _mixed(ground: Colours, colour: Rgb, cover: Field) -> Colours:
    return ground + (channels(colour, cover) - ground) * cover.astype(np.float32)


def _banded(
    ground: Colours,
    along: Field,
    bands: Sequence[tuple[float, float, Rgb]],
    period: float,
    pixel: float,
) -> Colours:
    place = np.mod(along, period)
    for start, end, colour in bands:
        from_middle = np.abs(place - (start + end) / 2)
        from_middle = np.minimum(from_middle, period - from_middle)
        ground = _mixed(ground, colour, _soft((end - start) / 2 - from_middle, pixel))
    return ground


_TILE = 260
_TILE_SCALE = 2


@lru_cache(maxsize=4)
def _floral_tile(base: Rgb, print_: Floral) -> Colours:
    """Draw one tile of the print at twice its size, with smooth edges."""
    rng = random.Random(print_.seed)
    finer = _TILE_SCALE * 2
    size = _TILE * finer
    image = Image.new("RGB", (size, size), _bytes(base))
    pen = ImageDraw.Draw(image)
    placed: list[tuple[float, float, float]] = []
    room = 1.05 if print_.crowded else 1.55
    for scale, tries in ((1.0, 60), (0.62, 90), (0.36, 140)):
        for _ in range(tries):
            x, y = rng.uniform(0, _TILE), rng.uniform(0, _TILE)
            radius = print_.bloom * scale * rng.uniform(0.85, 1.1)
            if any(
                _torus_distance(x - a, y - b) < room * (radius + other) for a, b, other in placed
            ):
                continue
            placed.append((x, y, radius))
            petal = rng.choice(print_.petals)
            turn = rng.uniform(0, 2 * np.pi)
            # Shapes that cross an edge of the tile continue at the opposite edge.
            for shift_x in (-_TILE, 0, _TILE):
                for shift_y in (-_TILE, 0, _TILE):
                    centre = ((x + shift_x) * finer, (y + shift_y) * finer)
                    if all(-3 * radius * finer < c < size + 3 * radius * finer for c in centre):
                        _flower(pen, centre, radius * finer, petal, turn, scale, base)
    reduced = np.asarray(image.reduce(2), dtype=np.float32) / 255.0
    return np.ascontiguousarray(reduced.transpose(2, 0, 1))


def _torus_distance(across: float, down: float) -> float:
    across, down = abs(across), abs(down)
    return float(np.hypot(min(across, _TILE - across), min(down, _TILE - down)))


def _flower(
    pen: ImageDraw.ImageDraw,
    centre: tuple[float, float],
    radius: float,
    petal: Rgb,
    turn: float,
    scale: float,
    base: Rgb,
) -> None:
    leaf = LEAF.mixed(base, 0.15)
    if scale < 0.4:
        _draw_petal(pen, centre, turn, radius * 1.15, radius * 0.5, leaf, reach=0.0)
        return
    for side in (0.9, 2.5, 4.4):
        _draw_petal(pen, centre, turn + side, radius * 0.62, radius * 0.27, leaf, reach=1.05)
    count = 5 if scale == 1.0 else 6
    for index in range(count):
        angle = turn + index * 2 * np.pi / count
        _draw_petal(pen, centre, angle, radius * 0.52, radius * 0.42, petal, reach=0.52)
    for index in range(count):
        angle = turn + index * 2 * np.pi / count
        _draw_petal(
            pen, centre, angle, radius * 0.26, radius * 0.10, petal.darker(0.25), reach=0.36
        )
    heart = petal.mixed(Rgb(0.96, 0.80, 0.35), 0.85)
    _draw_petal(pen, centre, turn, radius * 0.24, radius * 0.24, heart.darker(0.05), reach=0.0)


def _draw_petal(
    pen: ImageDraw.ImageDraw,
    centre: tuple[float, float],
    angle: float,
    long: float,
    short: float,
    colour: Rgb,
    reach: float,
) -> None:
    """Draw a petal or leaf that points outwards, `reach` flower radii from `centre`."""
    t = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    away = long * reach / 0.52 if reach else 0.0
    x, y = away + long * np.cos(t), short * np.sin(t)
    across = centre[0] + x * np.cos(angle) - y * np.sin(angle)
    down = centre[1] + x * np.sin(angle) + y * np.cos(angle)
    pen.polygon(list(zip(across.tolist(), down.tolist(), strict=True)), fill=_bytes(colour))


def _bytes(colour: Rgb) -> tuple[int, int, int]:
    red, green, blue = (round(255 * min(1.0, max(0.0, channel))) for channel in colour)
    return red, green, blue


def _sample(tile: Colours, x: Field, y: Field) -> Colours:
    """Sample a repeating tile with bilinear interpolation."""
    size = tile.shape[-1]
    left, top = np.floor(x), np.floor(y)
    right_share, low_share = x - left, y - top
    x0, y0 = np.mod(left, size).astype(np.int32), np.mod(top, size).astype(np.int32)
    x1, y1 = np.mod(x0 + 1, size), np.mod(y0 + 1, size)
    upper = tile[:, y0, x0] * (1 - right_share) + tile[:, y0, x1] * right_share
    lower = tile[:, y1, x0] * (1 - right_share) + tile[:, y1, x1] * right_share
    result: Colours = (upper * (1 - low_share) + lower * low_share).astype(np.float32)
    return result
