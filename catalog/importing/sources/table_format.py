"""What kind of table a text file is: its delimiter, and where its header is."""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

DELIMITERS = ",;\t|"
NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
"""What Excel writes and reads in front of the header."""

HEADER_ROWS = 10
"""The maximum number of rows above the header."""


@dataclass(frozen=True, slots=True)
class TableFormat:
    """The header is the row that begins on the line `header_line` (from 1)."""

    delimiter: str
    header_line: int


@dataclass(frozen=True, slots=True)
class HeaderMatch:
    """How well a row fits a header: whether a feed's format is recognised by it, whether it has the
    required columns, and the number of its known columns."""

    is_feed: bool
    has_required: bool
    known: int


def detect_table(
    lines: Sequence[str], match: Callable[[list[str]], HeaderMatch], default: str
) -> TableFormat:
    """Find the delimiter and the header in the first lines of a file.

    The header is the first row that is the header of a known feed, or else that has the required
    columns, or else the first row.

    Args:
        default: the delimiter of a file with one column.
    """
    delimiters = DELIMITERS
    candidates: list[tuple[HeaderMatch, TableFormat]] = []
    for number, line in enumerate(lines, start=1):
        if not candidates and (separator := SEPARATOR_LINE.fullmatch(line)):
            delimiters = separator[1]
            continue
        if not line.strip(DELIMITERS + " \r\n\ufeff"):
            continue
        best = max(
            ((match(cells := split(line, each)), len(cells), each) for each in delimiters),
            key=lambda found: (found[0].is_feed, found[0].known, found[1], found[2] == default),
        )
        delimiter = default if best[1] == 1 and len(delimiters) > 1 else best[2]
        candidates.append((best[0], TableFormat(delimiter, number)))
        if len(candidates) == HEADER_ROWS or best[0].is_feed:
            break
    for wanted in ("is_feed", "has_required"):
        for found, table in candidates:
            if getattr(found, wanted):
                return table
    return candidates[0][1] if candidates else TableFormat(default, 1)


def split(line: str, delimiter: str) -> list[str]:
    """The cells of a header, without surrounding spaces."""
    try:
        lines = [line.strip("\r\n")]
        cells = next(csv.reader(lines, delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        cells = line.split(delimiter)
    return [cell.strip() for cell in cells]
