"""What an import says about a file and about single rows."""

from dataclasses import dataclass
from typing import Literal

from embedding.errors import UserFacingError

Unit = Literal["line", "row"]
"""What the number of a row counts: lines of a file, or rows of a query's result."""


class FileError(UserFacingError, ValueError):
    """The file cannot be read, or only up to some row; the rows before it were imported."""


@dataclass(frozen=True, slots=True)
class RowNote:
    """A row, by the line on which it begins and its SKU ("" if unknown), and a reason.

    The SKU is that of the product, so it may contain any character.
    """

    line: int
    sku: str
    reason: str


class RowError(RowNote):
    """A row that was skipped because of a mistake in it."""

    __slots__ = ()


class LeftOut(RowNote):
    """A row that is no product of its own by the rules of its format, such as a draft."""

    __slots__ = ()


class RowWarning(RowNote):
    """A row that was imported without something, such as a picture."""

    __slots__ = ()
