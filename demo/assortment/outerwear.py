"""The jackets, blazers and coats in the assortment."""

from __future__ import annotations

from typing import Final

from demo.assortment.product_types import (
    ADULTS,
    BRIGHT,
    DENIM_ONLY,
    EARTHY,
    INDIGOS,
    OFFICE,
    PLAIN,
    SOBER,
    ProductType,
    Style,
)
from demo.fabric import (
    CORD,
    DENIM,
    LEATHER,
    LINEN,
    NYLON,
    PUFFER,
    SATIN,
    TWILL,
    WOOL,
)

OUTERWEAR: Final[tuple[ProductType, ...]] = (
    ProductType(
        "Jackets",
        "JA",
        "Apparel",
        "Topwear",
        {
            "denim jacket": Style(("Denim Jacket",), (DENIM,), DENIM_ONLY, INDIGOS),
            "bomber jacket": Style(
                ("Bomber Jacket", "Bomber"), (NYLON, SATIN), PLAIN, (*EARTHY, "Teal", "Red")
            ),
            "varsity jacket": Style(
                ("Varsity Jacket", "College Jacket"),
                (WOOL,),
                PLAIN,
                ("Navy Blue", "Black", "Red", "Green", "Maroon", "Purple"),
                {"Men": 3, "Boys": 2, "Girls": 1, "Unisex": 2},
            ),
            "puffer jacket": Style(("Puffer Jacket", "Quilted Jacket"), (PUFFER,), PLAIN, BRIGHT),
            "biker jacket": Style(
                ("Biker Jacket", "Leather Jacket"),
                (LEATHER,),
                PLAIN,
                ("Black", "Brown", "Maroon", "Navy Blue"),
                ADULTS,
                {"Casual": 2, "Party": 1},
            ),
        },
        (49, 159),
        "tops",
        frequency=2,
    ),
    ProductType(
        "Blazers",
        "BL",
        "Apparel",
        "Topwear",
        {
            "": Style(
                ("Blazer", "Tailored Jacket"),
                (WOOL, LINEN, CORD),
                {"Plain": 4, "Checked": 2, "Striped": 1},
                (*SOBER, "Light Blue", "Pink", "Olive"),
                ADULTS,
                {"Formal": 4, "Party": 1},
            )
        },
        (69, 189),
        "tops",
        cuts={
            "closure": ("single-breasted", "single-breasted", "double-breasted"),
            "stripes": ("vertical",),
        },
    ),
    ProductType(
        "Coats",
        "CO",
        "Apparel",
        "Topwear",
        {
            "trench coat": Style(
                ("Trench Coat",),
                (TWILL,),
                PLAIN,
                ("Beige", "Black", "Navy Blue", "Olive", "Cream"),
                ADULTS,
                OFFICE,
            ),
            "overcoat": Style(
                ("Overcoat", "Wool Coat"),
                (WOOL,),
                {"Plain": 4, "Checked": 2},
                (*SOBER, "Tan"),
                ADULTS,
                OFFICE,
            ),
            "pea coat": Style(
                ("Double-Breasted Coat",),
                (WOOL,),
                PLAIN,
                (*SOBER, "Red", "Pink", "Mustard"),
                {"Women": 3, "Men": 2, "Girls": 1},
            ),
            "parka": Style(("Parka", "Hooded Parka"), (NYLON, TWILL), PLAIN, EARTHY),
        },
        (89, 249),
        "tops",
    ),
)
