"""From records, which all sources read, to product rows."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from catalog.importing.cells.texts import FieldError
from catalog.importing.columns.mapping import Columns
from catalog.importing.columns.report import SAMPLE, ColumnReport
from catalog.importing.feeds.formats import PLAIN, PLAIN_NAMES, FeedFormat, feed_formats
from catalog.importing.feeds.grouped import with_group_prices
from catalog.importing.feeds.rules import FeedRows
from catalog.importing.feeds.variants import Read, Record, with_continued, with_variants
from catalog.importing.product_row import ProductRow, ReadRow, RowParser
from catalog.importing.row_notes import LeftOut, RowError, Unit

LOOK_AHEAD = 5_000
"""Rows whose dates show whether the day or the month comes first."""


@dataclass(frozen=True, slots=True)
class FileOptions:
    """How to read a file: fields by column, the name of a feed's format or "none", and the
    encoding; "" detects the format and the encoding."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    format: str = ""
    encoding: str = ""

    def chosen_format(self) -> FeedFormat | None:
        """The format that the user has chosen; None if it is to be recognised.

        Raises:
            FieldError: there is no such format.
        """
        if not self.format:
            return None
        if self.format in PLAIN_NAMES:
            return PLAIN
        known = feed_formats()
        if self.format not in known:
            raise FieldError(f"--format: no format {self.format!r}; formats are {', '.join(known)}")
        return known[self.format]


DETECT = FileOptions()


def parse_rows(
    rows: Iterable[Record | RowError], columns: Columns, report: ColumnReport
) -> Iterator[ReadRow]:
    """Parse records with the same columns. `report` looks at the first of them."""
    parser = RowParser(columns, report)
    rules = FeedRows(columns.feed, columns.names)
    read: Iterable[Read] = with_continued(rows, rules)
    read = with_group_prices(read, rules, columns.fields, parser.price_of)
    read = with_variants(read, rules, columns.fields)
    for row in _look_ahead(read, parser) if parser.has_dates else read:
        if isinstance(row, RowError | LeftOut):
            yield row
            continue
        line, cells, doubt = row
        if report.rows < SAMPLE:
            report.look_at(cells)
        yield parser.parse(line, cells, doubt)


def _look_ahead(rows: Iterable[Read], parser: RowParser) -> Iterator[Read]:
    """The rows, after the parser has seen the dates of the first ones."""
    rows = iter(rows)
    waiting = deque(islice(rows, LOOK_AHEAD))
    for row in waiting:
        if not isinstance(row, RowError | LeftOut):
            parser.look_at_dates(row[1])
    while waiting:
        yield waiting.popleft()
    yield from rows


def reject_duplicates(rows: Iterable[ReadRow], unit: Unit = "line") -> Iterator[ReadRow]:
    """The rows, with an error in place of a row whose SKU was in an earlier one."""
    lines: dict[str, int] = {}
    for row in rows:
        if isinstance(row, ProductRow):
            if (first := lines.get(row.sku)) is not None:
                yield RowError(row.line, row.sku, f"the SKU is already on {unit} {first}")
                continue
            lines[row.sku] = row.line
        yield row
