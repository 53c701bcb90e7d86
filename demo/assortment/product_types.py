"""Definitions of product types and their styles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from demo.fabric import Material

Weights = Mapping[str, int]
Cuts = Mapping[str, tuple[str, ...]]

# Men have the largest share here, because dresses, skirts, heels and others are only for women.
EVERYONE: Final[Weights] = {"Men": 7, "Women": 3, "Boys": 2, "Girls": 1, "Unisex": 1}
ADULTS: Final[Weights] = {"Men": 1, "Women": 1}
MEN: Final[Weights] = {"Men": 1}
WOMEN: Final[Weights] = {"Women": 1}
MEN_AND_BOYS: Final[Weights] = {"Men": 4, "Boys": 1}
WOMEN_AND_GIRLS: Final[Weights] = {"Women": 4, "Girls": 1}

CASUAL: Final[Weights] = {"Casual": 1}
SPORTY: Final[Weights] = {"Sports": 2, "Casual": 3}
OFFICE: Final[Weights] = {"Formal": 3, "Casual": 1}
FESTIVE: Final[Weights] = {"Party": 2, "Casual": 3}

PLAIN: Final[Weights] = {"Plain": 1}
MOSTLY_PLAIN: Final[Weights] = {"Plain": 5, "Striped": 2, "Dotted": 1, "Checked": 1}
PRINTS: Final[Weights] = {"Plain": 3, "Floral": 3, "Dotted": 2, "Striped": 2}
DENIM_ONLY: Final[Weights] = {"Denim": 1}

BRIGHT: Final = (
    *("Black", "White", "Grey", "Navy Blue", "Blue", "Light Blue", "Teal", "Green", "Olive"),
    *(
        "Red",
        "Maroon",
        "Pink",
        "Purple",
        "Yellow",
        "Mustard",
        "Orange",
        "Beige",
        "Mint",
        "Lavender",
    ),
)
SOFT: Final = (
    *("White", "Cream", "Peach", "Pink", "Lavender", "Mint", "Light Blue", "Black", "Navy Blue"),
    *("Red", "Maroon", "Teal", "Yellow", "Mustard", "Green", "Purple", "Rust", "Blue"),
)
EARTHY: Final = (
    *("Beige", "Brown", "Olive", "Navy Blue", "Black", "Grey", "Charcoal", "Rust", "Tan", "Green"),
    *("Maroon", "Cream", "Mustard"),
)
SOBER: Final = ("Black", "Navy Blue", "Charcoal", "Grey", "Beige", "Brown", "Maroon")
LEATHERS: Final = ("Black", "Brown", "Tan", "Maroon", "Navy Blue", "Beige", "Olive", "Grey")
INDIGOS: Final = ("Blue", "Light Blue", "Navy Blue", "Black", "Grey")


@dataclass(frozen=True)
class Style:
    """One silhouette of a type: its materials, genders, colours and patterns.

    `nouns` are its names in titles. `cuts` maps the names of further choices to their options, in
    addition to those of the type.
    """

    nouns: tuple[str, ...]
    materials: tuple[Material, ...]
    patterns: Weights = field(default_factory=lambda: PLAIN)
    colours: tuple[str, ...] = BRIGHT
    genders: Weights = field(default_factory=lambda: EVERYONE)
    usages: Weights = field(default_factory=lambda: {"Casual": 1})
    cuts: Cuts = field(default_factory=dict)
    weight: int = 1


@dataclass(frozen=True)
class ProductType:
    """One type of product.

    `cut_name` is the key of the style in a design's cut. `frequency` is the number of products of
    this type among about forty. `prices` is the range in euros before the brand's price level.
    `sizing` is the name of the size scale.
    """

    name: str
    code: str
    category: str
    subcategory: str
    styles: Mapping[str, Style]
    prices: tuple[float, float]
    sizing: str
    cut_name: str = "style"
    frequency: int = 1
    cuts: Cuts = field(default_factory=dict)
    cuts_for_women: Cuts = field(default_factory=dict)
