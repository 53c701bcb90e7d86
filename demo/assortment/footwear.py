"""The shoes in the assortment."""

from __future__ import annotations

from typing import Final

from demo.assortment.product_types import (
    ADULTS,
    BRIGHT,
    EVERYONE,
    LEATHERS,
    MEN,
    PLAIN,
    SOFT,
    WOMEN,
    WOMEN_AND_GIRLS,
    ProductType,
    Style,
    Weights,
)
from demo.fabric import CANVAS, LEATHER, MESH, NYLON, PATENT, RUBBER, SATIN, SUEDE

_OFFICE: Final[Weights] = {"Formal": 1}
_DRESSY: Final[Weights] = {"Party": 2, "Formal": 2, "Casual": 1}
_HEELS: Final = {"heel": ("stiletto heel", "block heel", "kitten heel")}
_HEEL_COLOURS: Final = (
    *("Black", "Red", "Beige", "Navy Blue", "Pink", "Maroon", "Purple", "White", "Tan", "Green"),
    "Mustard",
)
_HIS_SHOES: Final[Weights] = {"Men": 5, "Women": 1}

FOOTWEAR: Final[tuple[ProductType, ...]] = (
    ProductType(
        "Sneakers",
        "SN",
        "Footwear",
        "Shoes",
        {
            "court sneakers": Style(
                ("Sneakers", "Court Sneakers", "Leather Sneakers"),
                (LEATHER,),
                PLAIN,
                (*BRIGHT, "White", "White"),
                EVERYONE,
                weight=2,
            ),
            "running shoes": Style(
                ("Running Shoes", "Trainers"),
                (MESH,),
                PLAIN,
                BRIGHT,
                EVERYONE,
                {"Sports": 1},
                weight=2,
            ),
            "high-top sneakers": Style(
                ("High-Top Sneakers", "Canvas High-Tops"),
                (CANVAS,),
                {"Plain": 5, "Checked": 1},
                BRIGHT,
                EVERYONE,
            ),
            "slip-on sneakers": Style(
                ("Slip-On Sneakers", "Slip-Ons"),
                (CANVAS,),
                {"Plain": 2, "Checked": 2, "Striped": 1, "Floral": 1},
                BRIGHT,
                EVERYONE,
            ),
        },
        (34, 119),
        "shoes",
        frequency=3,
    ),
    ProductType(
        "Formal Shoes",
        "FS",
        "Footwear",
        "Shoes",
        {
            "oxfords": Style(
                ("Oxford Shoes", "Oxfords"), (LEATHER,), PLAIN, LEATHERS[:5], _HIS_SHOES, _OFFICE
            ),
            "derbies": Style(
                ("Derby Shoes", "Derbies"), (LEATHER, SUEDE), PLAIN, LEATHERS, _HIS_SHOES, _OFFICE
            ),
            "brogues": Style(
                ("Brogues", "Brogue Shoes"), (LEATHER,), PLAIN, LEATHERS[:5], _HIS_SHOES, _OFFICE
            ),
            "loafers": Style(
                ("Loafers", "Penny Loafers"),
                (LEATHER, SUEDE),
                PLAIN,
                LEATHERS,
                ADULTS,
                {"Formal": 1, "Casual": 1},
            ),
            "monk-strap shoes": Style(
                ("Monk-Strap Shoes", "Monks"), (LEATHER,), PLAIN, LEATHERS[:5], MEN, _OFFICE
            ),
        },
        (59, 169),
        "shoes",
        frequency=2,
    ),
    ProductType(
        "Boots",
        "BO",
        "Footwear",
        "Shoes",
        {
            "chelsea boots": Style(("Chelsea Boots",), (LEATHER, SUEDE), PLAIN, LEATHERS, ADULTS),
            "combat boots": Style(
                ("Combat Boots", "Lace-Up Boots"),
                (LEATHER,),
                PLAIN,
                ("Black", "Brown", "Maroon", "White"),
                {"Women": 3, "Men": 2, "Girls": 1},
            ),
            "hiking boots": Style(
                ("Hiking Boots", "Trekking Boots"),
                (SUEDE,),
                PLAIN,
                ("Tan", "Brown", "Grey", "Olive", "Beige", "Black"),
                EVERYONE,
                {"Sports": 1},
            ),
            "knee-high boots": Style(
                ("Knee-High Boots", "Tall Boots"),
                (LEATHER, SUEDE),
                PLAIN,
                ("Black", "Brown", "Tan", "Maroon", "Grey"),
                WOMEN,
            ),
        },
        (59, 189),
        "shoes",
        frequency=2,
    ),
    ProductType(
        "Heels",
        "HE",
        "Footwear",
        "Shoes",
        {
            "pumps": Style(
                ("Pumps", "Court Heels"),
                (PATENT, SUEDE, LEATHER),
                PLAIN,
                _HEEL_COLOURS,
                WOMEN,
                _DRESSY,
                _HEELS,
                2,
            ),
            "ankle-strap heels": Style(
                ("Ankle-Strap Heels",),
                (SUEDE, LEATHER),
                PLAIN,
                _HEEL_COLOURS,
                WOMEN,
                _DRESSY,
                {"heel": ("stiletto heel", "block heel")},
            ),
            "slingback heels": Style(
                ("Slingback Heels", "Slingbacks"),
                (LEATHER, PATENT),
                PLAIN,
                _HEEL_COLOURS,
                WOMEN,
                _DRESSY,
                {"heel": ("kitten heel", "block heel", "stiletto heel")},
            ),
            "platform heels": Style(
                ("Platform Heels", "Platform Pumps"),
                (PATENT, SATIN, SUEDE),
                PLAIN,
                _HEEL_COLOURS,
                WOMEN,
                {"Party": 1},
                {"heel": ("stiletto heel", "block heel")},
            ),
            "strappy heels": Style(
                ("Strappy Heels", "Heeled Sandals"),
                (LEATHER, SATIN),
                PLAIN,
                _HEEL_COLOURS,
                WOMEN,
                {"Party": 1},
                {"heel": ("stiletto heel", "block heel")},
            ),
        },
        (39, 129),
        "shoes",
        frequency=2,
    ),
    ProductType(
        "Sandals",
        "SA",
        "Footwear",
        "Sandal",
        {
            "two-strap sandals": Style(
                ("Two-Strap Sandals", "Footbed Sandals"),
                (LEATHER, SUEDE),
                PLAIN,
                (*LEATHERS, "White", "Pink"),
                EVERYONE,
            ),
            "ankle-strap sandals": Style(
                ("Ankle-Strap Sandals", "Flat Sandals"),
                (LEATHER,),
                PLAIN,
                ("Tan", "Black", "White", "Brown", "Pink", "Red"),
                WOMEN_AND_GIRLS,
            ),
            "gladiator sandals": Style(
                ("Gladiator Sandals",), (LEATHER,), PLAIN, ("Tan", "Brown", "Black", "White"), WOMEN
            ),
            "trekking sandals": Style(
                ("Trekking Sandals", "Outdoor Sandals"),
                (NYLON,),
                PLAIN,
                ("Olive", "Black", "Blue", "Grey", "Navy Blue", "Orange"),
                {"Men": 3, "Women": 2, "Boys": 1},
                {"Sports": 1},
            ),
            "espadrille wedges": Style(
                ("Espadrille Wedges", "Wedge Sandals"),
                (CANVAS,),
                {"Plain": 3, "Striped": 2, "Dotted": 1, "Floral": 1},
                SOFT,
                WOMEN,
            ),
        },
        (24, 89),
        "shoes",
        frequency=2,
    ),
    ProductType(
        "Flats",
        "FL",
        "Footwear",
        "Shoes",
        {
            "ballet flats": Style(
                ("Ballet Flats", "Ballerinas", "Flats"),
                (LEATHER, SUEDE, SATIN),
                {"Plain": 5, "Dotted": 1, "Floral": 1},
                (*SOFT, "Beige", "Tan"),
                WOMEN_AND_GIRLS,
                {"Casual": 3, "Formal": 1},
            )
        },
        (24, 79),
        "shoes",
        frequency=2,
        cuts={
            "toe": ("round toe", "round toe", "pointed toe"),
            "detail": ("bow", "bow", "contrast toe cap", "buckle", "ankle strap", "plain"),
        },
    ),
    ProductType(
        "Flip Flops",
        "FF",
        "Footwear",
        "Flip Flops",
        {
            "flip flops": Style(
                ("Flip Flops", "Beach Flip Flops"),
                (RUBBER,),
                {"Plain": 3, "Striped": 3, "Floral": 1, "Dotted": 1},
                BRIGHT,
                EVERYONE,
                cuts={"strap": ("rubber strap", "wide strap")},
                weight=2,
            ),
            "trimmed flip flops": Style(
                ("Flip Flops", "Toe-Post Sandals"),
                (RUBBER,),
                {"Plain": 2, "Floral": 2, "Dotted": 1},
                SOFT,
                WOMEN_AND_GIRLS,
                cuts={"strap": ("flower trim", "leather strap")},
            ),
        },
        (7.9, 29),
        "shoes",
    ),
)
