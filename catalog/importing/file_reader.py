"""Reading the file: rows with the line on which each begins, whatever state they are in."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from catalog.importing.cell_parsers import FieldError, parse_text
from catalog.importing.column_mapping import Columns, ProductRow

DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
JSON_LINES = (".jsonl", ".ndjson")
MAX_CELL = 1_000_000

Progress = Callable[[int], None]
"""Called with the number of bytes read."""


class FileError(ValueError):
    """The file cannot be read, or not beyond some row; the rows before it were imported."""


@dataclass(frozen=True, slots=True)
class RowError:
    """A row that was left out: the line on which it begins, its SKU if that much is known."""

    line: int
    sku: str
    reason: str


def read_rows(
    path: Path, mapping: Mapping[str, str], progress: Progress = lambda size: None
) -> Iterator[ProductRow | RowError]:
    """The rows of a CSV, TSV or JSON Lines file in UTF-8, told apart by its ending.

    A SKU that was seen before in the file is an error. `progress` is told how many bytes were read.

    Raises:
        FileError: the file or its header cannot be read.
    """
    ending = path.suffix.casefold()
    if ending not in DELIMITERS and ending not in JSON_LINES:
        known = ", ".join([*DELIMITERS, *JSON_LINES])
        raise FileError(f"{path}: the ending must be one of {known}")
    try:
        with path.open("rb") as file:
            read = _json_lines if ending in JSON_LINES else _table
            yield from _unique(read(file, mapping, DELIMITERS.get(ending, ","), progress))
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from error
    except FieldError as error:
        raise FileError(f"{path}: {error}") from error


def _unique(rows: Iterator[ProductRow | RowError]) -> Iterator[ProductRow | RowError]:
    lines: dict[str, int] = {}
    for row in rows:
        if isinstance(row, ProductRow) and row.sku in lines:
            yield RowError(row.line, row.sku, f"the SKU is already on line {lines[row.sku]}")
            continue
        if isinstance(row, ProductRow):
            lines[row.sku] = row.line
        yield row


def _table(
    file: BinaryIO, mapping: Mapping[str, str], delimiter: str, progress: Progress
) -> Iterator[ProductRow | RowError]:
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader(_lines(file, progress), delimiter=delimiter, strict=True)
    try:
        header = [parse_text("the header", name) for name in next(reader, [])]
    except csv.Error as error:
        raise FieldError(f"the header cannot be read: {error}") from error
    if not any(header):
        raise FieldError("the file is empty")
    if len(set(header)) < len(header):
        twice = sorted({name for name in header if header.count(name) > 1})
        raise FieldError(f"the header names a column twice: {', '.join(map(repr, twice))}")
    columns = Columns.choose(header, mapping)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield RowError(line, "", f"not readable as a row: {error}")
            continue
        if cells is None:
            return
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            reason = f"{len(cells)} cells where the header has {len(header)}"
            yield RowError(line, "", reason)
            continue
        yield _parse(columns, line, dict(zip(header, cells, strict=True)))


def _json_lines(
    file: BinaryIO, mapping: Mapping[str, str], _delimiter: str, progress: Progress
) -> Iterator[ProductRow | RowError]:
    """Each line an object; rows may have different keys, and fields are chosen row by row."""
    empty = True
    for line, text in enumerate(_lines(file, progress), start=1):
        if not text.strip():
            continue
        empty = False
        try:
            cells = json.loads(text)
            if not isinstance(cells, dict):
                raise FieldError("the line is not a JSON object")
            known = {column: field for column, field in mapping.items() if column in cells}
            yield _parse(Columns.choose(list(cells), known), line, cells)
        except (ValueError, RecursionError) as error:
            reason = str(error) if isinstance(error, FieldError) else f"not JSON: {error}"
            yield RowError(line, "", reason)
    if empty:
        raise FieldError("the file is empty")


def _parse(columns: Columns, line: int, cells: dict[str, Any]) -> ProductRow | RowError:
    try:
        return columns.parse(line, cells)
    except FieldError as error:
        sku = cells.get(columns.fields["sku"])
        return RowError(line, ascii(sku)[1:-1][:80] if isinstance(sku, str) else "", str(error))


def _lines(file: BinaryIO, progress: Progress) -> Iterator[str]:
    """Lines as text; bytes that are not UTF-8 become lone surrogates, found later in their cell."""
    for number, line in enumerate(file):
        progress(len(line))
        text = line.decode("utf-8", "surrogateescape")
        yield text.removeprefix("\ufeff") if number == 0 else text
