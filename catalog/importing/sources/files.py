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

DELIMITERS = {".csv": ",", ".txt": "\t", ".tsv": "\t", ".tab": "\t"}
"""The delimiter of a file with one column; that of all others is found in the header."""

JSON_LINES = (".jsonl", ".ndjson")


def read_rows(
    path: Path,
    options: FileOptions = DETECT,
    progress: Progress = lambda size: None,
    report: ColumnReport | None = None,
) -> Iterator[ReadRow]:
    """The rows of a table or a JSON Lines file; the file name's suffix decides which.

    A row whose SKU was on an earlier line is an error. `progress` is called with the number of
    bytes read. `report` is filled while the rows are read.

    Raises:
        FileError: the file or its header cannot be read.
    """
    suffix = path.suffix.casefold()
    if suffix not in DELIMITERS and suffix not in JSON_LINES:
        known = ", ".join([*DELIMITERS, *JSON_LINES])
        raise FileError(f"{path}: the file name must end in one of {known}")
    report = ColumnReport() if report is None else report
    try:
        with path.open("rb") as file:
            text = TextFile(file, options.encoding)
            if suffix in JSON_LINES:
                rows = read_json_lines(text.lines(progress), options.mapping, report)
            else:
                rows = read_table(text, options, DELIMITERS[suffix], progress, report)
            yield from reject_duplicates(rows)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or error}") from error
    except (FieldError, FileError) as error:
        raise FileError(f"{path}: {error}") from error
