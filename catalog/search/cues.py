"""Cues: words that structure a query, such as "not", "under" or "for", in nine languages.

`cues.toml` lists them by cue and language. The understanding of queries in SQL reads them from
`search_internal.cue` (catalog/sqlapi/rendered.py).
"""

import tomllib
from collections import defaultdict
from collections.abc import Mapping
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
def currency_words() -> Mapping[str, frozenset[str]]:
    """The codes of the currencies that each word or sign for currencies may stand for; words as
    they are listed, in lower case."""
    codes = defaultdict(set)
    for code, languages in tomllib.loads(FILE.read_text("utf-8"))["currency"].items():
        for phrases in languages.values():
            for phrase in phrases.split("|"):
                codes[phrase.casefold()].add(code)
    return {phrase: frozenset(found) for phrase, found in codes.items()}


@cache
def read_cues() -> tuple[Cue, ...]:
    """All cues. The words for all currencies are one cue, "currency"; each number and multiplier is
    its own, such as "number_5" and "times_1000"."""
    tables = tomllib.loads(FILE.read_text("utf-8"))
    currencies = tables.pop("currency")
    counted = [(name, tables.pop(name)) for name in ("number", "times")]
    entries = [
        *tables.items(),
        *(("currency", words) for words in currencies.values()),
        *((f"{name}_{it}", words) for name, numbers in counted for it, words in numbers.items()),
    ]
    return tuple(
        dict.fromkeys(
            Cue(phrase, cue, language)
            for cue, words in entries
            for language, phrases in words.items()
            for phrase in phrases.split("|")
        )
    )
