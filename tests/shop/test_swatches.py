"""The colours of colour names."""

import pytest

from shop.swatches import HEX, swatch


def brightness(colour: str | None) -> int:
    assert colour is not None
    return sum(bytes.fromhex(colour[1:]))


@pytest.mark.parametrize(
    ("name", "same_as"),
    [
        ("Navy Blue", "navy"),
        ("navy", "navy"),
        ("Blue Navy", "navy"),
        ("Turquoise Blue", "turquoise"),
        ("Mushroom Brown", "mushroom"),
        ("Grey Melange", "grey"),
        ("Sea-Green", "sea green"),
        ("off white", "off white"),
    ],
)
def test_the_specific_word_counts(name: str, same_as: str) -> None:
    assert swatch(name) == HEX[same_as]


@pytest.mark.parametrize(
    ("name", "same_as"),
    [
        ("Schwarz", "black"),
        ("dunkelblaues", "navy"),
        ("Bleu Marine", "navy"),
        ("ROSÉ", "pink"),
        ("azul-claro", "light blue"),
        ("rouge / noir", "black"),
        ("zielony", "green"),
    ],
)
def test_names_in_other_languages(name: str, same_as: str) -> None:
    assert swatch(name) == HEX[same_as]


def test_dark_and_light_change_the_shade() -> None:
    for colour in ("blue", "brown", "purple"):
        shades = [brightness(swatch(f"{shade}{colour}")) for shade in ("dark ", "", "pale ")]
        assert shades == sorted(shades)
        assert len(set(shades)) == 3


def test_unknown_names_have_no_colour() -> None:
    assert swatch("Multi") is None
    assert swatch("") is None
