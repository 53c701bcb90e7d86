"""From records, which all sources read, to product rows."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from catalog.importing.columns.mapping import Columns
from catalog.importing.columns.report import SAMPLE, ColumnReport
from catalog.importing.feeds.rules import FeedRows
from catalog.importing.feeds.variants import Record, with_variants
from catalog.importing.product_row import ProductRow, ReadRow, RowParser
from catalog.importing.row_notes import LeftOut, RowError, Unit


@dataclass(frozen=True, slots=True)
class FileOptions:
    """How to read a file: fields by column, the name of a feed's format or "none", and the
    encoding; "" detects the format and the encoding."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    format: str = ""
    encoding: str = ""


DETECT = FileOptions()


def parse_rows(
    rows: Iterable[Record | RowError], columns: Columns, report: ColumnReport
) -> Iterator[ReadRow]:
    """Parse records with the same columns. `report` looks at the first of them."""
    parser = RowParser(columns, report)
    rules = FeedRows(columns.feed, columns.names)
    for row in with_variants(rows, rules, columns.fields):
        if isinstance(row, RowError | LeftOut):
            yield row
            continue
        line, cells, doubt = row
        if report.rows < SAMPLE:
            report.look_at(cells)
        yield parser.parse(line, cells, doubt)


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
