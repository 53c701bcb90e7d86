"""What an import has understood of a file: its format, and what each column was read as."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog.importing.columns.mapping import Columns
from catalog.importing.columns.names import LOOKS_LIKE
from catalog.importing.feeds.formats import normalise_name

SAMPLE = 200
"""The number of rows whose cells show what an unused column contains."""

ADDRESS_OF_PICTURE = re.compile(r"https?://\S+\.(?:jpe?g|png|webp|gif|avif)\b", re.IGNORECASE)
STOCK_WORDS = re.compile(
    r"(?:in|out[ _-]?of)[ _-]?stock|sold ?out|back[ -]?order|pre-?order|(?:nicht )?verfügbar"
    r"|ausverkauft|lieferbar|en stock|agotado|esaurito|disponibile",
    re.IGNORECASE,
)
AMOUNT = re.compile(
    r"(?:[A-Z]{3}|[$€£¥])\s?\d[\d.,' ]*|\d[\d.,' ]*\s?(?:[A-Z]{3}|[$€£¥])", re.ASCII
)
BY_CELLS = {"pictures": ADDRESS_OF_PICTURE, "stock": STOCK_WORDS, "price": AMOUNT}
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
    `looks_like` says what an attribute may be: stock, price or pictures.
    """

    format: str = ""
    fields: dict[str, tuple[str, ...]] = field(default_factory=dict)
    attributes: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    by_format: list[str] = field(default_factory=list)
    looks_like: dict[str, str] = field(default_factory=dict)
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
                for kind, pattern in BY_CELLS.items():
                    if pattern.fullmatch(cell.strip()):
                        self.looks_like[column] = kind

    def warnings(self) -> Iterator[str]:
        """A sentence for each kind of column that seems to be unused."""
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
