"""The jeans, trousers and shorts in the assortment."""

from __future__ import annotations

from typing import Final

from demo.assortment.product_types import (
    ADULTS,
    BRIGHT,
    DENIM_ONLY,
    EARTHY,
    EVERYONE,
    FESTIVE,
    INDIGOS,
    MEN_AND_BOYS,
    PLAIN,
    SOBER,
    SOFT,
    WOMEN,
    WOMEN_AND_GIRLS,
    ProductType,
    Style,
)
from demo.fabric import (
    CHIFFON,
    DENIM,
    FLEECE,
    JERSEY,
    LINEN,
    NYLON,
    TWILL,
    WOOL,
)

BOTTOMS: Final[tuple[ProductType, ...]] = (
    ProductType(
        "Jeans",
        "JE",
        "Apparel",
        "Bottomwear",
        {
            leg: Style(
                (f"{leg.capitalize()} Jeans", f"{leg.capitalize()}-Fit Jeans"),
                (DENIM,),
                DENIM_ONLY,
                INDIGOS,
                genders,
            )
            for leg, genders in (
                ("slim", EVERYONE),
                ("straight", EVERYONE),
                ("skinny", WOMEN_AND_GIRLS),
                ("wide-leg", WOMEN),
                ("flared", WOMEN),
            )
        },
        (39, 109),
        "waists",
        cut_name="leg",
        frequency=2,
        cuts={"detail": ("clean", "clean", "ripped knees", "turned-up hems")},
    ),
    ProductType(
        "Trousers",
        "TR",
        "Apparel",
        "Bottomwear",
        {
            "chinos": Style(("Chinos", "Cotton Chinos"), (TWILL,), PLAIN, EARTHY, EVERYONE),
            "joggers": Style(
                ("Joggers", "Sweatpants"),
                (FLEECE, JERSEY),
                PLAIN,
                BRIGHT,
                EVERYONE,
                {"Sports": 1},
                {"detail": ("plain", "side stripes")},
            ),
            "straight trousers": Style(
                ("Suit Trousers", "Tailored Trousers"),
                (WOOL,),
                {"Plain": 4, "Checked": 2, "Striped": 1},
                SOBER,
                ADULTS,
                {"Formal": 1},
                {"detail": ("pressed creases",), "stripes": ("vertical",)},
            ),
            "wide-leg trousers": Style(
                ("Wide-Leg Trousers", "Palazzo Trousers"),
                (LINEN, CHIFFON),
                {"Plain": 3, "Striped": 1, "Floral": 1},
                SOFT,
                WOMEN,
                FESTIVE,
                {"stripes": ("vertical",)},
            ),
            "cargo trousers": Style(
                ("Cargo Trousers", "Cargo Pants"), (TWILL,), PLAIN, EARTHY, EVERYONE
            ),
        },
        (29, 89),
        "waists",
        frequency=2,
        cuts={"detail": ("plain",)},
    ),
    ProductType(
        "Shorts",
        "SR",
        "Apparel",
        "Bottomwear",
        {
            "chino shorts": Style(
                ("Chino Shorts",),
                (TWILL,),
                {"Plain": 4, "Checked": 1, "Striped": 1},
                EARTHY,
                EVERYONE,
                cuts={"stripes": ("vertical",)},
            ),
            "denim shorts": Style(
                ("Denim Shorts",), (DENIM,), DENIM_ONLY, INDIGOS, {"Women": 3, "Girls": 1, "Men": 1}
            ),
            "running shorts": Style(
                ("Running Shorts", "Sports Shorts"),
                (NYLON,),
                PLAIN,
                BRIGHT,
                EVERYONE,
                {"Sports": 1},
            ),
            "swim shorts": Style(
                ("Swim Shorts",),
                (NYLON,),
                {"Floral": 3, "Plain": 1, "Striped": 2, "Dotted": 1},
                BRIGHT,
                MEN_AND_BOYS,
                {"Sports": 1, "Casual": 1},
            ),
        },
        (14, 49),
        "waists",
        frequency=2,
    ),
)
