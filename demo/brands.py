"""The invented brands of the demo shop and the kinds of products that each makes."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Brand:
    """A brand: what it makes, for which genders, and its price level.

    `makes` contains usages, categories, subcategories or product types. A brand makes a product if
    any of the product's values is among them. `level` multiplies the usual price of the type.
    """

    name: str
    makes: frozenset[str]
    genders: frozenset[str]
    level: float = 1.0


def _brand(name: str, makes: str, genders: str, level: float) -> Brand:
    whom = {"M": "Men", "W": "Women", "B": "Boys", "G": "Girls", "U": "Unisex"}
    return Brand(
        name, frozenset(makes.split(", ")), frozenset(whom[letter] for letter in genders), level
    )


BRANDS: Final[tuple[Brand, ...]] = (
    _brand("Nordvik", "Apparel, Accessories", "MWU", 1.15),
    _brand("Brightloom", "Apparel, Accessories", "MWU", 0.85),
    _brand("Casa Mirabel", "Dress, Tops, Skirts, Bags, Party", "W", 1.15),
    _brand("Ateljé Linn", "Dress, Formal, Tops, Cardigans, Coats", "W", 1.30),
    _brand("Harrow & Pike", "Formal, Coats, Blazers, Shirts", "M", 1.30),
    _brand("Torrente Uno", "Formal Shoes, Boots, Bags, Blazers", "MW", 1.25),
    _brand("Velosta", "Sports", "MWBGU", 1.10),
    _brand("Pacewell", "Sports, Sneakers, Caps", "MWBGU", 0.95),
    _brand("Kestrel Peak", "Boots, Jackets, Hoodies, Hats, Sports", "MWU", 1.15),
    _brand("Indigo Yard", "Jeans, Jackets, Shirts, Shorts, Skirts", "MWBGU", 1.00),
    _brand("Little Puffin", "Apparel, Accessories, Footwear", "BG", 0.80),
    _brand("Minimoo", "Apparel, Accessories, Footwear", "BG", 0.75),
    _brand("Solesta", "Footwear", "MWU", 1.00),
    _brand("Belle Arcade", "Heels, Flats, Sandals, Bags, Party", "WG", 1.05),
    _brand("Marlo Bay", "Sandals, Flip Flops, Shorts, Hats, T-shirts, Sneakers", "MWBGU", 0.85),
    _brand("Oakhurst", "Sweaters, Cardigans, Trousers, Polo Shirts, Formal Shoes", "MWU", 1.05),
    _brand("Tidewick", "T-shirts, Polo Shirts, Sweaters, Flip Flops, Bags", "MWU", 0.95),
)


def brand_for(category: str, traits: set[str], gender: str, rng: random.Random) -> Brand:
    """Choose a brand that makes such a product for this gender, preferably a specialist.

    `traits` contains the product's usage, subcategory and type.
    """
    for_them = [brand for brand in BRANDS if gender in brand.genders]
    weights = [4 * bool(brand.makes & traits) or int(category in brand.makes) for brand in for_them]
    return rng.choices(for_them, weights if any(weights) else None)[0]
