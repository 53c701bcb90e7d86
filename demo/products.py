"""Generates the products of the demo shop.

The products form an infinite sequence, and a catalogue of n products is its first n: product 17 is
the same in a catalogue of 24 and in one of 640. The sequence consists of decks of cards. Each deck
contains every type at least once and frequent types more often, so small catalogues are varied too.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count, islice
from typing import Final, NamedTuple

from demo import copywriting
from demo.assortment import PRODUCT_TYPES, ProductType, Style
from demo.brands import brand_for
from demo.design import Design
from demo.randomness import generator

COLUMNS: Final = (
    *("sku", "title", "description", "brand", "category", "subcategory", "product_type"),
    *("gender", "colour", "usage", "price", "currency", "in_stock", "images", "pattern", "sizes"),
)

_SIZES: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("tops", "Men"): ("S", "M", "L", "XL", "XXL"),
    ("tops", "Women"): ("XS", "S", "M", "L", "XL"),
    ("tops", "Unisex"): ("XS", "S", "M", "L", "XL", "XXL"),
    ("tops", "Boys"): ("4Y", "6Y", "8Y", "10Y", "12Y"),
    ("tops", "Girls"): ("4Y", "6Y", "8Y", "10Y", "12Y"),
    ("waists", "Men"): ("30", "32", "34", "36", "38"),
    ("waists", "Women"): ("34", "36", "38", "40", "42"),
    ("waists", "Unisex"): ("S", "M", "L", "XL"),
    ("waists", "Boys"): ("4Y", "6Y", "8Y", "10Y", "12Y"),
    ("waists", "Girls"): ("4Y", "6Y", "8Y", "10Y", "12Y"),
    ("shoes", "Men"): ("40", "41", "42", "43", "44", "45"),
    ("shoes", "Women"): ("36", "37", "38", "39", "40", "41"),
    ("shoes", "Unisex"): ("38", "39", "40", "41", "42", "43", "44"),
    ("shoes", "Boys"): ("28", "29", "30", "31", "32", "33"),
    ("shoes", "Girls"): ("27", "28", "29", "30", "31", "32"),
}
_SKU: Final = re.compile("(?:{})-([0-9]{{4}})".format("|".join(it.code for it in PRODUCT_TYPES)))
_RARE_FOR_MEN: Final = frozenset({"Pink", "Peach", "Lavender", "Mint", "Purple"})
_LIGHT_WEAR: Final = frozenset({"T-shirts", "Shirts", "Polo Shirts", "Shorts"})
_CHILDRENS_PRICE = 0.6
_SHARE_IN_STOCK = 0.88
_SHARE_WITH_SECOND_PICTURE = 0.25
_FAMILIES_PER_DECK = 2


@dataclass(frozen=True)
class Product:
    """One row of the catalogue, and the design that its pictures are drawn from."""

    sku: str
    title: str
    description: str
    brand: str
    category: str
    subcategory: str
    usage: str
    price: str
    in_stock: bool
    images: tuple[str, ...]
    sizes: tuple[str, ...]
    design: Design

    def row(self) -> dict[str, str]:
        """Return the product as a row of the CSV file, keyed by `COLUMNS`."""
        return {
            "sku": self.sku,
            "title": self.title,
            "description": self.description,
            "brand": self.brand,
            "category": self.category,
            "subcategory": self.subcategory,
            "product_type": self.design.product_type,
            "gender": self.design.gender,
            "colour": self.design.colour_name,
            "usage": self.usage,
            "price": self.price,
            "currency": "EUR",
            "in_stock": "true" if self.in_stock else "false",
            "images": ";".join(self.images),
            "pattern": self.design.pattern_name,
            "sizes": ";".join(self.sizes),
        }


def products(number: int) -> list[Product]:
    """Return the first `number` products of the sequence."""
    return [_product(sku, card) for sku, card in islice(_sequence(), number)]


def find_products(skus: Collection[str]) -> list[Product]:
    """Return the products of the sequence that have these SKUs; others are left out."""
    wanted = {sku: int(match[1]) for sku in skus if (match := _SKU.fullmatch(sku))}
    # Every deck holds each type, so the first n decks have each type's product number n.
    decks = range(max(wanted.values(), default=0))
    return [_product(sku, card) for sku, card in _sequence(decks) if sku in wanted]


class _Card(NamedTuple):
    """The type of one product in the sequence.

    The members of a family have the same key, so they differ only in colour. `member` is their
    number, from 0; it is None for a product without a family.
    """

    key: str
    kind: ProductType
    member: int | None = None


def _sequence(decks: Iterable[int] | None = None) -> Iterator[tuple[str, _Card]]:
    """Yield each product's SKU and card, without end unless `decks` has one."""
    numbers: Counter[str] = Counter()
    for deck in count() if decks is None else decks:
        for card in _deal(deck):
            code = card.kind.code
            numbers[code] += 1
            yield f"{code}-{numbers[code]:04d}", card


def _deal(deck: int) -> list[_Card]:
    """Return one deck: each type once, then repeats of frequent types and more family members."""
    rng = generator("deck", deck)
    first = list(PRODUCT_TYPES)
    more = [kind for kind in PRODUCT_TYPES for _ in range(kind.frequency - 1)]
    rng.shuffle(first)
    rng.shuffle(more)
    cards = [_Card(f"{deck}/{place}", kind) for place, kind in enumerate(first + more)]
    for place in rng.sample(range(len(first)), _FAMILIES_PER_DECK):
        cards[place] = leader = cards[place]._replace(member=0)
        for member in range(1, rng.choice((3, 3, 4))):
            cards.insert(rng.randint(len(first), len(cards)), leader._replace(member=member))
    return cards


def _product(sku: str, card: _Card) -> Product:
    key, kind, member = card
    rng = generator(key, "product")
    style_name = _weighted_choice({name: style.weight for name, style in kind.styles.items()}, rng)
    style = kind.styles[style_name]
    gender = _weighted_choice(style.genders, rng)
    cut = _cut(kind, style_name, style, gender, rng)
    design = Design(
        key=key,
        product_type=kind.name,
        gender=gender,
        colour_name="",
        pattern_name=_weighted_choice(style.patterns, rng),
        material=rng.choice(style.materials),
        cut=cut,
    )
    usage = _weighted_choice(style.usages, rng)
    traits = {usage, kind.subcategory, kind.name}
    brand = brand_for(kind.category, traits, gender, rng)
    price = _price(kind, brand.level, gender, rng)
    colours = _colours(style, kind, gender)
    rng.shuffle(colours)
    colours = list(dict.fromkeys(colours))
    design = replace(design, colour_name=colours[(member or 0) % len(colours)])
    own = generator(sku, "stock")
    two = own.random() < _SHARE_WITH_SECOND_PICTURE
    brief = copywriting.Brief(design, brand.name, style, usage, member is not None)
    return Product(
        sku=sku,
        title=copywriting.title(brief),
        description=copywriting.description(brief),
        brand=brand.name,
        category=kind.category,
        subcategory=kind.subcategory,
        usage=usage,
        price=price,
        in_stock=own.random() < _SHARE_IN_STOCK,
        images=(f"{sku}.jpg", f"{sku}-2.jpg") if two else (f"{sku}.jpg",),
        sizes=_sizes(kind, gender, own),
        design=design,
    )


def _cut(
    kind: ProductType, style_name: str, style: Style, gender: str, rng: random.Random
) -> dict[str, str]:
    options = {**kind.cuts, **style.cuts}
    if gender in ("Women", "Girls"):
        options |= kind.cuts_for_women
    cut = {name: rng.choice(choices) for name, choices in options.items()}
    if style_name:
        cut[kind.cut_name] = style_name
    return cut


def _colours(style: Style, kind: ProductType, gender: str) -> list[str]:
    """Return the style's colours for this gender. Frequent colours are repeated."""
    unlikely = _RARE_FOR_MEN if gender in ("Men", "Boys", "Unisex") else frozenset()
    if kind.category == "Apparel" and gender in ("Men", "Unisex") and kind.name in _LIGHT_WEAR:
        unlikely = unlikely - {"Pink", "Mint", "Lavender"}
    return [colour for colour in style.colours if colour not in unlikely]


def _price(kind: ProductType, level: float, gender: str, rng: random.Random) -> str:
    low, high = kind.prices
    # Low prices are more frequent than high ones.
    amount = low * (high / low) ** (rng.random() ** 1.2) * level
    if gender in ("Boys", "Girls"):
        amount *= _CHILDRENS_PRICE
    ending = rng.choice((0.90, 0.95, 1.00, 0.90))
    return f"{max(4, round(amount)) - 1 + ending:.2f}"


def _sizes(kind: ProductType, gender: str, rng: random.Random) -> tuple[str, ...]:
    if kind.sizing == "one size":
        return ("One Size",)
    scale = _SIZES[kind.sizing, gender]
    missing = rng.choice((0, 0, 1, 2))
    start = rng.randint(0, missing)
    return scale[start : len(scale) - missing + start]


def _weighted_choice(weights: Mapping[str, int], rng: random.Random) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]
