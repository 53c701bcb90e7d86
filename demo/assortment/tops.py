"""The tops and knitwear in the assortment."""

from __future__ import annotations

from typing import Final

from demo.assortment.product_types import (
    BRIGHT,
    CASUAL,
    DENIM_ONLY,
    EARTHY,
    EVERYONE,
    FESTIVE,
    INDIGOS,
    MOSTLY_PLAIN,
    OFFICE,
    PLAIN,
    PRINTS,
    SOFT,
    SPORTY,
    WOMEN,
    WOMEN_AND_GIRLS,
    ProductType,
    Style,
    Weights,
)
from demo.fabric import (
    CABLE,
    CHIFFON,
    COTTON,
    DENIM,
    FLEECE,
    JERSEY,
    KNIT,
    LINEN,
    POPLIN,
    SATIN,
)

_WOVEN: Final[Weights] = {"Plain": 3, "Checked": 3, "Striped": 2}


_FITS = ("slim", "regular", "relaxed")


_SLEEVES = ("short sleeves", "short sleeves", "short sleeves", "long sleeves")


TOPS: Final[tuple[ProductType, ...]] = (
    ProductType(
        "T-shirts",
        "TS",
        "Apparel",
        "Topwear",
        {
            "": Style(
                ("T-Shirt", "Tee", "Cotton T-Shirt"),
                (JERSEY,),
                MOSTLY_PLAIN,
                BRIGHT,
                EVERYONE,
                SPORTY,
            )
        },
        (9.9, 34),
        "tops",
        frequency=4,
        cuts={
            "neck": ("crew neck", "crew neck", "V-neck", "henley neck"),
            "sleeves": _SLEEVES,
            "fit": _FITS,
            "detail": ("plain", "plain", "chest pocket", "contrast trim"),
        },
        cuts_for_women={"neck": ("crew neck", "V-neck", "scoop neck", "boat neck")},
    ),
    ProductType(
        "Shirts",
        "SH",
        "Apparel",
        "Topwear",
        {
            "classic": Style(
                ("Shirt", "Cotton Shirt", "Button-Up Shirt"),
                (POPLIN, LINEN),
                _WOVEN,
                BRIGHT,
                EVERYONE,
                OFFICE,
                weight=4,
            ),
            "denim": Style(("Denim Shirt",), (DENIM,), DENIM_ONLY, INDIGOS, EVERYONE, CASUAL),
        },
        (24, 79),
        "tops",
        cut_name="cloth",
        frequency=3,
        cuts={
            "collar": ("classic collar", "button-down collar", "band collar"),
            "sleeves": ("long sleeves", "long sleeves", "short sleeves"),
            "fit": _FITS,
            "pocket": ("one chest pocket", "two chest pockets", "no pocket"),
            "stripes": ("vertical",),
        },
    ),
    ProductType(
        "Polo Shirts",
        "PO",
        "Apparel",
        "Topwear",
        {
            "": Style(
                ("Polo Shirt", "Polo"),
                (JERSEY,),
                {"Plain": 3, "Striped": 2},
                BRIGHT,
                EVERYONE,
                SPORTY,
            )
        },
        (19, 69),
        "tops",
        frequency=2,
        cuts={
            "collar": ("matching collar", "contrast collar"),
            "sleeves": ("short sleeves", "short sleeves", "long sleeves"),
            "fit": ("slim", "regular"),
        },
    ),
    ProductType(
        "Tops",
        "TP",
        "Apparel",
        "Topwear",
        {
            "camisole": Style(
                ("Camisole", "Camisole Top"), (SATIN, COTTON), PRINTS, SOFT, WOMEN, FESTIVE
            ),
            "peplum top": Style(("Peplum Top",), (CHIFFON, COTTON), PRINTS, SOFT, WOMEN, FESTIVE),
            "puff-sleeve blouse": Style(
                ("Puff-Sleeve Blouse", "Blouse"), (COTTON, POPLIN), PRINTS, SOFT, WOMEN_AND_GIRLS
            ),
            "off-shoulder top": Style(
                ("Off-Shoulder Top", "Bardot Top"), (COTTON, CHIFFON), PRINTS, SOFT, WOMEN, FESTIVE
            ),
            "wrap blouse": Style(("Wrap Blouse",), (SATIN, CHIFFON), PRINTS, SOFT, WOMEN, OFFICE),
            "wrap top": Style(("Wrap Top",), (JERSEY, CHIFFON), PRINTS, SOFT, WOMEN),
        },
        (17, 59),
        "tops",
        frequency=3,
    ),
)


KNITS: Final[tuple[ProductType, ...]] = (
    ProductType(
        "Sweaters",
        "SW",
        "Apparel",
        "Topwear",
        {
            "": Style(
                ("Sweater", "Jumper", "Knitted Pullover"),
                (KNIT, KNIT, CABLE),
                {"Plain": 4, "Striped": 2},
                (*EARTHY, "Red", "Pink", "Light Blue", "White"),
                EVERYONE,
            )
        },
        (34, 99),
        "tops",
        frequency=2,
        cuts={
            "neck": ("crew neck", "V-neck", "turtleneck", "mock neck"),
            "fit": ("regular", "relaxed"),
        },
    ),
    ProductType(
        "Cardigans",
        "CG",
        "Apparel",
        "Topwear",
        {
            "": Style(
                ("Cardigan", "Knitted Cardigan"),
                (KNIT, CABLE),
                {"Plain": 5, "Striped": 1},
                (*EARTHY, "Pink", "Lavender", "White"),
                {"Women": 4, "Men": 2, "Girls": 1},
            )
        },
        (34, 89),
        "tops",
        cuts={
            "neck": ("V-neck", "crew neck"),
            "length": ("short cut", "long cut"),
            "buttons": ("matching", "contrast"),
        },
    ),
    ProductType(
        "Hoodies",
        "HO",
        "Apparel",
        "Topwear",
        {"": Style(("Hoodie", "Hooded Sweatshirt"), (FLEECE,), PLAIN, BRIGHT, EVERYONE, SPORTY)},
        (29, 84),
        "tops",
        frequency=2,
        cuts={"front": ("pullover", "zip")},
    ),
)
