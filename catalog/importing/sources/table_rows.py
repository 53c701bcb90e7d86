"""Divides the lines of a table into rows of cells. A broken row never takes others with it.

A quoted cell may have line ends, so a quotation mark that is never closed makes the rest of a file
one cell. Such a row is skipped, and reading goes on with the next line that looks like a row.
"""

import csv
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from catalog.importing.row_notes import RowError

MAX_ROW = 1_000_000
"""The maximum length of a row with line ends, in characters."""

MIN_LOOK_AHEAD = 4_096
"""How far to look for the end of a row, in characters, after many broken ones."""

QUOTED_CELL = re.compile(r'"(?:[^"]|"")*"')
FORMULA = re.compile(r'="([^"]*)"')
"""How spreadsheets keep a number as text: ="00123"."""


class Row(NamedTuple):
    """The cells of a row; `warning` is empty if there was no doubt about how to divide it."""

    line: int
    cells: list[str]
    warning: str = ""


class TableRows:
    """Iterates over rows, and an error for each row that cannot be read. Its SKU is not sure.

    Args:
        lines: the lines below the header, with their ends.
        first_line: the number of the first of them.
        width: the number of cells of the header.
        key: the position of the SKU, by which rows are recognised after a broken one.
        quoted: if False, a quotation mark is a character like others.
    """

    def __init__(
        self,
        lines: Iterable[str],
        *,
        first_line: int,
        width: int,
        delimiter: str = ",",
        key: int = 0,
        quoted: bool = True,
    ) -> None:
        self.lines = iter(lines)
        self.width, self.delimiter, self.key, self.quoted = width, delimiter, key, quoted
        self.line = first_line - 1
        self.put_back: deque[str] = deque()
        self.look_ahead = MAX_ROW
        self.last_key = ""

    def __iter__(self) -> Iterator[Row | RowError]:
        for text in self._next_lines():
            if not text.replace(self.delimiter, "").strip():
                continue
            line = self.line
            if '"' not in text:
                cells: list[str] | str = text.rstrip("\r\n").split(self.delimiter)
            elif not self.quoted:
                yield self._read_literally(line, text)
                continue
            else:
                cells = self._read_quoted(text)
            if isinstance(cells, str):
                if row := self._without_quotes(line, text):
                    yield row
                else:
                    yield from self._skip_broken(line, text, cells)
            else:
                yield self._row(line, cells)

    def _next_lines(self) -> Iterator[str]:
        """Lines that were put back, and then the others. `line` is the number of the last one."""
        while True:
            if self.put_back:
                text = self.put_back.popleft()
            elif (text := next(self.lines, "")) == "":
                return
            self.line += 1
            yield text

    def _row(self, line: int, cells: list[str], warning: str = "") -> Row | RowError:
        if not self._fits(cells):
            return RowError(line, "", self._wrong_width(cells))
        self.last_key = cells[self.key]
        return Row(line, cells, warning)

    def _fits(self, cells: list[str]) -> bool:
        """Whether the number of cells is right; empty cells beyond the header are removed."""
        if len(cells) > self.width and not any(map(str.strip, cells[self.width :])):
            del cells[self.width :]
        return len(cells) == self.width

    def _wrong_width(self, cells: list[str]) -> str:
        cell = "cell" if len(cells) == 1 else "cells"
        return f"{len(cells)} {cell}, but the header has {self.width}"

    def _read_literally(self, line: int, text: str) -> Row | RowError:
        cells = text.rstrip("\r\n").split(self.delimiter)
        doubtful = next((cell for cell in cells if QUOTED_CELL.fullmatch(cell)), None)
        warning = "" if doubtful is None else f"read with its quotation marks: {doubtful[:60]}"
        return self._row(line, _without_formulas(cells), warning)

    def _without_quotes(self, line: int, text: str) -> Row | None:
        """A broken row of a file with tabs, read as feeds are written: without quoted cells."""
        cells = text.rstrip("\r\n").split(self.delimiter)
        if self.delimiter != "\t" or not self._fits(cells):
            return None
        self.last_key = cells[self.key]
        return Row(line, cells, "a quotation mark is not closed; it was read as a character")

    def _read_quoted(self, text: str) -> list[str] | str:
        """The cells of the row that begins with the line `text`, or what is wrong with it. In that
        case, the lines after `text` are put back."""
        try:
            return _without_formulas(self._parse([text]))
        except csv.Error as error:
            if "new-line" in str(error):
                return "malformed row: a CR in a cell without quotation marks"
            if "end of data" not in str(error):
                return f"malformed row: {error}"
        taken = [text]
        try:
            cells = self._parse(self._take(taken))
            if self._fits(cells) and not self._swallowed(taken):
                self.look_ahead = MAX_ROW
                return _without_formulas(cells)
            reason = "malformed row: a quotation mark is missing, or must be doubled"
        except csv.Error:
            reason = "malformed row: a quotation mark is not closed, or must be doubled"
        self.put_back.extendleft(reversed(taken[1:]))
        self.line -= len(taken) - 1
        # Otherwise, a file of broken rows would be read again and again.
        self.look_ahead = max(self.look_ahead // 2, MIN_LOOK_AHEAD)
        return reason

    def _parse(self, lines: Iterable[str]) -> list[str]:
        return next(csv.reader(lines, delimiter=self.delimiter, strict=True))

    def _take(self, taken: list[str]) -> Iterator[str]:
        """The lines of a row, which are added to `taken`."""
        yield taken[0]
        size = len(taken[0])
        for text in self._next_lines():
            taken.append(text)
            yield text
            size += len(text)
            if size > self.look_ahead:
                return

    def _swallowed(self, taken: list[str]) -> bool:
        """Whether a well-formed row of several lines is rather several rows: each line has as many
        cells as the header and an SKU like the first."""
        each = [text.split(self.delimiter) for text in taken if text.strip()]
        if any(len(cells) != self.width for cells in each):
            return False
        shapes = {_shape(cells[self.key]) for cells in each}
        return len(shapes) == 1 and "9" in shapes.pop()

    def _skip_broken(self, line: int, text: str, reason: str) -> Iterator[Row | RowError]:
        """The error of a broken row, and the next row that can be read.

        Lines in between that are no rows are the rest of the broken row.
        """
        cells = text.split(self.delimiter)
        key = cells[self.key].strip(' "\r\n') if self.key < len(cells) else ""
        kinds = {_kind(known) for known in (key, self.last_key.strip()) if known}
        any_kind = not kinds or "" in kinds
        error, last = RowError(line, "", reason), line
        for text in self._next_lines():
            if not text.replace(self.delimiter, "").strip():
                continue
            line = self.line
            found = (
                self._read_quoted(text)
                if '"' in text
                else text.rstrip("\r\n").split(self.delimiter)
            )
            first = text.split(self.delimiter) if isinstance(found, str) else found
            key = first[self.key].strip(' "\r\n') if self.key < len(first) else ""
            is_row = bool(key) and (any_kind or _kind(key) in kinds)
            if isinstance(found, list) and self._fits(found):
                yield _with_lines(error, last)
                if is_row:
                    yield self._row(line, found)
                    return
                behind = f"unclear whether it is a row of its own: line {error.line} is malformed"
                error, last = RowError(line, "", behind), line
            elif is_row:
                yield _with_lines(error, last)
                reason = found if isinstance(found, str) else self._wrong_width(found)
                error, last = RowError(line, "", reason), line
            else:
                last = self.line
        yield _with_lines(error, last)


def has_quoted_cells(lines: Callable[[], Iterable[str]], width: int) -> bool:
    """Whether quotation marks in a file with tabs enclose cells, as Excel writes them. In feeds of
    Google and Amazon they are characters like others. The reading with fewer problems is right.

    Args:
        lines: called twice for the lines below the header.
        width: the number of cells of the header.
    """

    def count_problems(quoted: bool) -> int:
        rows = TableRows(lines(), first_line=1, width=width, delimiter="\t", quoted=quoted)
        return sum(isinstance(row, RowError) or (quoted and bool(row.warning)) for row in rows)

    return not any('"' in text for text in lines()) or count_problems(True) <= count_problems(False)


def _with_lines(error: RowError, last: int) -> RowError:
    if last == error.line:
        return error
    return RowError(error.line, "", f"{error.reason} (up to line {last})")


def _without_formulas(cells: list[str]) -> list[str]:
    return [
        found[1] if cell[:2] == '="' and (found := FORMULA.fullmatch(cell)) else cell
        for cell in cells
    ]


def _kind(key: str) -> str:
    """Whether an SKU has digits and letters; "" for what is no SKU, such as a sentence."""
    if not key or len(key) > 60 or re.search(r"[\s<>]", key):
        return ""
    return f"{any(map(str.isdigit, key))}{any(map(str.isalpha, key))}"


def _shape(key: str) -> str:
    """An SKU with each run of letters as A and each digit as 9; long numbers as one."""
    letters = re.sub(r"[^\W\d_]+", "A", key.strip(' "\r\n'))
    shape = re.sub(r"\d", "9", letters)
    return shape if shape.isdigit() else re.sub("9+", "9", shape)
