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
from catalog.importing.sources.row_likeness import RowLikeness, clean, kind_of_key

MAX_ROW = 1_000_000
"""The maximum length of a row with line ends, in characters."""

MIN_LOOK_AHEAD = 4_096
"""How far to look for the end of a row, in characters, after many broken ones."""

QUOTED_CELL = re.compile(r'"(?:[^"]|"")*"')
FORMULA = re.compile(r'="([^"]*)"')
"""How spreadsheets keep a number as text: ="00123"."""

PIECE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
"""A line by any line end, where a file mixes them."""

UNCLOSED = "malformed row: a quotation mark is not closed, or must be doubled"
SWALLOWED = "malformed row: a quotation mark is missing, or must be doubled"


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
        self.line = self.last_read = first_line - 1
        self.put_back: deque[tuple[int, str]] = deque()
        self.look_ahead = MAX_ROW
        self.likeness = RowLikeness(width, delimiter, key)
        mark = re.escape(delimiter)
        self.spaced = re.compile(rf'(?:^|{mark}) +"|" +(?:{mark}|$)', re.MULTILINE)
        self.spaced_cell = re.compile(
            rf'(?: *"(?P<quoted>(?:[^"]|"")*)" *|(?P<bare>[^"{mark}\r\n]*))(?:{mark}|[\r\n]*\Z)'
        )

    def __iter__(self) -> Iterator[Row | RowError]:
        for text in self._next_lines():
            if not text.replace(self.delimiter, "").strip():
                continue
            line = self.line
            cells = self._read(text)
            if isinstance(cells, str):
                if row := self._without_quotes(line, text):
                    yield row
                else:
                    yield from self._skip_broken(line, text, cells)
            elif self.quoted:
                yield self._row(line, cells)
            else:
                yield self._row(line, _without_formulas(cells), _doubt_about_quotes(cells))

    def _next_lines(self) -> Iterator[str]:
        """Lines that were put back, and then the others. `line` is the number of the last one."""
        while True:
            if self.put_back:
                self.line, text = self.put_back.popleft()
            elif (text := next(self.lines, "")) == "":
                return
            else:
                self.last_read += 1
                self.line = self.last_read
            yield text

    def _first_piece(self, text: str) -> str:
        """The line up to another line end than that of the file; the others are put back."""
        first, *others = PIECE.findall(text)
        self.put_back.extendleft((self.line, piece) for piece in reversed(others))
        return str(first)

    def _row(self, line: int, cells: list[str], warning: str = "") -> Row | RowError:
        if not self._fits(cells):
            return RowError(line, "", self._wrong_width(cells))
        self.likeness.add(cells)
        return Row(line, cells, warning)

    def _fits(self, cells: list[str]) -> bool:
        """Whether the number of cells is right; empty cells beyond the header are removed."""
        if len(cells) > self.width and not any(map(str.strip, cells[self.width :])):
            del cells[self.width :]
        return len(cells) == self.width

    def _wrong_width(self, cells: list[str]) -> str:
        cell = "cell" if len(cells) == 1 else "cells"
        return f"{len(cells)} {cell}, but the header has {self.width}"

    def _without_quotes(self, line: int, text: str) -> Row | None:
        """A broken row of a file with tabs, read as feeds are written: without quoted cells."""
        cells = self._split(text)
        if self.delimiter != "\t" or not self._fits(cells):
            return None
        self.likeness.add(cells)
        return Row(line, cells, "a quotation mark is not closed; it was read as a character")

    def _read(self, text: str) -> list[str] | str:
        """The cells of the row that begins with the line `text`, or what is wrong with it. In that
        case, the lines after `text` are put back."""
        if self.quoted and '"' in text:
            return self._read_quoted(text)
        cells = self._split(text)
        if not self._fits(cells):
            cells = self._split(self._first_piece(text))
        return cells

    def _split(self, text: str) -> list[str]:
        return text.rstrip("\r\n").split(self.delimiter)

    def _read_quoted(self, text: str) -> list[str] | str:
        is_spaced = self.spaced.search(text) is not None
        if is_spaced and (cells := self._read_spaced(text)):
            return _without_formulas(cells)
        try:
            cells = self._parse([text])
            if not is_spaced or self._fits(cells):
                return _without_formulas(cells)
        except csv.Error as error:
            if "new-line" in str(error):
                first = self._first_piece(text)
                return self._read(first) if first != text else f"malformed row: {error}"
            if "end of data" not in str(error):
                return f"malformed row: {error}"
            cells = []
        found = self._read_lines(text, spaced=bool(cells))
        return _without_formulas(cells) if cells and isinstance(found, str) else found

    def _read_lines(self, text: str, spaced: bool) -> list[str] | str:
        """The cells of a row of several lines, or what is wrong with it."""
        taken = [(self.line, text)]
        try:
            cells = self._parse(self._take(taken), spaced)
            if self._fits(cells) and not self.likeness.is_several_rows([it for _, it in taken]):
                self.look_ahead = MAX_ROW
                return _without_formulas(cells)
            reason = SWALLOWED
        except csv.Error:
            reason = UNCLOSED
        self.put_back.extendleft(reversed(taken[1:]))
        self.line = taken[0][0]
        # Otherwise, a file of broken rows would be read again and again.
        self.look_ahead = max(self.look_ahead // 2, MIN_LOOK_AHEAD)
        return reason

    def _read_spaced(self, text: str) -> list[str]:
        """The cells of a line with spaces around quoted cells; none if it is not such a line."""
        cells, position = [], 0
        while found := self.spaced_cell.match(text, position):
            quoted = found["quoted"]
            cells.append(found["bare"] if quoted is None else quoted.replace('""', '"'))
            position = found.end()
            if position >= len(text) and not found[0].endswith(self.delimiter):
                return cells if self._fits(cells) else []
        return []

    def _parse(self, lines: Iterable[str], spaced: bool = False) -> list[str]:
        """The cells of the first row. If `spaced`, spaces in front of a cell are left out."""
        return next(
            csv.reader(lines, delimiter=self.delimiter, strict=True, skipinitialspace=spaced)
        )

    def _take(self, taken: list[tuple[int, str]]) -> Iterator[str]:
        """The lines of a row, which are added to `taken`."""
        yield taken[0][1]
        size = len(taken[0][1])
        for text in self._next_lines():
            if "\r" in text.rstrip("\r\n"):
                text = self._first_piece(text)
            taken.append((self.line, text))
            yield text
            size += len(text)
            if size > self.look_ahead:
                return

    def _skip_broken(self, line: int, text: str, reason: str) -> Iterator[Row | RowError]:
        """The error of a broken row, and the next row that can be read.

        Lines in between that are no rows are the rest of the broken row.
        """
        kinds = self.likeness.kinds(self._split(text))
        any_kind = not kinds or "" in kinds
        error, last = RowError(line, "", reason), line
        for text in self._next_lines():
            if not text.replace(self.delimiter, "").strip():
                continue
            line = self.line
            found = self._read(text)
            first = self._split(text) if isinstance(found, str) else found
            key = clean(first[self.key]) if self.key < len(first) else ""
            is_row = bool(key) and (any_kind or kind_of_key(key) in kinds)
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


def _doubt_about_quotes(cells: list[str]) -> str:
    """A warning if a quotation mark that is read as a character could enclose a cell."""
    doubtful = next((cell for cell in cells if QUOTED_CELL.fullmatch(cell)), None)
    return "" if doubtful is None else f"read with its quotation marks: {doubtful[:60]}"
