"""Reads tables (CSV, TSV) and JSON Lines files into product rows, or errors, with line numbers."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from catalog.importing.cell_parsers import FieldError, parse_text
from catalog.importing.column_mapping import Columns, unique_names
from catalog.importing.column_names import field_by_name, normalise_name
from catalog.importing.column_report import SAMPLE, ColumnReport
from catalog.importing.feed_formats import (
    PLAIN,
    PLAIN_NAMES,
    FeedFormat,
    feed_formats,
    recognise,
)
from catalog.importing.product_row import NOT_UTF8, ProductRow, ReadRow, RowParser
from catalog.importing.row_notes import FileError, LeftOut, RowError, Unit
from catalog.importing.table_format import NAMES, HeaderMatch, TableFormat, detect_table
from catalog.importing.table_rows import TableRows, has_quoted_cells
from catalog.importing.text_files import Progress, TextFile
from catalog.importing.variant_rows import Record, with_variants

DELIMITERS = {".csv": ",", ".txt": "\t", ".tsv": "\t", ".tab": "\t"}
"""The delimiter of a file with one column; that of all others is found in the header."""

JSON_LINES = (".jsonl", ".ndjson")
MAX_CELL = 1_000_000


@dataclass(frozen=True, slots=True)
class FileOptions:
    """How to read a file: fields by column, the name of a feed's format or "none", and the
    encoding; "" detects the format and the encoding."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    format: str = ""
    encoding: str = ""


def read_rows(
    path: Path,
    options: FileOptions = FileOptions(),
    progress: Progress = lambda size: None,
    report: ColumnReport | None = None,
) -> Iterator[ReadRow]:
    """The rows of a table or a JSON Lines file; the file name's suffix decides which.

    A row whose SKU was on an earlier line is an error. `progress` is called with the number of
    bytes read. `report` is filled while the rows are read.

    Raises:
        FileError: the file or its header cannot be read.
    """
    suffix = path.suffix.casefold()
    if suffix not in DELIMITERS and suffix not in JSON_LINES:
        known = ", ".join([*DELIMITERS, *JSON_LINES])
        raise FileError(f"{path}: the file name must end in one of {known}")
    report = ColumnReport() if report is None else report
    try:
        with path.open("rb") as file:
            text = TextFile(file, options.encoding)
            if suffix in JSON_LINES:
                rows = _read_json_lines(text.lines(progress), options.mapping, report)
            else:
                rows = _read_table(text, options, DELIMITERS[suffix], progress, report)
            yield from reject_duplicates(rows)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or error}") from error
    except (FieldError, FileError) as error:
        raise FileError(f"{path}: {error}") from error


def reject_duplicates(rows: Iterable[ReadRow], unit: Unit = "line") -> Iterator[ReadRow]:
    """The rows, with an error in place of a row whose SKU was in an earlier one."""
    lines: dict[str, int] = {}
    for row in rows:
        if isinstance(row, ProductRow):
            first = lines.setdefault(row.sku, row.line)
            if first != row.line:
                yield RowError(row.line, row.sku, f"the SKU is already on {unit} {first}")
                continue
        yield row


def _read_table(
    text: TextFile, options: FileOptions, default: str, progress: Progress, report: ColumnReport
) -> Iterator[ReadRow]:
    csv.field_size_limit(MAX_CELL)
    chosen = _chosen_format(options.format)
    match = partial(_match_header, chosen=chosen, mapping=options.mapping)
    table = detect_table(text.head_lines(), match, default)
    lines = text.lines(progress)
    for _ in islice(lines, table.header_line - 1):
        pass
    header, header_lines = _read_header(lines, table)
    if not any(header):
        raise FieldError("the file is empty")
    feed = recognise(map(normalise_name, header)) if chosen is None else chosen
    columns = Columns.from_header(header, options.mapping, feed)
    first_line = table.header_line + header_lines
    quoted = table.delimiter != "\t" or has_quoted_cells(
        lambda: islice(text.reopened(), first_line - 1, None), len(header)
    )
    report.format = _describe(feed, table, text.encoding, quoted)
    report.add(columns)
    key = header.index(columns.fields["sku"][0])
    rows = TableRows(
        lines,
        first_line=first_line,
        width=len(header),
        delimiter=table.delimiter,
        key=key,
        quoted=quoted,
    )
    yield from _parse_rows(_with_columns(rows, header), columns, report)


def _chosen_format(name: str) -> FeedFormat | None:
    """The format that the user has chosen; None if it is to be recognised."""
    if not name:
        return None
    if name in PLAIN_NAMES:
        return PLAIN
    if name not in feed_formats():
        raise FieldError(f"--format: no format {name!r}; formats are {', '.join(feed_formats())}")
    return feed_formats()[name]


def _match_header(
    cells: list[str], *, chosen: FeedFormat | None, mapping: Mapping[str, str]
) -> HeaderMatch:
    names = [normalise_name(cell) for cell in cells]
    feed = recognise(names) if chosen is None else chosen if chosen.matches(names) else PLAIN
    fields = [
        mapping.get(cell) or feed.field_of(name) or field_by_name(cell)
        for cell, name in zip(cells, names, strict=True)
    ]
    known = sum(field is not None for field in fields) + sum(cell in mapping for cell in cells)
    return HeaderMatch(bool(feed), {"sku", "title"} <= set(fields), known)


def _read_header(lines: Iterator[str], table: TableFormat) -> tuple[list[str], int]:
    """The names of the columns, and the number of lines of the header."""
    reader = csv.reader(lines, delimiter=table.delimiter, strict=True)
    try:
        cells = next(reader, [])
    except csv.Error as error:
        raise FieldError(f"the header cannot be read: {error}") from error
    try:
        names = [parse_text("the header", name) for name in cells]
    except FieldError as error:
        advice = f"; {NOT_UTF8}" if "not UTF-8" in str(error) else ""
        raise FieldError(f"{error}{advice}") from error
    while names and not names[-1]:
        names.pop()
    return unique_names(names), max(reader.line_num, 1)


def _describe(feed: FeedFormat, table: TableFormat, encoding: str, quoted: bool) -> str:
    delimiter = NAMES.get(table.delimiter, repr(table.delimiter))
    parts = [f"{feed.label if feed else 'a table'} separated by {delimiter}"]
    if encoding not in ("utf-8", "utf-8-sig"):
        parts.append(encoding)
    if table.header_line > 1:
        parts.append(f"header on line {table.header_line}")
    if not quoted:
        parts.append("quotation marks are characters")
    return ", ".join(parts)


def _with_columns(rows: TableRows, header: list[str]) -> Iterator[Record | RowError]:
    for row in rows:
        if isinstance(row, RowError):
            yield row
        else:
            yield row.line, dict(zip(header, row.cells, strict=True)), row.warning


def _parse_rows(
    rows: Iterable[Record | RowError], columns: Columns, report: ColumnReport
) -> Iterator[ReadRow]:
    parser = RowParser(columns)
    for row in with_variants(rows, columns):
        if isinstance(row, RowError | LeftOut):
            yield row
            continue
        line, cells, doubt = row
        if report.rows < SAMPLE:
            report.look_at(cells)
        yield parser.parse(line, cells, doubt)


def _read_json_lines(
    lines: Iterable[str], mapping: Mapping[str, str], report: ColumnReport
) -> Iterator[ReadRow]:
    """One object a line. Objects may have different keys, so each has its own column mapping."""
    report.format = "JSON Lines"
    parsers: dict[tuple[str, ...], RowParser] = {}
    empty = True
    for line, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        empty = False
        try:
            cells = json.loads(text)
            if not isinstance(cells, dict):
                raise FieldError("the line is not a JSON object")
            names = tuple(cells)
            if names not in parsers:
                known = {column: field for column, field in mapping.items() if column in cells}
                columns = Columns.from_header(names, known)
                report.add(columns)
                if len(parsers) == SAMPLE:
                    parsers.clear()
                parsers[names] = RowParser(columns)
            if report.rows < SAMPLE:
                report.look_at(cells)
            yield parsers[names].parse(line, cells)
        except (ValueError, RecursionError) as error:
            reason = str(error) if isinstance(error, FieldError) else f"not JSON: {error}"
            yield RowError(line, "", reason)
    if empty:
        raise FieldError("the file is empty")
