"""A shop's words in eight languages: what is worn, its colours and materials, and for whom.

Plain data, one TOML file a kind and one table a concept; written for this project. `read_lexicon`
reads it without importing torch.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from embedding.errors import UserFacingError
from embedding.lexicon.grammar import Place, Word, read_word

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

__all__ = ["KINDS", "LANGUAGES", "Concept", "Kind", "Language", "Place", "Word", "read_lexicon"]


class LexiconError(UserFacingError, ValueError):
    """A malformed entry; the message names file and concept."""


@dataclass(frozen=True)
class Concept:
    """One thing that can be meant, and its words."""

    name: str
    kind: Kind
    true_of: frozenset[str]
    """Values of a catalogue's column that it is true of, `@` before a whole group of types."""
    maybe_of: frozenset[str]
    """Values that it may be true of; it is untrue of all others."""
    words: Mapping[Language, tuple[Word, ...]]


@cache
def read_lexicon() -> dict[Kind, dict[str, Concept]]:
    """All concepts by kind and name.

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
            raise LexiconError(f"{path}: {name} lacks a language or has {sorted(unknown)}")
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
