"""Product attributes in shoppers' words, and search phrases made from them."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter

ATTRIBUTES = ("type", "group", "colour", "gender", "pattern")
"""Attributes of a product. The group is the wider kind of the type: heels are shoes."""

WORDINGS = (
    "{noun}",
    "{colour} {noun}",
    "{whose} {noun}",
    "{noun} for {gender}",
    "{colour} {noun} for {gender}",
    "{whose} {colour} {noun}",
    "{gender} {noun} {colour}",
    "a photo of {colour} {noun}",
    "{pattern} {noun}",
    "{colour} {pattern} {noun}",
    "{pattern} {colour} {noun}",
    "{whose} {colour} {pattern} {noun}",
)
"""Wordings that the image tower is trained on. Each is used if its attributes are known."""

SINGULARS = {
    "bags": "bag",
    "blazers": "blazer",
    "caps": "cap",
    "cardigans": "cardigan",
    "coats": "coat",
    "dresses": "dress",
    "hats": "hat",
    "hoodies": "hoodie",
    "innerwear vests": "innerwear vest",
    "jackets": "jacket",
    "kurta sets": "kurta set",
    "kurtas": "kurta",
    "longsleeve": "long-sleeved top",
    "outwear": "outerwear",
    "polo shirts": "polo shirt",
    "rompers": "romper",
    "shirts": "shirt",
    "skirts": "skirt",
    "sweaters": "sweater",
    "sweatshirts": "sweatshirt",
    "t-shirts": "t-shirt",
    "tops": "top",
    "tshirts": "t-shirt",
}
"""Search terms by product type as catalogues write it; other types are only lower-cased."""

GROUPS = {
    "hat": ("cap",),
    "long-sleeved top": ("cardigan", "hoodie", "sweater", "sweatshirt"),
    "outerwear": ("blazer", "coat", "jacket"),
    "pants": ("capris", "churidar", "jeans", "leggings", "salwar", "trousers"),
    "shoes": (
        *("booties", "boots", "casual shoes", "flats", "flip flops", "formal shoes", "heels"),
        *("sandals", "sneakers", "sports sandals", "sports shoes"),
    ),
}
"""The types in each group. A catalogue may also name only the group as a product's type.

Any other type is its own group.
"""

PATTERNS = {
    "checked": ("checked", "plaid"),
    "dotted": ("dotted", "polka dot"),
    "floral": ("floral", "flowery"),
    "plain": ("plain",),
    "striped": ("striped",),
    "denim": ("denim",),
}
"""Words for each pattern; other patterns keep their name."""

POSSESSIVES = {"men": "men's", "women": "women's", "boys": "boys'", "girls": "girls'"}
"""Possessive forms, for the genders that are distinguished."""


Claims = Mapping[str, str]
"""Values of some of `ATTRIBUTES`."""


def describe(product_type: str, colour: str = "", gender: str = "", pattern: str = "") -> Claims:
    """`ATTRIBUTES` from a catalogue's columns, without empty and undistinguished values."""
    lowered = product_type.lower()
    kind = SINGULARS.get(lowered, lowered)
    group = next((group for group, types in GROUPS.items() if kind in types), kind)
    attributes = {
        "type": "" if kind in GROUPS else kind,
        "group": group,
        "colour": colour.lower(),
        "gender": gender.lower() if gender.lower() in POSSESSIVES else "",
        "pattern": pattern.lower(),
    }
    return {name: value for name, value in attributes.items() if value}


def phrases(known: Claims, wordings: tuple[str, ...] = WORDINGS) -> dict[str, Claims]:
    """All phrases that describe a product with these attributes, with the claims of each phrase.

    A type also claims its group: "heels" is then known to be false of a dress of unknown type.
    """
    made: dict[str, Claims] = {}
    gender = known.get("gender", "")
    for noun in dict.fromkeys(known[name] for name in ("type", "group") if name in known):
        is_type = noun == known.get("type")
        claimed = {
            "noun": ("type", "group") if is_type else ("group",),
            "colour": ("colour",),
            "gender": ("gender",),
            "whose": ("gender",),
            "pattern": ("pattern",),
            "material": ("material",),
            "occasion": ("occasion",),
        }
        for pattern in PATTERNS.get(known.get("pattern", ""), (known.get("pattern", ""),)):
            words = {
                "noun": noun,
                "colour": known.get("colour", ""),
                "gender": gender,
                "whose": POSSESSIVES.get(gender, ""),
                "pattern": pattern,
                "material": known.get("material", ""),
                "occasion": known.get("occasion", ""),
            }
            for wording in wordings:
                slots = [slot for _, slot, _, _ in Formatter().parse(wording) if slot]
                if all(words[slot] for slot in slots):
                    made[wording.format_map(words)] = {
                        name: known[name] for slot in slots for name in claimed[slot]
                    }
    return made
