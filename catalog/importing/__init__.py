"""Loading a shop's own catalogue: CSV, TSV or JSON Lines, with pictures from a folder.

Bad rows are reported with their line and reason; good ones land; what did not change is untouched.
"""

from catalog.importing.fields import FIELDS
from catalog.importing.job import Report, import_catalog
from catalog.importing.rows import FileError, RowError

__all__ = ["FIELDS", "FileError", "Report", "RowError", "import_catalog"]
