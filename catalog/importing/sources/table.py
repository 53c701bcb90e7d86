"""Reads tables (CSV, TSV) into product rows, or errors, with line numbers."""

import csv
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain, islice

from catalog.importing.cells.texts import FieldError, parse_text, shorten
from catalog.importing.columns.mapping import Columns, unique_names
from catalog.importing.columns.names import field_by_name
from catalog.importing.columns.report import ColumnReport
from catalog.importing.feeds.formats import (
    PLAIN,
    FeedFormat,
    normalise_name,
    recognise,
)
from catalog.importing.feeds.variants import Record
from catalog.importing.product_row import NOT_UTF8, ReadRow
from catalog.importing.row_notes import RowError
from catalog.importing.sources.records import FileOptions, parse_rows
from catalog.importing.sources.table_format import NAMES, HeaderMatch, TableFormat, detect_table
from catalog.importing.sources.table_rows import TableRows, has_quoted_cells
from catalog.importing.sources.text_file import Progress, TextFile

MAX_CELL = 1_000_000


def read_table(
    text: TextFile, options: FileOptions, default: str, progress: Progress, report: ColumnReport
) -> Iterator[ReadRow]:
    """The rows of a table.

    Args:
        default: the delimiter of a table with one column.

    Raises:
        FieldError: the header cannot be read, or a column is missing.
    """
    csv.field_size_limit(MAX_CELL)
    chosen = options.chosen_format()
    match = partial(_match_header, chosen=chosen, mapping=options.mapping)
    table = detect_table(text.head_lines(), match, default)
    lines = text.lines(progress)
    for _ in islice(lines, table.header_line - 1):
        pass
    header, header_lines = _read_header(lines, table, match)
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
    yield from parse_rows(_with_columns(rows, header), columns, report)


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


def _read_header(
    lines: Iterator[str], table: TableFormat, match: Callable[[list[str]], HeaderMatch]
) -> tuple[list[str], int]:
    """The names of the columns, and the number of lines of the header."""
    first = next(lines, "")
    reader = csv.reader(
        chain([first], lines), delimiter=table.delimiter, strict=True, skipinitialspace=True
    )
    unclosed = (
        f"line {table.header_line}, the header, has a quotation mark that is not closed, or that"
        f" must be doubled: {shorten(first.strip())}"
    )
    try:
        cells = next(reader, [])
    except csv.Error as error:
        reason = unclosed if '"' in first else f"the header cannot be read: {error}"
        raise FieldError(reason) from error
    if _has_rows(cells, table.delimiter) and not match(list(map(str.strip, cells))).has_required:
        raise FieldError(unclosed)
    try:
        names = [parse_text("the header", name) for name in cells]
    except FieldError as error:
        advice = f"; {NOT_UTF8}" if "not UTF-8" in str(error) else ""
        raise FieldError(f"{error}{advice}") from error
    while names and not names[-1]:
        names.pop()
    return unique_names(names), max(reader.line_num, 1)


def _has_rows(header: list[str], delimiter: str) -> bool:
    """Whether a cell of the header goes on in a line that has delimiters, such as the first row."""
    return any(delimiter in line for cell in header for line in cell.splitlines()[1:])


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
