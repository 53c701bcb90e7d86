"""What an import has understood of a file: its format, and what each column was read as."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog.importing.cells.currencies import CURRENCIES
from catalog.importing.cells.stock import is_stock_word
from catalog.importing.cells.texts import shorten
from catalog.importing.columns.mapping import Columns
from catalog.importing.columns.names import LOOKS_LIKE
from catalog.importing.feeds.formats import normalise_name
from catalog.importing.row_notes import Unit

SAMPLE = 200
"""The number of rows whose cells show what an unused column contains."""

ADDRESS_OF_PICTURE = re.compile(r"https?://\S+\.(?:jpe?g|png|webp|gif|avif)\b", re.IGNORECASE)
CURRENCY = "|".join((*sorted(CURRENCIES), "[$€£¥]"))
AMOUNT = re.compile(rf"(?:{CURRENCY})\s?\d[\d.,' ]*|\d[\d.,' ]*\s?(?:{CURRENCY})", re.ASCII)
MAX_UNKNOWN = 20
"""The maximum number of unknown words of stock that are reported."""

BY_CELLS: dict[str, Callable[[str], object]] = {
    "pictures": ADDRESS_OF_PICTURE.fullmatch,
    "stock": is_stock_word,
    "price": AMOUNT.fullmatch,
}
FIELDS_OF = {
    "stock": ("in_stock", "quantity"),
    "price": ("price", "sale_price", "regular_price"),
    "pictures": ("images", "image_url"),
}
CONSEQUENCE = {
    "stock": "all products count as in stock",
    "price": "the products have no price",
    "pictures": "the products have no pictures",
}


@dataclass(slots=True)
class ColumnReport:
    """The format of the file in words, and the columns by their use.

    `fields` are the columns of each field, and `by_format` those with another use in the format.
    `looks_like` says what an attribute may be: stock, price or pictures. `unknown_stock` are words
    in columns of stock that are not known, with the number of rows and the first row.
    """

    format: str = ""
    fields: dict[str, tuple[str, ...]] = field(default_factory=dict)
    attributes: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    by_format: list[str] = field(default_factory=list)
    looks_like: dict[str, str] = field(default_factory=dict)
    unknown_stock: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    rows: int = 0

    def add(self, columns: Columns) -> None:
        """Add the columns of a file, or of one object in JSON Lines."""
        for name, chosen in columns.fields.items():
            known = self.fields.get(name, ())
            self.fields[name] = (*known, *(it for it in chosen if it not in known))
        for column in columns.attributes:
            if column not in self.attributes:
                self.attributes.append(column)
                if kind := _kind_by_name(column):
                    self.looks_like[column] = kind
        for column in columns.ignored:
            is_used = normalise_name(column) in columns.feed.by_column
            listed = self.by_format if is_used else self.ignored
            if column not in listed:
                listed.append(column)

    def look_at(self, cells: Mapping[str, Any]) -> None:
        """Look at the cells of one of the first rows."""
        self.rows += 1
        for column in self.attributes:
            cell = cells.get(column)
            if column not in self.looks_like and isinstance(cell, str):
                for kind, is_kind in BY_CELLS.items():
                    if is_kind(cell.strip()):
                        self.looks_like[column] = kind

    def add_unknown_stock(self, line: int, column: str, cell: Any) -> None:
        """Count a row with an unknown word in a column of stock."""
        key = (column, shorten(cell))
        if key in self.unknown_stock or len(self.unknown_stock) < MAX_UNKNOWN:
            rows, first = self.unknown_stock.get(key, (0, line))
            self.unknown_stock[key] = (rows + 1, first)

    def warnings(self, unit: Unit = "line") -> Iterator[str]:
        """A sentence for each kind of column that seems to be unused, and for each unknown word of
        stock."""
        for (column, word), (rows, first) in self.unknown_stock.items():
            yield (
                f"{column} {word} is no known word of stock ({rows:,} row{'s' * (rows > 1)}, the"
                f" first on {unit} {first}): known products keep their stock, new ones are in"
                " stock. Write yes or no"
            )
        for kind, fields in FIELDS_OF.items():
            columns = [column for column, it in self.looks_like.items() if it == kind]
            if not columns:
                continue
            named = ", ".join(f'"{column}"' for column in columns)
            is_missing = not any(name in self.fields for name in fields)
            outcome = f"; {CONSEQUENCE[kind]}" if is_missing else ""
            yield (
                f"{named} may be {kind}, and was read as an attribute{outcome}:"
                f" --map '{columns[0]}={fields[0] if kind != 'pictures' else fields[1]}' uses it,"
                f" --map '{columns[0]}=' ignores it"
            )


def _kind_by_name(column: str) -> str:
    name = re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column)).lower()
    return next((kind for kind, pattern in LOOKS_LIKE.items() if pattern.search(name)), "")
