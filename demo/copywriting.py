"""Writes titles and descriptions that match the drawings."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from demo.assortment import Style
from demo.cut_words import CUTS
from demo.design import Design
from demo.phrases import FOR_WHOM, MATERIALS, OCCASIONS, OPENINGS, PATTERNS

_POSSESSIVE: Final = {
    "Men": "Men's",
    "Women": "Women's",
    "Boys": "Boys'",
    "Girls": "Girls'",
    "Unisex": "Unisex",
}
_SERIES: Final = (
    *("Alma", "Ives", "Juno", "Enna", "Solveig", "Lune", "Fjord", "Marin", "Tilda", "Rowan"),
    *("Piet", "Noor", "Esme", "Hale", "Dune", "Faro", "Otis", "Vale", "Kaya", "Linden"),
)


@dataclass(frozen=True)
class Brief:
    """The input of the copywriter. The title of a `family` must fit all its colours."""

    design: Design
    brand: str
    style: Style
    usage: str
    family: bool


def title(brief: Brief) -> str:
    """Return a title; not every title names the colour, the gender or the pattern."""
    design = brief.design
    rng = design.random("title")
    noun = rng.choice(brief.style.nouns)
    whom = design.gender if rng.random() < 0.5 else _POSSESSIVE[design.gender]
    pattern = rng.choice(PATTERNS[design.pattern_name].adjectives)
    if pattern and pattern.split()[-1] in noun:
        pattern = ""
    detail = _selling_point(design, noun, rng)
    series = rng.choice(_SERIES)
    # The members of a family have the same title, so it must not name a colour.
    colour = "" if brief.family else design.colour_name
    forms = (
        f"{brief.brand} {whom} {colour} {pattern} {noun}",
        f"{brief.brand} {whom} {colour} {detail} {noun}",
        f"{brief.brand} {pattern} {noun}" + (f" in {colour}" if colour else ""),
        f"{brief.brand} {series} {detail} {noun}" + (f", {colour}" if colour else ""),
        f"{brief.brand} {colour} {detail} {noun} for {design.gender}"
        if design.gender != "Unisex"
        else f"{brief.brand} {colour} {detail} {noun}",
        f"{colour} {pattern} {noun} by {brief.brand}",
        f"{brief.brand} {whom} {series} {pattern} {noun}",
        f"{brief.brand} {detail} {pattern} {noun}",
    )
    return " ".join(rng.choice(forms).split())


def _selling_point(design: Design, noun: str, rng: random.Random) -> str:
    """Return one or two words about the cut or the material for the title, "" for none."""
    points = [CUTS[value].tag for value in design.cut.values() if value in CUTS]
    points.append(MATERIALS[design.material.name].tag)
    fitting = [point for point in points if point and point.lower() not in noun.lower()]
    return rng.choice(fitting) if fitting else ""


def description(brief: Brief) -> str:
    """Return two to four sentences on cut, material, pattern and occasion."""
    design = brief.design
    rng = design.random("description")
    thing = _thing(brief, rng)
    plural = thing.endswith("s") and not thing.endswith(("dress", "ss"))
    facts = [CUTS[value].phrase for value in design.cut.values() if value in CUTS]
    facts = [fact for fact in facts if fact]
    rng.shuffle(facts)
    opening = rng.choice(OPENINGS).format(
        thing=_article(thing, plural), facts=_listed(facts[:3]), whom=FOR_WHOM[design.gender]
    )
    if not facts:
        opening = f"{_article(thing, plural)} {FOR_WHOM[design.gender]}, simple and well made."
    material = rng.choice(MATERIALS[design.material.name].sentences)
    colour = design.colour_name.lower()
    look = rng.choice(PATTERNS[design.pattern_name].sentences).format(colour=colour)
    kind = design.product_type if design.product_type in OCCASIONS else "other"
    occasion = rng.choice(OCCASIONS[kind].get(brief.usage) or OCCASIONS["other"][brief.usage])
    middle = [material, look]
    rng.shuffle(middle)
    return " ".join([_sentence(opening), *middle, occasion])


def _thing(brief: Brief, rng: random.Random) -> str:
    noun = rng.choice(brief.style.nouns).lower()
    for small, proper in (("t-shirt", "T-shirt"), ("a-line", "A-line"), ("oxford", "Oxford")):
        noun = noun.replace(small, proper)
    return noun.replace("chelsea", "Chelsea").replace("bardot", "Bardot")


def _article(thing: str, plural: bool) -> str:
    if plural:
        return f"a pair of {thing}"
    return f"{'an' if thing[0].lower() in 'aeiou' else 'a'} {thing}"


def _listed(facts: list[str]) -> str:
    if len(facts) < 2:
        return "".join(facts)
    return ", ".join(facts[:-1]) + " and " + facts[-1]


def _sentence(text: str) -> str:
    text = text.strip()
    return text[0].upper() + text[1:]
