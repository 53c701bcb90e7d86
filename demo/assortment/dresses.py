"""The dresses and skirts in the assortment."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from demo.assortment.product_types import (
    CASUAL,
    DENIM_ONLY,
    FESTIVE,
    INDIGOS,
    MOSTLY_PLAIN,
    PRINTS,
    SOBER,
    SOFT,
    WOMEN,
    WOMEN_AND_GIRLS,
    ProductType,
    Style,
    Weights,
)
from demo.fabric import (
    CHIFFON,
    COTTON,
    DENIM,
    LINEN,
    POPLIN,
    SATIN,
    TWILL,
    WOOL,
)

_DRESS_PATTERNS: Final[Weights] = {"Plain": 3, "Floral": 3, "Dotted": 2, "Striped": 1}


_DRESS_CUTS: Final = {
    "neck": ("crew neck", "scoop neck", "V-neck", "boat neck", "square neck"),
    "sleeves": ("sleeveless", "short sleeves", "puff sleeves", "flutter sleeves", "long sleeves"),
    "waist": ("seam", "belt", "bow"),
}


_DRESS: Final = Style(
    ("Dress",),
    (COTTON, CHIFFON, POPLIN),
    _DRESS_PATTERNS,
    SOFT,
    WOMEN_AND_GIRLS,
    FESTIVE,
    _DRESS_CUTS,
)


DRESSES_AND_SKIRTS: Final[tuple[ProductType, ...]] = (
    ProductType(
        "Dresses",
        "DR",
        "Apparel",
        "Dress",
        {
            "A-line dress": replace(_DRESS, nouns=("A-Line Dress",)),
            "wrap dress": replace(
                _DRESS,
                nouns=("Wrap Dress",),
                genders=WOMEN,
                cuts={
                    **_DRESS_CUTS,
                    "neck": ("V-neck",),
                    "sleeves": ("short sleeves", "flutter sleeves", "long sleeves"),
                    "waist": ("tie",),
                },
            ),
            "sheath dress": replace(
                _DRESS,
                nouns=("Sheath Dress",),
                materials=(WOOL, SATIN, TWILL),
                patterns={"Plain": 4, "Checked": 1},
                genders=WOMEN,
                usages={"Formal": 3, "Party": 2},
                colours=(*SOBER, "Red", "Teal", "Purple"),
                cuts={
                    **_DRESS_CUTS,
                    "sleeves": ("sleeveless", "short sleeves", "long sleeves"),
                    "waist": ("seam", "belt"),
                },
            ),
            "shift dress": replace(
                _DRESS,
                nouns=("Shift Dress",),
                materials=(COTTON, LINEN),
                patterns=MOSTLY_PLAIN,
                cuts={**_DRESS_CUTS, "waist": ("straight",)},
            ),
            "shirt dress": replace(
                _DRESS,
                nouns=("Shirt Dress",),
                materials=(POPLIN, LINEN),
                patterns={"Plain": 2, "Striped": 3, "Checked": 2},
                genders=WOMEN,
                usages=CASUAL,
                cuts={
                    "neck": ("V-neck",),
                    "sleeves": ("short sleeves", "long sleeves"),
                    "waist": ("belt",),
                    "stripes": ("vertical", "vertical", "horizontal"),
                },
            ),
            "skater dress": replace(
                _DRESS,
                nouns=("Skater Dress",),
                materials=(COTTON, SATIN),
                patterns={"Plain": 2, "Dotted": 2, "Checked": 2, "Floral": 1},
            ),
            "maxi dress": replace(
                _DRESS,
                nouns=("Maxi Dress",),
                materials=(CHIFFON, COTTON),
                genders=WOMEN,
                cuts={
                    **_DRESS_CUTS,
                    "sleeves": (
                        "spaghetti straps",
                        "spaghetti straps",
                        "short sleeves",
                        "sleeveless",
                    ),
                },
            ),
            "slip dress": replace(
                _DRESS,
                nouns=("Slip Dress",),
                materials=(SATIN,),
                patterns={"Plain": 3, "Floral": 1},
                genders=WOMEN,
                usages={"Party": 1},
                cuts={"neck": ("V-neck",), "sleeves": ("spaghetti straps",)},
            ),
        },
        (29, 129),
        "tops",
        frequency=4,
    ),
    ProductType(
        "Skirts",
        "SK",
        "Apparel",
        "Bottomwear",
        {
            "A-line skirt": Style(
                ("A-Line Skirt",), (COTTON, WOOL), {**PRINTS, "Checked": 2}, SOFT, WOMEN_AND_GIRLS
            ),
            "pencil skirt": Style(
                ("Pencil Skirt",),
                (WOOL, TWILL),
                {"Plain": 4, "Checked": 2},
                SOBER,
                WOMEN,
                {"Formal": 1},
            ),
            "pleated skirt": Style(
                ("Pleated Skirt",),
                (CHIFFON, SATIN),
                {"Plain": 4, "Checked": 1},
                SOFT,
                WOMEN_AND_GIRLS,
                FESTIVE,
            ),
            "mini skirt": Style(
                ("Mini Skirt", "Denim Skirt"), (DENIM,), DENIM_ONLY, INDIGOS, WOMEN_AND_GIRLS
            ),
            "maxi skirt": Style(
                ("Maxi Skirt", "Long Skirt"), (CHIFFON, COTTON), PRINTS, SOFT, WOMEN, FESTIVE
            ),
        },
        (19, 69),
        "tops",
        frequency=2,
    ),
)
