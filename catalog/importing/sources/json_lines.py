"""Reads JSON Lines files into product rows, or errors, with line numbers."""

import json
from collections.abc import Iterable, Iterator, Mapping

from catalog.importing.cells.texts import FieldError
from catalog.importing.columns.mapping import Columns
from catalog.importing.columns.report import SAMPLE, ColumnReport
from catalog.importing.product_row import ReadRow, RowParser
from catalog.importing.row_notes import RowError


def read_json_lines(
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
                parsers[names] = RowParser(columns, report)
            if report.rows < SAMPLE:
                report.look_at(cells)
            if parsers[names].has_dates:
                parsers[names].look_at_dates(cells)
            yield parsers[names].parse(line, cells)
        except (ValueError, RecursionError) as error:
            reason = str(error) if isinstance(error, FieldError) else f"not JSON: {error}"
            yield RowError(line, "", reason)
    if empty:
        raise FieldError("the file is empty")
