"""Fashion terms in eight languages: types, colours, persons, patterns, materials and occasions.

The data was written for this project. There is one TOML file per kind and one table per concept.
`read_lexicon` reads the files. It does not import torch. A table contains:

- a word list per language, separated by `|`: used in training and in search. The comment at the top
  of each file describes the marks of its words. A concept without them is for search only.
- `is` and `may`: catalogue values for which the concept is true, or may be true. Training only.
- `search`: more words per language, for search only, as shoppers type them, without marks.
- `accepts`: concepts whose products are a good answer to this one. `close`: concepts that are worth
  showing where there is nothing better. Both are lists of names; `kind.name` is a concept of
  another kind. Both apply in one direction, and are not followed further.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from embedding.errors import UserFacingError
from embedding.lexicon.grammar import Position, Word, read_word

Kind = Literal["type", "colour", "person", "pattern", "material", "occasion"]
Language = Literal["en", "de", "fr", "es", "it", "nl", "pl", "pt"]

KINDS: tuple[Kind, ...] = get_args(Kind)
LANGUAGES: tuple[Language, ...] = get_args(Language)

FOLDER = Path(__file__).parent

FILES: Mapping[Kind, str] = {
    "type": "types",
    "colour": "colours",
    "person": "persons",
    "pattern": "patterns",
    "material": "materials",
    "occasion": "occasions",
}

KEYS = {"is", "may", "accepts", "close", "search", *LANGUAGES}

MARKED = re.compile(r"[~^+].*|.*=|.*:[a-z]{1,2}")
"""A word with a mark for training."""

__all__ = [
    "KINDS",
    "LANGUAGES",
    "Concept",
    "Kind",
    "Language",
    "LexiconError",
    "Position",
    "Reference",
    "Word",
    "read_lexicon",
    "read_training_lexicon",
]


class LexiconError(UserFacingError, ValueError):
    """An entry is malformed. The message names the file and the concept."""


@dataclass(frozen=True)
class Reference:
    """A concept by its kind and name."""

    kind: Kind
    name: str


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
    """Words for training and search, in all languages; empty if the concept is for search only."""
    search: Mapping[Language, tuple[str, ...]]
    """More words for search, in some languages."""
    accepts: tuple[Reference, ...]
    """Concepts whose products are a good answer to this one."""
    close: tuple[Reference, ...]
    """Concepts that are worth showing where there is nothing better."""


Lexicon = dict[Kind, dict[str, Concept]]


@cache
def read_lexicon(folder: Path = FOLDER) -> Lexicon:
    """Return all concepts by kind and name.

    Raises:
        LexiconError: an entry is malformed.
    """
    lexicon = {kind: _read(kind, folder / f"{FILES[kind]}.toml") for kind in KINDS}
    for kind, concepts in lexicon.items():
        for concept in concepts.values():
            for other in (*concept.accepts, *concept.close):
                if other.name not in lexicon[other.kind] or other == Reference(kind, concept.name):
                    path = folder / f"{FILES[kind]}.toml"
                    raise LexiconError(
                        f"{path}: {concept.name}: no other concept {other.kind}.{other.name}"
                    )
    return lexicon


def read_training_lexicon() -> Lexicon:
    """Return the concepts that training uses, those that are not for search only.

    Raises:
        LexiconError: an entry is malformed.
    """
    return {
        kind: {name: concept for name, concept in concepts.items() if concept.words}
        for kind, concepts in read_lexicon().items()
    }


def _read(kind: Kind, path: Path) -> dict[str, Concept]:
    try:
        entries = tomllib.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise LexiconError(f"{path}: {error}") from error
    concepts = {}
    for name, entry in entries.items():
        try:
            concepts[name] = _concept(kind, name, entry)
        except ValueError as error:
            raise LexiconError(f"{path}: {name}: {error}") from error
    return concepts


def _concept(kind: Kind, name: str, entry: Mapping[str, Any]) -> Concept:
    if unknown := entry.keys() - KEYS:
        raise ValueError(f"unknown keys {sorted(unknown)}")
    words = _words(kind, entry)
    search = _search_words(entry.get("search", {}))
    if not words and ("en" not in search or entry.keys() & {"is", "may"}):
        raise ValueError("for search only, so it needs English search words, and no is or may")
    default = () if kind == "type" or not words else name.replace("_", " ")
    accepts, close = (_references(kind, entry.get(key, ())) for key in ("accepts", "close"))
    if twice := {*accepts} & {*close}:
        raise ValueError(f"both accepts and close: {sorted(other.name for other in twice)}")
    return Concept(
        name,
        kind,
        _values(entry.get("is", default)),
        _values(entry.get("may", ())),
        words,
        search,
        accepts,
        close,
    )


def _words(kind: Kind, entry: Mapping[str, str]) -> dict[Language, tuple[Word, ...]]:
    there = entry.keys() & set(LANGUAGES)
    if not there:
        return {}
    if missing := set(LANGUAGES) - there:
        raise ValueError(f"missing languages {sorted(missing)}")
    if empty := [
        language for language in there if "" in map(str.strip, entry[language].split("|"))
    ]:
        raise ValueError(f"an empty word in {sorted(empty)}")
    return {
        language: tuple(read_word(text, language, kind) for text in entry[language].split("|"))
        for language in LANGUAGES
    }


def _search_words(entry: Mapping[str, str]) -> dict[Language, tuple[str, ...]]:
    if unknown := entry.keys() - set(LANGUAGES):
        raise ValueError(f"search has unknown languages {sorted(unknown)}")
    found = {
        language: tuple(text.strip() for text in entry[language].split("|"))
        for language in LANGUAGES
        if language in entry
    }
    for language, texts in found.items():
        for text in texts:
            if not text or MARKED.fullmatch(text):
                raise ValueError(f"search.{language}: {text!r} is empty or has a mark")
    return found


def _references(kind: Kind, names: Iterable[str]) -> tuple[Reference, ...]:
    if isinstance(names, str):
        raise ValueError(f"{names!r} must be a list of names")
    return tuple(_reference(kind, name) for name in names)


def _reference(kind: Kind, name: str) -> Reference:
    prefix, dot, rest = name.partition(".")
    if not dot:
        return Reference(kind, name)
    for known in KINDS:
        if prefix == known:
            return Reference(known, rest)
    raise ValueError(f"{name!r}: the kind must be one of {', '.join(KINDS)}")


def _values(entry: str | list[str] | tuple[str, ...]) -> frozenset[str]:
    return frozenset([entry] if isinstance(entry, str) else entry)
