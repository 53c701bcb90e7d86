"""Whether a line of a table looks like a row of its own.

Two stray quotation marks turn all rows between them into one cell of several lines. Such a cell
differs from a real one: its lines have the cells of a row, like the rows before.
"""

import re
from collections import deque
from collections.abc import Sequence

EXAMPLES = 50
"""Rows that are compared, the last ones."""

MAX_LINE = 100_000
"""Characters of a line beyond which it is not looked at."""

MIN_WIDTH = 4
"""The number of cells from which prose hardly ever has as many in each of its lines."""

MIN_TEXTS = 5
"""The number of cells without a number from which a column has texts."""

NUMBER = re.compile(r"\W{0,3}\d[\d.,\s]*\W{0,3}(?:[A-Za-z]{3})?")


class RowLikeness:
    """Compares lines with the last rows that were read.

    Args:
        width: the number of cells of the header.
        key: the position of the SKU.
    """

    def __init__(self, width: int, delimiter: str, key: int) -> None:
        self.width, self.key = width, key
        self.examples: deque[Sequence[str]] = deque(maxlen=EXAMPLES)
        mark = re.escape(delimiter)
        self.cell = re.compile(
            rf'(?:^|(?<={mark}))(?:"(?:[^"]|"")*"(?={mark}|[\r\n]*$)|[^{mark}\r\n]*)'
        )

    def add(self, cells: Sequence[str]) -> None:
        """Add a row."""
        self.examples.append(cells)

    def kinds(self, cells: Sequence[str]) -> set[str]:
        """The kinds of the SKU in these cells and in the last row."""
        keys = [clean(cells[self.key]) if self.key < len(cells) else ""]
        if self.examples:
            keys.append(clean(self.examples[-1][self.key]))
        return {kind_of_key(key) for key in keys if key}

    def is_several_rows(self, lines: Sequence[str]) -> bool:
        """Whether the first line of a row, and a line after it, are rows on their own."""
        first = self._divide(lines[0])
        if first is None:
            return False
        filled = [text for text in lines[1:] if text.strip()]
        others = [cells for text in filled if (cells := self._divide(text)) is not None]
        if not others:
            return False
        examples = list(self.examples) or [first]
        always = self.width >= MIN_WIDTH and len(others) == len(filled) > 1
        return self._is_like(first, examples, True) and any(
            self._is_like(cells, [first, *examples], always) for cells in others
        )

    def _divide(self, text: str) -> list[str] | None:
        """The cells of a line in which a quotation mark without a partner is a character; None if
        they are not as many as those of the header."""
        if len(text) > MAX_LINE:
            return None
        cells = self.cell.findall(text.rstrip("\r\n"))
        while len(cells) > self.width and not clean(cells[-1]):
            cells.pop()
        return cells if len(cells) == self.width else None

    def _is_like(
        self, cells: Sequence[str], examples: Sequence[Sequence[str]], enough: bool
    ) -> bool:
        """Whether cells are like those of the examples: an SKU of the same kind, numbers where
        there are always numbers, and no empty cell where there is never one.

        That is `enough`, or else a number or an SKU of the same shape is needed as well.
        """
        keys = [clean(row[self.key]) for row in examples]
        kind = kind_of_key(clean(cells[self.key]))
        if not kind or kind not in map(kind_of_key, keys):
            return False
        if _is_spaced(cells) and not any(map(_is_spaced, examples)):
            return False
        has_number = False
        for place in set(range(self.width)) - {self.key}:
            known = [clean(row[place]) for row in examples]
            agrees = _agrees(clean(cells[place]), known)
            if agrees is None:
                return False
            has_number = has_number or agrees
        shape = _shape(clean(cells[self.key]))
        return enough or has_number or ("9" in shape and shape in map(_shape, keys))


def _agrees(cell: str, known: Sequence[str]) -> bool | None:
    """Whether a cell and those of other rows are all numbers; None if it is none of their kind."""
    if not cell:
        return None if all(known) else False
    is_number = NUMBER.fullmatch(cell) is not None
    filled = [it for it in known if it]
    numbers = sum(NUMBER.fullmatch(it) is not None for it in filled)
    if filled and numbers == len(filled):
        return True if is_number else None
    return None if is_number and not numbers and len(filled) >= MIN_TEXTS else False


def _is_spaced(cells: Sequence[str]) -> bool:
    """Whether a space follows a delimiter, as in prose."""
    return any(cell.startswith(" ") for cell in cells[1:])


def clean(cell: str) -> str:
    """A cell without its quotation marks and surrounding spaces."""
    return cell.strip(' "\r\n')


def kind_of_key(key: str) -> str:
    """Whether an SKU has digits and letters; "" for what is no SKU, such as a sentence."""
    if not key or len(key) > 60 or re.search(r"[\s<>]", key):
        return ""
    return f"{any(map(str.isdigit, key))}{any(map(str.isalpha, key))}"


def _shape(key: str) -> str:
    """An SKU with each run of letters as A and each digit as 9; long numbers as one."""
    shape = re.sub(r"\d", "9", re.sub(r"[^\W\d_]+", "A", key))
    return shape if shape.isdigit() else re.sub("9+", "9", shape)
