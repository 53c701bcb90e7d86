"""Fabrics: a material with a colour and a pattern.

A fabric is sampled at cloth coordinates, `u` across and `v` down the cloth, in design units. The
size of a pattern is therefore independent of the view, and it follows the grain of each piece.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from demo import patterns
from demo.palette import Rgb
from demo.shading import Field, noise_at
from demo.weaves import WEAVES


@dataclass(frozen=True)
class Material:
    """The optical properties of a material.

    `weave` is a key of `weaves.WEAVES`. `edge` is the width of the rounded edges in design units.
    `roundness`, `rim`, `fold` and `wrinkle` are the strength of the shading of body, edges, folds
    and unevenness. `gloss` is the strength of highlights.
    """

    name: str
    weave: str = "plain"
    weave_strength: float = 0.008
    edge: float = 9.0
    roundness: float = 0.34
    rim: float = 0.20
    fold: float = 0.30
    wrinkle: float = 0.015
    gloss: float = 0.0

    def shine(self, light: Field) -> Field:
        """Return the highlights of a glossy surface, which are where it faces the light."""
        return self.gloss * np.clip(light * 3.0, 0.0, 1.0) ** 2


COTTON: Final = Material("cotton")
POPLIN: Final = Material("poplin", weave_strength=0.008, wrinkle=0.024, fold=0.36)
LINEN: Final = Material("linen", weave="slub", weave_strength=0.035, wrinkle=0.030)
JERSEY: Final = Material("jersey")
FLEECE: Final = Material("fleece", weave_strength=0.022, edge=13, roundness=0.42, rim=0.24)
KNIT: Final = Material(
    "knit", weave="knit", weave_strength=0.075, edge=12, roundness=0.40, rim=0.24
)
CABLE: Final = Material(
    "cable", weave="cable", weave_strength=0.13, edge=12, roundness=0.4, rim=0.24
)
RIB: Final = Material("rib", weave="rib", weave_strength=0.06, edge=7, roundness=0.36, rim=0.2)
DENIM: Final = Material("denim", weave="twill", weave_strength=0.07, wrinkle=0.030, rim=0.24)
TWILL: Final = Material("twill", weave="twill", weave_strength=0.020, wrinkle=0.020)
WOOL: Final = Material("wool", weave="felt", weave_strength=0.022, edge=11, wrinkle=0.016)
CORD: Final = Material("corduroy", weave="rib", weave_strength=0.085, edge=9)
SATIN: Final = Material("satin", weave="smooth", fold=0.46, gloss=0.22, wrinkle=0.030)
CHIFFON: Final = Material("chiffon", weave_strength=0.006, fold=0.30, rim=0.14, wrinkle=0.022)
NYLON: Final = Material("nylon", weave="smooth", fold=0.42, gloss=0.16, wrinkle=0.032)
PUFFER: Final = Material("puffer", weave="smooth", edge=15, roundness=0.75, rim=0.42, gloss=0.20)
LEATHER: Final = Material(
    "leather", weave="hide", weave_strength=0.009, edge=8, roundness=0.45, rim=0.30, gloss=0.30
)
PATENT: Final = Material(
    "patent", weave="smooth", edge=8, roundness=0.60, rim=0.34, gloss=0.60, wrinkle=0.0
)
SUEDE: Final = Material(
    "suede", weave="felt", weave_strength=0.026, edge=8, rim=0.26, wrinkle=0.012
)
MESH: Final = Material("mesh", weave="mesh", weave_strength=0.06, edge=9, roundness=0.40, rim=0.24)
CANVAS: Final = Material("canvas", weave="plain", weave_strength=0.030, edge=8, rim=0.24)
RUBBER: Final = Material(
    "rubber", weave="smooth", edge=5, roundness=0.40, rim=0.22, gloss=0.06, wrinkle=0.0
)
STRAW: Final = Material("straw", weave="straw", weave_strength=0.11, edge=10, wrinkle=0.0)
METAL: Final = Material(
    "metal", weave="smooth", edge=3, roundness=0.9, rim=0.30, gloss=0.70, wrinkle=0.0
)


@dataclass(frozen=True)
class Drape:
    """The orientation of the cloth of one piece.

    `degrees` rotates the grain clockwise (for a sleeve). `apex` is the distance above the origin at
    which fanned-out threads would meet (for a flared skirt); 0 means parallel threads. `sag` bends
    the weft down towards both sides, by so many units at 100 units from the middle (for a body).
    """

    x: float = 0.0
    y: float = 0.0
    degrees: float = 0.0
    apex: float = 0.0
    sag: float = 0.0

    @property
    def mirrored(self) -> Drape:
        """The mirrored orientation, for the other side of the garment."""
        return replace(self, x=-self.x, degrees=-self.degrees)

    def coordinates(self, x: Field, y: Field) -> tuple[Field, Field]:
        """Return the cloth coordinates `(u, v)` of points in design coordinates."""
        angle = np.radians(self.degrees)
        cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        x, y = x - np.float32(self.x), y - np.float32(self.y)
        u, v = cosine * x + sine * y, cosine * y - sine * x
        if self.apex:
            apex = np.float32(self.apex)
            return np.arctan2(u, v + apex) * (apex + 150), np.hypot(u, v + apex) - apex
        if self.sag:
            v = v - np.float32(self.sag * 1e-4) * u * u
        return u, v


@dataclass(frozen=True)
class Fabric:
    """A material in a colour, with a pattern."""

    material: Material
    colour: Rgb
    pattern: patterns.Pattern = patterns.PLAIN
    seed: int = 0

    @cached_property
    def _shift(self) -> tuple[float, float]:
        rng = random.Random(self.seed)
        return rng.uniform(600, 1500), rng.uniform(600, 1500)

    def of(self, colour: Rgb, material: Material | None = None) -> Fabric:
        """Return plain fabric in another colour, and optionally in another material, for trims."""
        return Fabric(material or self.material, colour, patterns.PLAIN, self.seed + 1)

    def plain(self, material: Material | None = None) -> Fabric:
        """Return the same fabric without its pattern, and optionally in another material."""
        return self.of(self.colour, material)

    def made_of(self, material: Material) -> Fabric:
        """Return the same fabric in another material."""
        return replace(self, material=material)

    def colours(self, u: Field, v: Field, pixel: float) -> NDArray[np.float32]:
        """Return colours at the points `u`, `v`; see `Pattern.colours`."""
        if self.pattern == patterns.PLAIN:
            return self.pattern.colours(self.colour, u, v, pixel)
        bend_u = 2.2 * noise_at(u * 0.7 + self._shift[0], v * 0.7 + self._shift[1], 24.0)
        bend_v = 2.2 * noise_at(u * 0.7 + self._shift[1], v * 0.7 + self._shift[0], 24.0)
        return self.pattern.colours(self.colour, u + bend_u, v + bend_v, pixel)

    def wrinkles(self, x: Field, y: Field) -> Field:
        """Return the soft unevenness of the cloth, in standard deviations."""
        across, down = self._shift
        wide = noise_at(x * 1.5 + across, y * 0.8 + down, 24.0)
        narrow = noise_at(x * 1.1 + y * 0.4 + down, y * 0.9 + across, 10.0)
        return 0.6 * wide + 0.5 * narrow

    def grain(self, u: Field, v: Field) -> Field:
        """Return the shading of the weave."""
        weave = WEAVES[self.material.weave]
        return self.material.weave_strength * weave(u, v, self._shift)
