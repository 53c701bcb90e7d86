"""Reads CSV, TSV and JSON Lines files into product rows, or errors, with line numbers."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from catalog.importing.cell_parsers import FieldError, parse_text, parse_value
from catalog.importing.column_mapping import Columns, ProductRow
from embedding.errors import UserFacingError

DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
JSON_LINES = (".jsonl", ".ndjson")
MAX_CELL = 1_000_000

Unit = Literal["line", "row"]
"""What the number of a row counts: lines of a file, or rows of a query's result."""

Progress = Callable[[int], None]
"""Called with the number of bytes read."""


class FileError(UserFacingError, ValueError):
    """The file cannot be read, or only up to some row; the rows before it were imported."""


@dataclass(frozen=True, slots=True)
class RowError:
    """A rejected row: the line on which it begins, and its SKU ("" if unknown).

    The SKU is that of the product, so it may contain any character.
    """

    line: int
    sku: str
    reason: str


def read_rows(
    path: Path, mapping: Mapping[str, str], progress: Progress = lambda size: None
) -> Iterator[ProductRow | RowError]:
    """The rows of a CSV, TSV or JSON Lines file in UTF-8; the file name's suffix decides which.

    A row whose SKU was on an earlier line is an error. `progress` is called with the number of
    bytes read.

    Raises:
        FileError: the file or its header cannot be read.
    """
    suffix = path.suffix.casefold()
    if suffix not in DELIMITERS and suffix not in JSON_LINES:
        known = ", ".join([*DELIMITERS, *JSON_LINES])
        raise FileError(f"{path}: the file name must end in one of {known}")
    try:
        with path.open("rb") as file:
            read = _read_json_lines if suffix in JSON_LINES else _read_table
            rows = read(file, mapping, DELIMITERS.get(suffix, ","), progress)
            yield from reject_duplicates(rows)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from error
    except FieldError as error:
        raise FileError(f"{path}: {error}") from error


def reject_duplicates(
    rows: Iterator[ProductRow | RowError], unit: Unit = "line"
) -> Iterator[ProductRow | RowError]:
    """The rows, with an error in place of a row whose SKU was in an earlier one."""
    lines: dict[str, int] = {}
    for row in rows:
        if isinstance(row, ProductRow) and row.sku in lines:
            yield RowError(row.line, row.sku, f"the SKU is already on {unit} {lines[row.sku]}")
            continue
        if isinstance(row, ProductRow):
            lines[row.sku] = row.line
        yield row


def _read_table(
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
        raise FieldError(f"the header has a column twice: {', '.join(map(repr, twice))}")
    columns = Columns.from_header(header, mapping)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield RowError(line, "", f"malformed row: {error}")
            continue
        if cells is None:
            return
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            reason = f"{len(cells)} cells, but the header has {len(header)}"
            yield RowError(line, "", reason)
            continue
        yield parse_row(columns, line, dict(zip(header, cells, strict=True)))


def _read_json_lines(
    file: BinaryIO, mapping: Mapping[str, str], _delimiter: str, progress: Progress
) -> Iterator[ProductRow | RowError]:
    """One object a line. Objects may have different keys, so each has its own column mapping."""
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
            yield parse_row(Columns.from_header(list(cells), known), line, cells)
        except (ValueError, RecursionError) as error:
            reason = str(error) if isinstance(error, FieldError) else f"not JSON: {error}"
            yield RowError(line, "", reason)
    if empty:
        raise FieldError("the file is empty")


def parse_row(columns: Columns, line: int, cells: Mapping[str, Any]) -> ProductRow | RowError:
    """The product of a row, or why it is rejected."""
    try:
        return columns.parse(line, cells)
    except FieldError as error:
        sku = ""
        with suppress(FieldError):
            sku = parse_value("sku", cells.get(columns.fields["sku"]))
        return RowError(line, sku, str(error))


def _lines(file: BinaryIO, progress: Progress) -> Iterator[str]:
    """Lines as text. Invalid UTF-8 becomes lone surrogates, which the cell parsers reject."""
    for number, line in enumerate(file):
        progress(len(line))
        text = line.decode("utf-8", "surrogateescape")
        yield text.removeprefix("\ufeff") if number == 0 else text
