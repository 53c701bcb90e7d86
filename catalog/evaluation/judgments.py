"""Judgments: queries and the products that answer them, one JSON object a line.

The format is described in docs/evaluation.md. Whatever is not exactly that is an error: a figure
made of judgments that were guessed at would be believed all the same.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalog.evaluation.judgment_parsers import (
    FormatError,
    parse_filters,
    parse_line,
    parse_relevant,
    parse_skus,
    parse_text,
)
from catalog.evaluation.product_lookup import Catalogue
from catalog.search.filters import Filters

KEYS = ("id", "kind", "text", "image", "like", "filters", "exclude", "relevant")
NEEDED = ("id", "relevant")


class JudgmentError(ValueError):
    """A line that cannot be used; the message begins with its number, from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")


@dataclass(frozen=True, slots=True)
class Judgment:
    """A query, and the grades, from 1, of the products that answer it, by SKU.

    Without any, it is a nonsense query: whatever is found is a false positive. `image` is the
    query picture's file, `line` where the judgment stands. Queries of one `kind` are averaged.
    """

    id: str
    line: int
    text: str = ""
    image: Path | None = None
    like: str = ""
    kind: str = ""
    filters: Filters = field(default_factory=Filters)
    exclude: frozenset[str] = frozenset()
    relevant: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_nonsense(self) -> bool:
        return not self.relevant


def read_judgments(path: Path, catalogue: Catalogue) -> list[Judgment]:
    """The judgments of a JSON Lines file in UTF-8; paths in it are relative to its folder.

    Raises:
        JudgmentError: a line is not a judgment on this catalogue.
        FormatError: the file cannot be read, or holds none.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FormatError(str(error.strerror)) from error
    return parse_judgments(_records(content), path.parent, catalogue)


def parse_judgments(
    records: Iterable[tuple[int, Mapping[str, Any]]], folder: Path, catalogue: Catalogue
) -> list[Judgment]:
    """The judgments that numbered JSON objects describe; pictures are relative to `folder`.

    Raises:
        JudgmentError: an object is not a judgment on this catalogue.
        FormatError: there is none.
    """
    lines: dict[str, int] = {}
    judgments = []
    for line, record in records:
        try:
            judgment = _judgment(line, record, folder, catalogue)
            if judgment.id in lines:
                raise FormatError(f"the id {judgment.id!r} is already on line {lines[judgment.id]}")
        except FormatError as error:
            raise JudgmentError(line, str(error)) from error
        lines[judgment.id] = line
        judgments.append(judgment)
    if not judgments:
        raise FormatError("there are no judgments")
    return judgments


def _records(content: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, text in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if text.strip():
            try:
                yield line, parse_line(text)
            except FormatError as error:
                raise JudgmentError(line, str(error)) from error


def _judgment(line: int, record: Mapping[str, Any], folder: Path, catalogue: Catalogue) -> Judgment:
    if unknown := [key for key in record if key not in KEYS]:
        raise FormatError(f"unknown key {unknown[0]!r}; known are {', '.join(KEYS)}")
    if missing := [key for key in NEEDED if key not in record]:
        raise FormatError(f"{missing[0]!r} is missing")
    words = {
        key: parse_text(key, record[key])
        for key in ("id", "kind", "text", "image", "like")
        if key in record
    }
    if not words.keys() & {"text", "image", "like"}:
        raise FormatError("there is nothing to look for: give a text, an image or a like")
    image = folder / words["image"] if "image" in words else None
    if image is not None and not image.is_file():
        raise FormatError(f"there is no picture file {str(image)!r}")
    like = words.get("like", "")
    if like:
        parse_skus("like", [like], catalogue)
    filters = parse_filters(record.get("filters", {}))
    exclude = frozenset(parse_skus("exclude", record.get("exclude", []), catalogue))
    relevant = parse_relevant(record["relevant"], catalogue)
    if relevant:
        possible = catalogue.within(filters) - exclude - {like}
        relevant = {sku: grade for sku, grade in relevant.items() if sku in possible}
        if not relevant:
            raise FormatError("no relevant product is left behind filters, exclude and like")
    return Judgment(
        words["id"],
        line,
        words.get("text", ""),
        image,
        like,
        words.get("kind", ""),
        filters,
        exclude,
        relevant,
    )
