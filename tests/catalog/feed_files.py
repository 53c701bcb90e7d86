"""Reads import files without a database, for tests."""

from pathlib import Path

from catalog.importing.columns.report import ColumnReport
from catalog.importing.product_row import ProductRow
from catalog.importing.row_notes import LeftOut, RowError
from catalog.importing.sources.files import read_rows
from catalog.importing.sources.records import FileOptions


class ReadFile:
    """What is in a file: products by SKU, and skipped and left out rows by line."""

    def __init__(self, path: Path, **options: object) -> None:
        self.columns = ColumnReport()
        self.rows: dict[str, ProductRow] = {}
        self.errors: dict[int, str] = {}
        self.left_out: dict[int, str] = {}
        for row in read_rows(path, FileOptions(**options), report=self.columns):  # type: ignore[arg-type]
            if isinstance(row, ProductRow):
                self.rows[row.sku] = row
            elif isinstance(row, RowError):
                self.errors[row.line] = row.reason
            elif isinstance(row, LeftOut):
                self.left_out[row.line] = row.reason

    def values(self, name: str) -> dict[str, object]:
        """A column of the products by SKU."""
        return {sku: row.values.get(name) for sku, row in self.rows.items()}

    @property
    def warnings(self) -> dict[str, tuple[str, ...]]:
        return {sku: row.warnings for sku, row in self.rows.items() if row.warnings}


def read(folder: Path, content: str | bytes, name: str = "c.csv", **options: object) -> ReadFile:
    """Write and read a file; `content` is encoded as UTF-8."""
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return ReadFile(file, **options)
