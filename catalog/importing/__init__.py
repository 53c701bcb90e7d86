"""Importing a shop's own catalogue: CSV, TSV or JSON Lines, with pictures from a folder.

Bad rows are reported with their line number and a reason. Good rows are imported. Rows that did
not change are not written.
"""

from catalog.importing.column_mapping import FIELDS
from catalog.importing.file_reader import FileError, RowError
from catalog.importing.job import Report, import_catalog

__all__ = ["FIELDS", "FileError", "Report", "RowError", "import_catalog"]
