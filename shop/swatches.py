"""RGB values of colour names.

A name such as "navy blue" or "dark grey" is more than its last word: the more specific word counts,
and "dark" or "light" changes the shade. Names in other languages are those of the lexicon.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache

from PIL import ImageColor

from catalog.synonyms.starter import phrases
from catalog.text import fold
from embedding.lexicon import LANGUAGES, read_lexicon

HEX = {
    "black": "#26262a",
    "white": "#fbfaf7",
    "off white": "#f4efe4",
    "cream": "#f1e6cf",
    "ivory": "#f6f0e0",
    "beige": "#d8c3a2",
    "nude": "#e3bc9a",
    "skin": "#e6c3a5",
    "khaki": "#a99a6c",
    "tan": "#b98a5a",
    "camel": "#b98a5a",
    "brown": "#75503a",
    "coffee": "#5a3f31",
    "mushroom": "#a8978a",
    "taupe": "#8b7d72",
    "rust": "#ad5433",
    "copper": "#b3714a",
    "bronze": "#94703f",
    "gold": "#c9a24f",
    "mustard": "#cf9a34",
    "yellow": "#f0c445",
    "lime": "#a9cf3f",
    "orange": "#e57d38",
    "coral": "#f07f68",
    "peach": "#f5bda0",
    "red": "#c8323a",
    "maroon": "#77202f",
    "burgundy": "#6d1f32",
    "rose": "#d9798f",
    "pink": "#eb9db5",
    "fuchsia": "#cf3f8c",
    "magenta": "#c02a86",
    "mauve": "#a98ba3",
    "purple": "#71498f",
    "violet": "#7b4fb0",
    "lavender": "#b9a6d9",
    "navy": "#27355f",
    "blue": "#2f68b5",
    "light blue": "#9cc3e2",
    "turquoise": "#3fb8b4",
    "teal": "#24787d",
    "sea green": "#3f9c82",
    "mint": "#a9d6bf",
    "green": "#2f8058",
    "light green": "#9bcf8f",
    "olive": "#737348",
    "charcoal": "#4b4f57",
    "grey": "#9498a0",
    "gray": "#9498a0",
    "steel": "#7d8791",
    "silver": "#c3c7cd",
    "metallic": "#a5a9b0",
}


BASIC = frozenset(
    (
        *("black", "white", "red", "blue", "green", "yellow", "orange", "brown", "purple", "pink"),
        *("grey", "gray", "metallic"),
    )
)
"""Names that another name makes more specific: "navy blue" is navy, "rose gold" is rose."""

SHADES = {
    **dict.fromkeys(("light", "pale", "soft", "pastel", "baby", "powder"), (255, 0.45)),
    **dict.fromkeys(("dark", "deep", "midnight", "bottle"), (0, 0.4)),
}
"""Words that mix a colour with white (255) or black (0), and the share of it."""


@lru_cache(maxsize=4096)
def swatch(name: str) -> str | None:
    """The colour that `name` means, as `#rrggbb`; None if it has no known colour.

    The longest known name in it counts. Of names of the same length a specific one counts before a
    basic one, then the later one.
    """
    words = name.lower().replace("-", " ").replace("/", " ").split()
    return _longest(words, _english) or _longest(fold(" ".join(words)).split(), _foreign().get)


def _longest(words: Sequence[str], colour_of: Callable[[str], str | None]) -> str | None:
    found: list[tuple[int, bool, int, str]] = []
    for length in range(len(words), 0, -1):
        for start in range(len(words) - length, -1, -1):
            run = " ".join(words[start : start + length])
            if known := colour_of(run):
                found.append((length, run not in BASIC, start, known))
    if not found:
        return None
    length, _, start, colour = max(found)
    before = words[start - 1] if start else ""
    return _mixed(colour, *SHADES[before]) if before in SHADES else colour


def _english(name: str) -> str | None:
    if name in HEX:
        return HEX[name]
    if name.split()[0] in SHADES:  # the web's "darkblue" and the like do not fit the other colours
        return None
    known = ImageColor.colormap.get(name.replace(" ", ""))
    return known if known is None or isinstance(known, str) else "#" + bytes(known).hex()


@cache
def _foreign() -> Mapping[str, str]:
    """Colours by their folded names in languages other than English."""
    colours: dict[str, str] = {}
    for concept in read_lexicon()["colour"].values():
        if colour := _longest(concept.name.split("_"), _english):
            for language in LANGUAGES:
                if language != "en":
                    for word in phrases(concept, language):
                        colours.setdefault(fold(word), colour)
    return colours


def _mixed(colour: str, other: int, share: float) -> str:
    parts = bytes.fromhex(colour.removeprefix("#"))
    return "#" + bytes(round(part + (other - part) * share) for part in parts).hex()
