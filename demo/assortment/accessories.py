"""The caps, hats and bags in the assortment."""

from __future__ import annotations

from typing import Final

from demo.assortment.product_types import (
    ADULTS,
    BRIGHT,
    EARTHY,
    EVERYONE,
    PLAIN,
    WOMEN,
    ProductType,
    Style,
)
from demo.fabric import CANVAS, KNIT, LEATHER, NYLON, STRAW, SUEDE, TWILL, WOOL

_LIVELY_LEATHERS: Final = (
    *("Black", "Brown", "Tan", "Maroon", "Red", "Navy Blue", "Green", "Pink", "Beige", "Mustard"),
    "White",
)

ACCESSORIES: Final[tuple[ProductType, ...]] = (
    ProductType(
        "Caps",
        "CA",
        "Accessories",
        "Headwear",
        {
            "baseball cap": Style(
                ("Baseball Cap", "Cap"),
                (TWILL, CANVAS),
                {"Plain": 5, "Checked": 1},
                BRIGHT,
                EVERYONE,
                {"Sports": 1, "Casual": 2},
                weight=2,
            ),
            "trucker cap": Style(
                ("Trucker Cap",), (TWILL,), PLAIN, BRIGHT, EVERYONE, {"Casual": 2, "Sports": 1}
            ),
        },
        (12, 34),
        "one size",
    ),
    ProductType(
        "Hats",
        "HA",
        "Accessories",
        "Headwear",
        {
            "beanie": Style(
                ("Beanie", "Knitted Beanie"), (KNIT,), {"Plain": 4, "Striped": 1}, BRIGHT, EVERYONE
            ),
            "bobble hat": Style(
                ("Bobble Hat", "Pompom Hat"), (KNIT,), {"Plain": 2, "Striped": 3}, BRIGHT, EVERYONE
            ),
            "bucket hat": Style(
                ("Bucket Hat",),
                (CANVAS,),
                {"Plain": 3, "Checked": 1, "Floral": 1},
                BRIGHT,
                EVERYONE,
            ),
            "fedora": Style(
                ("Fedora", "Felt Hat"), (WOOL,), PLAIN, EARTHY, ADULTS, {"Casual": 1, "Formal": 1}
            ),
            "sun hat": Style(
                ("Sun Hat", "Straw Hat"), (STRAW,), PLAIN, ("Beige", "Cream", "Tan", "White"), WOMEN
            ),
        },
        (14, 44),
        "one size",
    ),
    ProductType(
        "Bags",
        "BA",
        "Accessories",
        "Bags",
        {
            "handbag": Style(
                ("Handbag", "Top-Handle Bag"),
                (LEATHER, SUEDE),
                PLAIN,
                _LIVELY_LEATHERS,
                WOMEN,
                {"Formal": 1, "Casual": 1, "Party": 1},
            ),
            "tote bag": Style(
                ("Tote Bag", "Shopper"),
                (CANVAS,),
                {"Plain": 2, "Striped": 3, "Floral": 2, "Dotted": 1, "Checked": 1},
                BRIGHT,
                {"Women": 3, "Unisex": 2},
            ),
            "crossbody bag": Style(
                ("Crossbody Bag", "Shoulder Bag"),
                (LEATHER,),
                PLAIN,
                _LIVELY_LEATHERS,
                WOMEN,
                {"Party": 1, "Casual": 1},
            ),
            "backpack": Style(
                ("Backpack", "Daypack"),
                (NYLON, CANVAS),
                {"Plain": 4, "Striped": 1, "Dotted": 1},
                BRIGHT,
                EVERYONE,
                {"Casual": 2, "Sports": 1},
            ),
        },
        (24, 119),
        "one size",
        frequency=2,
    ),
)
