"""Named colours, colour combinations, and background colours."""

from __future__ import annotations

import colorsys
import random
from typing import NamedTuple

import numpy as np


class Rgb(NamedTuple):
    """A colour; each channel runs from 0 to 1."""

    red: float
    green: float
    blue: float

    @property
    def lightness(self) -> float:
        """The perceived lightness, from 0 (black) to 1 (white)."""
        return 0.30 * self.red + 0.59 * self.green + 0.11 * self.blue

    def mixed(self, other: Rgb, share: float) -> Rgb:
        """Return this colour with `share` (0 to 1) of `other` mixed in."""
        return Rgb(*((1 - share) * a + share * b for a, b in zip(self, other, strict=True)))

    def darker(self, share: float) -> Rgb:
        """Return a deeper shade; `share` 1 is nearly black."""
        return self.mixed(Rgb(self.red * 0.12, self.green * 0.10, self.blue * 0.16), share)

    def lighter(self, share: float) -> Rgb:
        """Return a paler tint; `share` 1 is white."""
        return self.mixed(Rgb(1.0, 1.0, 1.0), share)


def from_hex(text: str) -> Rgb:
    """Read a colour written as six hexadecimal digits."""
    return Rgb(*(int(text[place : place + 2], 16) / 255 for place in (0, 2, 4)))


COLOURS: dict[str, Rgb] = {
    name: from_hex(text)
    for name, text in {
        "Black": "27272b",
        "White": "efede8",
        "Grey": "9498a0",
        "Charcoal": "4b4f57",
        "Navy Blue": "27355f",
        "Blue": "2f68b5",
        "Light Blue": "9cc3e2",
        "Teal": "24787d",
        "Green": "2f8058",
        "Olive": "737348",
        "Mint": "a9d6bf",
        "Red": "c8323a",
        "Maroon": "77202f",
        "Pink": "eb9db5",
        "Peach": "f5bda0",
        "Purple": "71498f",
        "Lavender": "b9a6d9",
        "Yellow": "f0c445",
        "Mustard": "cf9a34",
        "Orange": "e57d38",
        "Rust": "ad5433",
        "Brown": "75503a",
        "Tan": "b98a5a",
        "Beige": "d8c3a2",
        "Cream": "f1e6cf",
    }.items()
}

# Indigo-dyed cloth is less saturated than other cloth.
DENIM: dict[str, Rgb] = COLOURS | {
    "Blue": from_hex("45658f"),
    "Light Blue": from_hex("8faac6"),
    "Navy Blue": from_hex("2c3c5a"),
    "Black": from_hex("303136"),
    "Grey": from_hex("858a92"),
}

# For each colour, those that it is combined with in prints, stripes and checks.
_PARTNERS: dict[str, tuple[str, ...]] = {
    "Black": ("White", "Cream", "Grey", "Red", "Beige"),
    "White": ("Navy Blue", "Black", "Red", "Light Blue", "Green", "Pink"),
    "Grey": ("White", "Charcoal", "Navy Blue", "Yellow"),
    "Charcoal": ("White", "Grey", "Light Blue", "Mustard"),
    "Navy Blue": ("White", "Cream", "Red", "Light Blue", "Mustard"),
    "Blue": ("White", "Navy Blue", "Light Blue", "Yellow"),
    "Light Blue": ("White", "Navy Blue", "Blue", "Cream"),
    "Teal": ("Cream", "White", "Mustard", "Peach"),
    "Green": ("White", "Cream", "Navy Blue", "Mustard"),
    "Olive": ("Cream", "Beige", "Black", "Rust"),
    "Mint": ("White", "Green", "Peach", "Teal"),
    "Red": ("White", "Navy Blue", "Black", "Cream"),
    "Maroon": ("Cream", "Pink", "Navy Blue", "Beige"),
    "Pink": ("White", "Red", "Maroon", "Cream"),
    "Peach": ("White", "Rust", "Teal", "Cream"),
    "Purple": ("White", "Lavender", "Cream", "Pink"),
    "Lavender": ("White", "Purple", "Cream", "Navy Blue"),
    "Yellow": ("White", "Navy Blue", "Orange", "Charcoal"),
    "Mustard": ("Cream", "White", "Navy Blue", "Maroon"),
    "Orange": ("White", "Cream", "Navy Blue", "Yellow"),
    "Rust": ("Cream", "Beige", "Navy Blue", "Peach"),
    "Brown": ("Beige", "Cream", "Tan", "Rust"),
    "Tan": ("Cream", "Brown", "White", "Black"),
    "Beige": ("White", "Brown", "Navy Blue", "Rust"),
    "Cream": ("Navy Blue", "Rust", "Tan", "Green", "Maroon"),
}

_BLOOMS: dict[bool, tuple[str, ...]] = {
    True: ("Red", "Pink", "Peach", "Lavender", "Mustard", "Blue", "Rust"),
    False: ("White", "Pink", "Peach", "Cream", "Yellow", "Lavender"),
}

GOLD = from_hex("c9a24f")
SILVER = from_hex("b9bdc4")
LEAF = from_hex("5e8a5a")
LEATHER_TAN = from_hex("9c6a41")
SOLE_WHITE = from_hex("f1efe9")
SOLE_BLACK = from_hex("2b2a2c")
GUM = from_hex("b98651")
WOOD = from_hex("a87c52")
INSOLE = from_hex("dcc09f")
CORK = from_hex("c2996b")
THREAD_GOLD = from_hex("d59a4a")

_PALE_BACKDROPS = tuple(
    from_hex(text)
    for text in (
        "efe9e0",  # ivory
        "f3e4df",  # blush
        "e3eae1",  # sage
        "e0e8ef",  # powder blue
        "e8e4f0",  # lilac
        "f1eadb",  # oat
        "dfebea",  # sea glass
        "ebebec",  # pearl
    )
)
_DEEPER_BACKDROPS = tuple(
    from_hex(text)
    for text in (
        "d8c7b4",  # sand
        "dcb9ae",  # clay pink
        "b4c3b2",  # eucalyptus
        "b2c3d3",  # dusk blue
        "c3bad0",  # heather
        "c9c6c0",  # stone
        "b5c9c8",  # lagoon
    )
)


def varied(colour: Rgb, rng: random.Random) -> Rgb:
    """Return the colour with a small random variation."""
    hue, light, saturation = colorsys.rgb_to_hls(*colour)
    room = min(light, 1 - light)
    light += rng.uniform(-0.16, 0.16) * room
    saturation *= rng.uniform(0.88, 1.10)
    hue += rng.uniform(-0.012, 0.012)
    return Rgb(*colorsys.hls_to_rgb(hue % 1.0, min(light, 0.965), min(saturation, 1.0)))


def partners(name: str, rng: random.Random) -> tuple[Rgb, Rgb]:
    """Return two different colours that go well with the named colour."""
    first, second = rng.sample(_PARTNERS[name], 2)
    return COLOURS[first], COLOURS[second]


def blooms(name: str, rng: random.Random) -> tuple[Rgb, ...]:
    """Return the petal colours of a floral print on cloth of the named colour."""
    choices = [bloom for bloom in _BLOOMS[COLOURS[name].lightness > 0.6] if bloom != name]
    return tuple(COLOURS[bloom] for bloom in rng.sample(choices, 3))


def backdrop(subject: Rgb, rng: random.Random, avoid: Rgb | None = None) -> Rgb:
    """Return a background colour with enough contrast to the subject.

    `avoid` is the background of another picture of the same product and is not returned.
    """
    tones = _DEEPER_BACKDROPS if subject.lightness > 0.72 else _PALE_BACKDROPS
    free = [tone for tone in tones if tone != avoid]
    distant = sorted(free, key=lambda tone: _distance(tone, subject), reverse=True)
    return rng.choice(distant[: max(3, len(distant) - 2)])


def _distance(one: Rgb, other: Rgb) -> float:
    return float(np.linalg.norm(np.subtract(one, other)))
