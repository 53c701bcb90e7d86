"""What phrases mean, as numbers, and of which pictures and other phrases that is true."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from embedding.lexicon import Concept, Kind, read_lexicon
from embedding.training.data import Picture
from embedding.training.objective import FALSE, TRUE, UNKNOWN
from embedding.training.phrases import GROUPS

Truth = NDArray[np.int8]
"""TRUE, UNKNOWN or FALSE in a table."""

ASPECTS: tuple[tuple[Kind, ...], ...] = (
    ("type",),
    ("colour",),
    ("person",),
    ("pattern", "material", "occasion"),
)
"""A phrase means at most one concept of each; of the last, whatever its kind."""

EXTRA = len(ASPECTS) - 1

Meaning = tuple[int, int, int, int]
"""Numbers of concepts, one an aspect; 0 where the phrase says nothing of it."""


@dataclass(frozen=True)
class Meanings:
    """The lexicon's concepts by number, and how those of an aspect relate."""

    concepts: tuple[tuple[Concept | None, ...], ...]
    """Of each aspect, by number; none at 0."""
    alike: tuple[Truth, ...]
    """Of each aspect, whether a concept is another: UNKNOWN where the two overlap."""

    def number(self, aspect: int, name: str) -> int:
        """The number of the concept called `name`."""
        return next(
            number
            for number, concept in enumerate(self.concepts[aspect])
            if concept is not None and concept.name == name
        )


def read_meanings() -> Meanings:
    """All concepts of the lexicon."""
    lexicon = read_lexicon()
    concepts = tuple(
        (None, *(concept for kind in kinds for concept in lexicon[kind].values()))
        for kinds in ASPECTS
    )
    return Meanings(concepts, tuple(_alike(aspect) for aspect in concepts))


def _alike(concepts: Sequence[Concept | None]) -> Truth:
    table = np.full((len(concepts), len(concepts)), UNKNOWN, np.int8)
    for row, one in enumerate(concepts):
        for column, other in enumerate(concepts):
            if row == column:
                table[row, column] = TRUE
            elif one is not None and other is not None:
                overlap = _widened(one) & _widened(other)
                table[row, column] = UNKNOWN if overlap else FALSE
    return table


def _widened(concept: Concept) -> frozenset[str]:
    """All that it is or may be true of, groups as the types in them."""
    return frozenset(
        value for each in concept.true_of | concept.maybe_of for value in _members(each)
    )


def _members(value: str) -> tuple[str, ...]:
    group = value.removeprefix("@")
    return (group, *GROUPS.get(group, ())) if value.startswith("@") else (value,)


@dataclass(frozen=True)
class Known:
    """What is known of pictures: for each aspect, which concepts are true of each picture."""

    tables: tuple[Truth, ...]
    """Of each aspect, (values, concepts); every value's truth of saying nothing is TRUE."""
    values: NDArray[np.int64]
    """Each picture's row in each table, (pictures, aspects)."""

    def truth(self, aspect: int, picture: int) -> Truth:
        """Of each concept of the aspect, whether it is true of the picture."""
        row: Truth = self.tables[aspect][self.values[picture, aspect]]
        return row


def know(pictures: Sequence[Picture], meanings: Meanings) -> Known:
    """What the pictures' attributes and titles tell."""
    tables, values = [], []
    for aspect in range(len(ASPECTS)):
        rows: dict[tuple[int, ...], int] = {}
        told: dict[tuple[str, ...], int] = {}
        column = []
        for picture in pictures:
            what = _told(picture, aspect)
            if what not in told:
                truth = [TRUE]
                for concept in meanings.concepts[aspect][1:]:
                    assert concept is not None
                    truth.append(_truth(concept, picture))
                told[what] = rows.setdefault(tuple(truth), len(rows))
            column.append(told[what])
        tables.append(np.array(list(rows), np.int8))
        values.append(column)
    return Known(tuple(tables), np.array(values).T)


def _told(picture: Picture, aspect: int) -> tuple[str, ...]:
    """All of a picture that the truth of the aspect's concepts depends on."""
    names = ("type", "group", "colour", "gender", "pattern")
    found = [picture.attributes.get(name, "") for name in names]
    return (picture.title, *found) if aspect == EXTRA else tuple(found)


def _truth(concept: Concept, picture: Picture) -> int:
    known = picture.attributes
    if concept.kind == "type":
        return _truth_of_type(concept, known)
    if concept.kind in ("colour", "person"):
        value = known.get("colour" if concept.kind == "colour" else "gender")
        if value is None or concept.name == "unisex" or value in concept.maybe_of:
            return UNKNOWN
        return TRUE if value in concept.true_of else FALSE
    if concept.kind == "pattern" and (value := known.get("pattern")):
        if value == concept.name:
            return TRUE
        if concept.name in _PATTERNS:
            return FALSE
    return TRUE if _says(picture.title, concept) else UNKNOWN


_PATTERNS = {"checked", "dotted", "floral", "plain", "striped"}
"""Those that the catalogues' column of patterns tells apart."""


def _truth_of_type(concept: Concept, known: Mapping[str, str]) -> int:
    group = known["group"]
    if (kind := known.get("type")) is not None:
        if {kind, "@" + group} & concept.true_of:
            return TRUE
        return UNKNOWN if kind in concept.maybe_of else FALSE
    # Only the group is known: what may be true of a type in it, may be true of the picture.
    if {group, "@" + group} & concept.true_of:
        return TRUE
    return UNKNOWN if {group, *GROUPS.get(group, ())} & _widened(concept) else FALSE


def _says(title: str, concept: Concept) -> bool:
    words = tuple(word.text for word in concept.words["en"] if word.place == "before")
    return bool(words) and bool(_any_of(words).search(title.lower()))


@cache
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"\b({'|'.join(map(re.escape, words))})\b")
