"""Importing a shop's own catalogue: from a table, a shop's feed or a JSON Lines file with pictures
from a folder, or from a query in another database.

Bad rows are reported with their number and a reason. Good rows are imported. Rows that did
not change are not written.
"""

from catalog.importing.columns.names import FIELDS
from catalog.importing.database.missing_products import CompleteCatalogue, MissingProductsError
from catalog.importing.feeds.formats import feed_formats
from catalog.importing.job import import_catalog, import_rows
from catalog.importing.report import Report
from catalog.importing.row_notes import FileError, RowError

__all__ = [
    "FIELDS",
    "CompleteCatalogue",
    "FileError",
    "MissingProductsError",
    "Report",
    "RowError",
    "feed_formats",
    "import_catalog",
    "import_rows",
]
