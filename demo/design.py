"""The design of one product: everything that determines its drawing."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from demo import palette, patterns
from demo.fabric import Fabric, Material
from demo.palette import COLOURS, Rgb
from demo.patterns import Pattern
from demo.randomness import generator, stable_seed

# Product types with finer stripes and less contrasting checks than shirts and dresses.
_SUITING: Final = frozenset({"Blazers", "Trousers", "Coats"})


@dataclass(frozen=True)
class Design:
    """Everything that determines a drawing.

    `cut` contains the choices of the silhouette, such as `{"neck": "V-neck"}`. All random details
    depend on `key` alone: two designs with the same key differ only in the other fields.
    """

    key: str
    product_type: str
    gender: str
    colour_name: str
    pattern_name: str
    material: Material
    cut: Mapping[str, str]

    def random(self, purpose: str) -> random.Random:
        """Return this product's random generator for one purpose."""
        return generator(self.key, purpose)

    @property
    def for_women(self) -> bool:
        return self.gender in ("Women", "Girls")

    @property
    def for_children(self) -> bool:
        return self.gender in ("Boys", "Girls")

    @cached_property
    def colour(self) -> Rgb:
        """The main colour, with a small random variation."""
        dyes = palette.DENIM if self.pattern_name == "Denim" else COLOURS
        return palette.varied(dyes[self.colour_name], self.random("dye" + self.colour_name))

    @cached_property
    def trims(self) -> tuple[Rgb, Rgb]:
        """Two more colours that go with the main one."""
        return palette.partners(self.colour_name, self.random("trims"))

    @cached_property
    def fabric(self) -> Fabric:
        """The main material, with its pattern."""
        seed = stable_seed(self.key, "fabric")
        return Fabric(self.material, self.colour, self._pattern(), seed)

    @property
    def tonal(self) -> Rgb:
        """A visibly different shade of the main colour."""
        if self.colour.lightness > 0.30:
            return self.colour.darker(0.22)
        return self.colour.lighter(0.16)

    def _pattern(self) -> Pattern:
        rng = self.random("pattern")
        first, second = self.trims
        match self.pattern_name:
            case "Striped":
                return _stripes(
                    rng,
                    first,
                    second,
                    vertical=self.cut.get("stripes") == "vertical",
                    fine=self.product_type in _SUITING,
                )
            case "Dotted":
                spacing = rng.choice((22.0, 30.0, 40.0))
                return patterns.Dots(first, spacing, spacing * rng.uniform(0.15, 0.24))
            case "Checked":
                return _checks(
                    rng, self.colour, first, second, bold=self.product_type not in _SUITING
                )
            case "Floral":
                petals = palette.blooms(self.colour_name, rng)
                bloom = rng.choice((11.0, 16.0, 23.0, 30.0))
                seed = stable_seed(self.key, "flowers") % 100_000
                return patterns.Floral(petals, bloom, rng.random() < 0.5, seed)
            case "Denim":
                return patterns.Washed(rng.uniform(0.08, 0.30))
            case _:
                return patterns.PLAIN


def _stripes(rng: random.Random, first: Rgb, second: Rgb, *, vertical: bool, fine: bool) -> Pattern:
    if fine:
        period, layout = rng.choice((16.0, 22.0)), "hairline"
    elif vertical:
        period = rng.choice((16.0, 24.0, 34.0))
        layout = rng.choice(("pin", "even", "double"))
    else:
        period = rng.choice((24.0, 36.0, 54.0, 80.0))
        layout = rng.choice(("sailor", "even", "double", "trio"))
    match layout:
        case "hairline":
            bands = [(0.0, 0.09, first)]
        case "pin":
            bands = [(0.0, 0.16, first)]
        case "sailor":
            bands = [(0.0, 0.34, first)]
        case "double":
            bands = [(0.0, 0.24, first), (0.34, 0.42, first)]
        case "trio":
            bands = [(0.0, 0.30, first), (0.30, 0.42, second), (0.55, 0.60, first)]
        case _:
            bands = [(0.0, 0.5, first)]
    placed = tuple((start * period, end * period, colour) for start, end, colour in bands)
    return patterns.Stripes(placed, period, vertical)


def _checks(rng: random.Random, base: Rgb, first: Rgb, second: Rgb, *, bold: bool) -> Pattern:
    period = rng.choice((44.0, 60.0, 84.0, 110.0))
    layouts = ("gingham", "tartan", "tartan", "windowpane")
    match rng.choice(layouts if bold else layouts[1:]):
        case "gingham":
            period = rng.choice((22.0, 32.0))
            bands = [(0.0, 0.5, first)]
        case "windowpane":
            bands = [(0.0, 0.035, first), (0.5, 0.535, base.darker(0.3))]
        case _:
            bands = [
                (0.00, 0.34, base.darker(0.35)),
                (0.13, 0.20, first),
                (0.52, 0.56, second),
                (0.64, 0.67, first),
                (0.82, 0.86, second),
            ]
    placed = tuple((start * period, end * period, colour) for start, end, colour in bands)
    return patterns.Checks(placed, period)
