"""Importing a shop's own catalogue: from a CSV, TSV or JSON Lines file with pictures from a folder,
or from a query in another database.

Bad rows are reported with their number and a reason. Good rows are imported. Rows that did
not change are not written.
"""

from catalog.importing.column_mapping import FIELDS
from catalog.importing.file_reader import FileError, RowError
from catalog.importing.job import Report, import_catalog, import_rows
from catalog.importing.missing_products import CompleteCatalogue, MissingProductsError

__all__ = [
    "FIELDS",
    "CompleteCatalogue",
    "FileError",
    "MissingProductsError",
    "Report",
    "RowError",
    "import_catalog",
    "import_rows",
]
