"""Meanings of phrases as numbers, and whether they are true for pictures and other phrases."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from embedding.lexicon import Concept, Kind, read_training_lexicon
from embedding.training.data import Picture
from embedding.training.losses import FALSE, TRUE, UNKNOWN
from embedding.training.phrases import GROUPS

Truth = NDArray[np.int8]
"""An array of TRUE, UNKNOWN and FALSE."""

ASPECTS: tuple[tuple[Kind, ...], ...] = (
    ("type",),
    ("colour",),
    ("person",),
    ("pattern", "material", "occasion"),
)
"""The kinds of each aspect. A phrase contains at most one concept per aspect."""

EXTRA = len(ASPECTS) - 1
"""Index of the last aspect."""

Meaning = tuple[int, int, int, int]
"""The number of the concept in each aspect, 0 if the phrase has none."""


@dataclass(frozen=True)
class Meanings:
    """The concepts of the lexicon by number, and the relations within each aspect."""

    concepts: tuple[tuple[Concept | None, ...], ...]
    """The concepts of each aspect by number. Number 0 is None."""
    relations: tuple[Truth, ...]
    """For each aspect, (concepts, concepts).

    TRUE for the same number, UNKNOWN if the concepts overlap or one is None, otherwise FALSE.
    """

    def number(self, aspect: int, name: str) -> int:
        """The number of the concept with this name.

        Raises:
            StopIteration: the aspect has no such concept.
        """
        return next(
            number
            for number, concept in enumerate(self.concepts[aspect])
            if concept is not None and concept.name == name
        )


def read_meanings() -> Meanings:
    """Return all concepts of the lexicon, numbered in the order of the files."""
    lexicon = read_training_lexicon()
    concepts = tuple(
        (None, *(concept for kind in kinds for concept in lexicon[kind].values()))
        for kinds in ASPECTS
    )
    return Meanings(concepts, tuple(_relations(aspect) for aspect in concepts))


def _relations(concepts: Sequence[Concept | None]) -> Truth:
    table = np.full((len(concepts), len(concepts)), UNKNOWN, np.int8)
    for row, one in enumerate(concepts):
        for column, other in enumerate(concepts):
            if row == column:
                table[row, column] = TRUE
            elif one is not None and other is not None:
                overlap = _possible_values(one) & _possible_values(other)
                table[row, column] = UNKNOWN if overlap else FALSE
    return table


def _possible_values(concept: Concept) -> frozenset[str]:
    """All values for which the concept is or may be true. Groups include their types."""
    return frozenset(
        value for each in concept.true_of | concept.maybe_of for value in _members(each)
    )


def _members(value: str) -> tuple[str, ...]:
    group = value.removeprefix("@")
    return (group, *GROUPS.get(group, ())) if value.startswith("@") else (value,)


@dataclass(frozen=True)
class PictureTruth:
    """For each aspect, which concepts are true for each picture.

    Pictures with the same truth values share one row of a table.
    """

    tables: tuple[Truth, ...]
    """For each aspect, (rows, concepts). Column 0, no concept, is always TRUE."""
    values: NDArray[np.int64]
    """The row of each picture in each table, (pictures, aspects)."""

    def truth(self, aspect: int, picture: int) -> Truth:
        """Whether each concept of the aspect is true for the picture, (concepts,)."""
        row: Truth = self.tables[aspect][self.values[picture, aspect]]
        return row


def picture_truth(pictures: Sequence[Picture], meanings: Meanings) -> PictureTruth:
    """Derive the truth of all concepts from the attributes and titles of the pictures."""
    tables, values = [], []
    for aspect in range(len(ASPECTS)):
        rows: dict[tuple[int, ...], int] = {}
        row_of: dict[tuple[str, ...], int] = {}
        column = []
        for picture in pictures:
            evidence = _evidence(picture, aspect)
            if evidence not in row_of:
                truth = [TRUE]
                for concept in meanings.concepts[aspect][1:]:
                    assert concept is not None
                    truth.append(_truth(concept, picture))
                row_of[evidence] = rows.setdefault(tuple(truth), len(rows))
            column.append(row_of[evidence])
        tables.append(np.array(list(rows), np.int8))
        values.append(column)
    return PictureTruth(tuple(tables), np.array(values).T)


def _evidence(picture: Picture, aspect: int) -> tuple[str, ...]:
    """The data of a picture on which the truth of the aspect's concepts depends."""
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
    return TRUE if _title_mentions(picture.title, concept) else UNKNOWN


_PATTERNS = {"checked", "dotted", "floral", "plain", "striped"}
"""Values of the pattern column of the catalogues."""


def _truth_of_type(concept: Concept, known: Mapping[str, str]) -> int:
    group = known["group"]
    if (kind := known.get("type")) is not None:
        if {kind, "@" + group} & concept.true_of:
            return TRUE
        return UNKNOWN if kind in concept.maybe_of else FALSE
    # Only the group is known. A concept is unknown if it may be true for any type of the group.
    if {group, "@" + group} & concept.true_of:
        return TRUE
    return UNKNOWN if {group, *GROUPS.get(group, ())} & _possible_values(concept) else FALSE


def _title_mentions(title: str, concept: Concept) -> bool:
    words = tuple(word.text for word in concept.words["en"] if word.position == "before")
    return bool(words) and bool(_any_of(words).search(title.lower()))


@cache
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"\b({'|'.join(map(re.escape, words))})\b")
