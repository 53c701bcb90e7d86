"""Cues: words that structure a query, such as "not", "under" or "for", in every language.

`cues.toml` lists them by cue and language. The understanding of queries in SQL reads them from
`search.cue` (catalog/sqlapi/rendered.py).
"""

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).parent / "cues.toml"


class Cue(NamedTuple):
    """A phrase and what it does in a query."""

    phrase: str
    cue: str
    language: str


@cache
def read_cues() -> tuple[Cue, ...]:
    """All cues. The codes of currencies are one cue, "currency"."""
    return tuple(_read(tomllib.loads(FILE.read_text("utf-8"))))


def _read(tables: dict[str, dict[str, object]]) -> Iterator[Cue]:
    for cue, entries in tables.items():
        for language, phrases in entries.items():
            if isinstance(phrases, str):
                for phrase in phrases.split("|"):
                    yield Cue(phrase, cue, language)
