"""Synonyms as CSV files in UTF-8; the header is phrase,meaning,relation,language,source,enabled.

Spreadsheets run cells such as `=cmd` as formulas, so such texts are written with an apostrophe
in front, which reading removes.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, field
from io import TextIOWrapper
from typing import BinaryIO, Protocol, TextIO

from sqlalchemy import Connection

from catalog.importing.cells.texts import FieldError, shorten
from catalog.synonyms.row import FIELDS, REQUIRED, SynonymRow, parse_row
from catalog.synonyms.store import Key, stored_rows, upsert
from catalog.text import as_cell, from_cell
from embedding.errors import UserFacingError

DELIMITERS = ",;\t"


class SynonymFileError(UserFacingError, ValueError):
    """The file has no valid header, so that none of its rows can be read."""


@dataclass(frozen=True, slots=True)
class LineError:
    """A rejected line of a file."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


@dataclass(slots=True)
class ImportReport:
    """Numbers of synonyms that were added, changed and unchanged, and the rejected lines."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    errors: list[LineError] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.added} added, {self.changed} changed, {self.unchanged} unchanged,"
            f" {len(self.errors)} skipped"
        )


def import_synonyms(connection: Connection, file: BinaryIO) -> ImportReport:
    """Read a file and write its synonyms, all but the rejected lines.

    Raises:
        SynonymFileError: the header is missing or wrong.
    """
    rows, report = [], ImportReport()
    for row in read_file(file):
        if isinstance(row, LineError):
            report.errors.append(row)
        else:
            rows.append(row)
    changes = upsert(connection, rows)
    report.added, report.changed = len(changes.added), len(changes.changed)
    report.unchanged = len(rows) - report.added - report.changed
    return report


def export_synonyms(connection: Connection, file: TextIO) -> int:
    """Write all synonyms and return their number. The file must be open with `newline=""`."""
    rows = stored_rows(connection).values()
    write_file(file, rows)
    return len(rows)


class Writable(Protocol):
    """What `write_file` writes to."""

    def write(self, text: str, /) -> object: ...


def write_file(file: Writable, rows: Iterable[SynonymRow]) -> None:
    """Write the header and the rows."""
    writer = csv.writer(file)
    writer.writerow(FIELDS)
    for row in rows:
        writer.writerow([_cell(value) for value in astuple(row)])


def read_file(file: BinaryIO) -> Iterator[SynonymRow | LineError]:
    """The rows of a file, separated by commas, semicolons or tabs as its header is.

    A row with the phrase, meaning and language of an earlier row is an error.

    Raises:
        SynonymFileError: the header is missing or wrong.
    """
    # Invalid UTF-8 becomes lone surrogates, which the parsers reject.
    text = TextIOWrapper(file, "utf-8-sig", "surrogateescape", newline="")
    try:
        yield from _read_text(text)
    finally:
        text.detach()  # the file belongs to the caller


def _read_text(text: TextIO) -> Iterator[SynonymRow | LineError]:
    before, first = next(((n, line) for n, line in enumerate(text, 1) if line.strip()), (0, ""))
    delimiter = max(DELIMITERS, key=first.count)
    header = _header(next(csv.reader([first], delimiter=delimiter), []))
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    seen: dict[Key, int] = {}
    while True:
        line = before + reader.line_num + 1
        try:
            cells = next(reader, None)
            if cells is None:
                return
            if not any(map(str.strip, cells)):
                continue
            row = _row(header, cells)
            if row.key in seen:
                raise FieldError(f"the same synonym is on line {seen[row.key]}")
        except (csv.Error, FieldError) as error:
            yield LineError(line, str(error))
            continue
        seen[row.key] = line
        yield row


def _row(header: list[str], cells: list[str]) -> SynonymRow:
    if len(cells) != len(header):
        raise FieldError(f"{len(cells)} cells, but the header has {len(header)}")
    return parse_row(dict(zip(header, map(from_cell, cells), strict=True)))


def _header(cells: list[str]) -> list[str]:
    header = [cell.strip().lower() for cell in cells]
    expected = f"expected the header {','.join(FIELDS)}"
    if missing := [name for name in REQUIRED if name not in header]:
        raise SynonymFileError(f"no column {' or '.join(missing)}: {expected}")
    if unknown := [name for name in header if name not in FIELDS]:
        raise SynonymFileError(f"unknown column {shorten(unknown[0])}: {expected}")
    if len(set(header)) < len(header):
        raise SynonymFileError(f"a column is there twice: {expected}")
    return header


def _cell(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else as_cell(value)
