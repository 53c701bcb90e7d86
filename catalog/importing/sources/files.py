"""Reads import files; the suffix of the file's name decides how."""

from collections.abc import Iterator
from pathlib import Path

from catalog.importing.cells.texts import FieldError
from catalog.importing.columns.report import ColumnReport
from catalog.importing.product_row import ReadRow
from catalog.importing.row_notes import FileError
from catalog.importing.sources.json_lines import read_json_lines
from catalog.importing.sources.records import DETECT, FileOptions, reject_duplicates
from catalog.importing.sources.table import read_table
from catalog.importing.sources.text_file import Progress, TextFile
from catalog.importing.sources.xml_feed import read_xml

DELIMITERS = {".csv": ",", ".txt": "\t", ".tsv": "\t", ".tab": "\t"}
"""The delimiter of a file with one column; that of all others is found in the header."""

JSON_LINES = (".jsonl", ".ndjson")
XML = (".xml", ".rss", ".atom")


def read_rows(
    path: Path,
    options: FileOptions = DETECT,
    progress: Progress = lambda size: None,
    report: ColumnReport | None = None,
) -> Iterator[ReadRow]:
    """The rows of a table, a JSON Lines file or a feed in XML, by the suffix of the file's name.

    A row whose SKU was on an earlier line is an error. `progress` is called with the number of
    bytes read. `report` is filled while the rows are read.

    Raises:
        FileError: the file or its header cannot be read.
    """
    suffix = path.suffix.casefold()
    if suffix not in (known := (*DELIMITERS, *JSON_LINES, *XML)):
        raise FileError(f"{path}: the file name must end in one of {', '.join(known)}")
    report = ColumnReport() if report is None else report
    try:
        with path.open("rb") as file:
            if suffix in XML:
                rows = read_xml(file, options, progress, report)
            elif suffix in JSON_LINES:
                lines = TextFile(file, options.encoding).lines(progress)
                rows = read_json_lines(lines, options.mapping, report)
            else:
                text = TextFile(file, options.encoding)
                rows = read_table(text, options, DELIMITERS[suffix], progress, report)
            yield from reject_duplicates(rows)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or error}") from error
    except (FieldError, FileError) as error:
        raise FileError(f"{path}: {error}") from error
