"""The report of an import: numbers of products, and what it says about single rows."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from catalog.importing.columns.report import ColumnReport
from catalog.importing.product_row import ProductRow, ReadRow
from catalog.importing.row_notes import LeftOut, RowError, RowWarning


@dataclass(slots=True)
class Report:
    """Numbers of products that were added, updated and unchanged, and the other rows of the file.

    `errors` are rows that were skipped, and `left_out` are rows that are no products of their own.
    `warnings` are about rows that were imported. `columns` says what was read as what, and
    `with_pictures` is the number of rows that have pictures. `missing` are the SKUs of the products
    that a complete catalogue does not contain, and that were hidden or deleted.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    errors: list[RowError] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    warnings: list[RowWarning] = field(default_factory=list)
    columns: ColumnReport = field(default_factory=ColumnReport)
    with_pictures: int = 0
    missing: list[str] = field(default_factory=list)

    @property
    def imported(self) -> int:
        return self.added + self.updated + self.unchanged

    @property
    def rows(self) -> int:
        """The number of rows in the file, as far as it was read."""
        return self.imported + len(self.errors) + len(self.left_out)

    def add_notes(self, rows: Iterable[ReadRow]) -> list[ProductRow]:
        """Take up what is no product, and the warnings; returns the products."""
        products = []
        for row in rows:
            if isinstance(row, RowError):
                self.errors.append(row)
            elif isinstance(row, LeftOut):
                self.left_out.append(row)
            else:
                products.append(row)
                self.warnings += (RowWarning(row.line, row.sku, it) for it in row.warnings)
        return products

    def sort(self) -> None:
        """Put the notes into the order of the file."""
        for notes in (self.errors, self.left_out, self.warnings):
            notes.sort(key=lambda note: note.line)
