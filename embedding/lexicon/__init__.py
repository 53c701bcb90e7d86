"""Fashion terms in eight languages: types, colours, persons, patterns, materials and occasions.

The data was written for this project. There is one TOML file per kind and one table per concept.
`read_lexicon` reads the files. It does not import torch.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from embedding.errors import UserFacingError
from embedding.lexicon.grammar import Position, Word, read_word

Kind = Literal["type", "colour", "person", "pattern", "material", "occasion"]
Language = Literal["en", "de", "fr", "es", "it", "nl", "pl", "pt"]

KINDS: tuple[Kind, ...] = get_args(Kind)
LANGUAGES: tuple[Language, ...] = get_args(Language)

FILES: Mapping[Kind, str] = {
    "type": "types",
    "colour": "colours",
    "person": "persons",
    "pattern": "patterns",
    "material": "materials",
    "occasion": "occasions",
}

__all__ = ["KINDS", "LANGUAGES", "Concept", "Kind", "Language", "Position", "Word", "read_lexicon"]


class LexiconError(UserFacingError, ValueError):
    """An entry is malformed. The message names the file and the concept."""


@dataclass(frozen=True)
class Concept:
    """A concept and the words for it in every language."""

    name: str
    kind: Kind
    true_of: frozenset[str]
    """Catalogue values for which the concept is true. `@` marks a whole group of types."""
    maybe_of: frozenset[str]
    """Catalogue values for which it may be true. It is false for all other values."""
    words: Mapping[Language, tuple[Word, ...]]


@cache
def read_lexicon() -> dict[Kind, dict[str, Concept]]:
    """Return all concepts by kind and name.

    Raises:
        LexiconError: an entry is malformed.
    """
    return {kind: _read(kind) for kind in KINDS}


def _read(kind: Kind) -> dict[str, Concept]:
    path = Path(__file__).parent / f"{FILES[kind]}.toml"
    entries = tomllib.loads(path.read_text("utf-8"))
    concepts = {}
    for name, entry in entries.items():
        unknown = entry.keys() - {"is", "may", *LANGUAGES}
        if unknown or entry.keys() < set(LANGUAGES):
            raise LexiconError(
                f"{path}: {name}: missing languages or unknown keys {sorted(unknown)}"
            )
        try:
            words = {
                language: tuple(
                    read_word(text, language, kind) for text in entry[language].split("|")
                )
                for language in LANGUAGES
            }
        except ValueError as error:
            raise LexiconError(f"{path}: {name}: {error}") from error
        default = () if kind == "type" else name.replace("_", " ")
        concepts[name] = Concept(
            name, kind, _values(entry.get("is", default)), _values(entry.get("may", ())), words
        )
    return concepts


def _values(entry: str | list[str] | tuple[str, ...]) -> frozenset[str]:
    return frozenset([entry] if isinstance(entry, str) else entry)
