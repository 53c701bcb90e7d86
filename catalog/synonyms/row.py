"""One synonym as a value, and the checks of its fields, for files and the admin alike."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from catalog.importing.cells.stock import FALSE, TRUE
from catalog.importing.cells.texts import FieldError, parse_text, shorten
from catalog.text import normalize_space

RELATIONS = ("both", "one-way", "close")
SOURCES = ("starter", "admin", "import", "meaning")


@dataclass(frozen=True, slots=True)
class SynonymRow:
    """A row of the table `synonym`; see `catalog.tables.Synonym`."""

    phrase: str
    meaning: str
    relation: str = "both"
    language: str = ""
    source: str = "import"
    enabled: bool = True

    @property
    def key(self) -> tuple[str, str, str]:
        """What identifies the row in the table."""
        return self.phrase, self.meaning, self.language


FIELDS = tuple(field.name for field in fields(SynonymRow))
REQUIRED = FIELDS[:2]


def parse_phrase(name: str, value: Any) -> str:
    """The phrase, with single spaces.

    Raises:
        FieldError: empty, without any letter or digit, or longer than 100 characters.
    """
    text = normalize_space(parse_text(name, value))
    if not text:
        raise FieldError(f"{name} is empty")
    if not any(map(str.isalnum, text)):
        raise FieldError(f"{name} has no letter or digit: {shorten(text)}")
    return text


def parse_language(name: str, value: Any) -> str:
    """The code of a language in lower case; "" stands for any language.

    Raises:
        FieldError: not a code of two or three letters.
    """
    code = parse_text(name, value).lower()
    if code and not re.fullmatch("[a-z]{2,3}", code):
        raise FieldError(f"{name} is not a code such as en or de, or empty: {shorten(value)}")
    return code


def parse_enabled(name: str, value: Any) -> bool:
    """Whether the synonym is on; an empty cell means that it is.

    Raises:
        FieldError: neither true nor false.
    """
    text = parse_text(name, value).lower()
    if not text or text in TRUE:
        return True
    if text in FALSE:
        return False
    raise FieldError(f"{name} is neither true nor false: {shorten(value)}")


def _one_of(known: tuple[str, ...], default: str) -> Callable[[str, Any], str]:
    def parse(name: str, value: Any) -> str:
        text = parse_text(name, value).lower() or default
        if text not in known:
            raise FieldError(f"{name} is not one of {', '.join(known)}: {shorten(value)}")
        return text

    return parse


PARSERS: Mapping[str, Callable[[str, Any], Any]] = {
    "phrase": parse_phrase,
    "meaning": parse_phrase,
    "relation": _one_of(RELATIONS, "both"),
    "language": parse_language,
    "source": _one_of(SOURCES, "import"),
    "enabled": parse_enabled,
}


def parse_row(cells: Mapping[str, str]) -> SynonymRow:
    """The synonym in the cells of a file; a missing cell is an empty one.

    Raises:
        FieldError: an invalid cell, or a phrase that is its own meaning.
    """
    row = SynonymRow(**{name: parse(name, cells.get(name)) for name, parse in PARSERS.items()})
    require_difference(row.phrase, row.meaning)
    return row


def require_difference(phrase: str, meaning: str) -> None:
    """Check that a phrase is not its own meaning.

    Raises:
        FieldError: it is.
    """
    if phrase.casefold() == meaning.casefold():
        raise FieldError(f"phrase and meaning are the same: {shorten(phrase)}")
