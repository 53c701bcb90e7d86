"""Reads judgments: queries and their relevant products, one JSON object a line.

The format is described in docs/evaluation.md. Any deviation is an error, because wrong judgments
would give plausible but wrong figures.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
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
from embedding.errors import UserFacingError

KNOWN_KEYS = ("id", "kind", "text", "image", "like", "filters", "exclude", "relevant")
REQUIRED_KEYS = ("id", "relevant")


class JudgmentError(UserFacingError, ValueError):
    """An invalid judgment; the message begins with its file, if any, and its line, from 1."""

    def __init__(self, line: int, reason: str, file: Path | None = None) -> None:
        super().__init__(f"{file}: line {line}: {reason}" if file else f"line {line}: {reason}")


@dataclass(frozen=True, slots=True)
class Judgment:
    """A query and the grades of its relevant products.

    `relevant` is a grade from 1 by SKU. If it is empty, the query is nonsense and every hit is a
    false positive. `image` is the file of the query picture, `like` the SKU of a query product.
    Figures are averaged over the queries of one `kind`. `file` and `line` are where it was read.
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
    file: Path | None = field(default=None, compare=False)

    @property
    def is_nonsense(self) -> bool:
        return not self.relevant


def read_judgments(path: Path, catalogue: Catalogue) -> list[Judgment]:
    """The judgments of a JSON Lines file in UTF-8. Paths in it are relative to the file's folder.

    Raises:
        JudgmentError: a line is malformed or does not fit the catalogue.
        FormatError: the file cannot be read, or is empty.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: {error.strerror}") from error
    return parse_judgments(_records(content, path), path.parent, catalogue, path)


def parse_judgments(
    records: Iterable[tuple[int, Mapping[str, Any]]],
    folder: Path,
    catalogue: Catalogue,
    file: Path | None = None,
) -> list[Judgment]:
    """The judgments in (line number, JSON object) pairs; picture paths are relative to `folder`.

    `file`, if the objects were read from one, begins the messages of errors.

    Raises:
        JudgmentError: an object is malformed or does not fit the catalogue.
        FormatError: there are no objects.
    """
    lines: dict[str, int] = {}
    judgments = []
    for line, record in records:
        try:
            judgment = replace(_judgment(line, record, folder, catalogue), file=file)
            if judgment.id in lines:
                raise FormatError(f"the id {judgment.id!r} is already on line {lines[judgment.id]}")
        except FormatError as error:
            raise JudgmentError(line, str(error), file) from error
        lines[judgment.id] = line
        judgments.append(judgment)
    if not judgments:
        raise FormatError(f"{file}: there are no judgments" if file else "there are no judgments")
    return judgments


def _records(content: bytes, file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, text in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if text.strip():
            try:
                yield line, parse_line(text)
            except FormatError as error:
                raise JudgmentError(line, str(error), file) from error


def _judgment(line: int, record: Mapping[str, Any], folder: Path, catalogue: Catalogue) -> Judgment:
    if unknown := [key for key in record if key not in KNOWN_KEYS]:
        raise FormatError(f"unknown key {unknown[0]!r}; known keys: {', '.join(KNOWN_KEYS)}")
    if missing := [key for key in REQUIRED_KEYS if key not in record]:
        raise FormatError(f"{missing[0]!r} is missing")
    words = {
        key: parse_text(key, record[key])
        for key in ("id", "kind", "text", "image", "like")
        if key in record
    }
    if not words.keys() & {"text", "image", "like"}:
        raise FormatError("the query is empty: 'text', 'image' or 'like' is required")
    image = folder / words["image"] if "image" in words else None
    if image is not None and not image.is_file():
        raise FormatError(f"no picture file {str(image)!r}")
    like = words.get("like", "")
    if like:
        parse_skus("like", [like], catalogue)
    filters = parse_filters(record.get("filters", {}), catalogue)
    exclude = frozenset(parse_skus("exclude", record.get("exclude", []), catalogue))
    relevant = parse_relevant(record["relevant"], catalogue)
    if relevant:
        possible = catalogue.passing(filters) - exclude - {like}
        relevant = {sku: grade for sku, grade in relevant.items() if sku in possible}
        if not relevant:
            raise FormatError("no relevant product is left after filters, exclude and like")
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
