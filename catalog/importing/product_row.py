"""Turns the cells of a row into the values of a product."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from catalog.importing.cells.attributes import parse_attributes
from catalog.importing.cells.currencies import parse_currency
from catalog.importing.cells.dates import DateOrder
from catalog.importing.cells.pictures import is_address, parse_addresses, parse_file_names
from catalog.importing.cells.prices import parse_prices, parse_sale_dates
from catalog.importing.cells.stock import parse_in_stock
from catalog.importing.cells.texts import (
    DEFAULT_MAX_LENGTH,
    SURROGATE,
    FieldError,
    parse_sku,
    parse_value,
)
from catalog.importing.columns.mapping import Columns
from catalog.importing.columns.names import PICTURES, PRICES, SALE_DATES, TEXTS, field_by_name
from catalog.importing.columns.report import ColumnReport
from catalog.importing.feeds.rules import FeedRows, text
from catalog.importing.row_notes import LeftOut, RowError
from catalog.text import compose

PATHS = ("category", "subcategory", "product_type")
"""Fields whose values may be paths, such as "Home > Shoes > Heels"."""

FROM_ATTRIBUTES = ("brand", "gender", "colour", "usage")
"""Fields that a named attribute of a feed may be, such as an option "Color"."""

ROUNDED = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.IGNORECASE)
LINE_END = re.compile(r"(?<!\\)\\n")
NOT_UTF8 = "save the file as UTF-8, or give its encoding, such as --encoding windows-1252"


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A parsed row. `values` are checked values by column of `product`.

    `images` are names of picture files and `addresses` are URLs of pictures to fetch, the main
    picture first. Both are None if the row has no such cell; stored pictures then stay.
    `attribute_names` are all attributes that the file has, also those without a value in this row.
    `warnings` say what the row was imported without.
    """

    line: int
    values: dict[str, Any]
    images: tuple[str, ...] | None = None
    addresses: tuple[str, ...] | None = None
    attribute_names: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def sku(self) -> str:
        return str(self.values["sku"])


ReadRow = ProductRow | RowError | LeftOut
"""What becomes of a row."""


class RowParser:
    """Parses the rows of a file with these columns. `report` counts unknown words."""

    def __init__(self, columns: Columns, report: ColumnReport) -> None:
        self.report = report
        self.fields = columns.fields
        self.feed = columns.feed
        self.rules = FeedRows(columns.feed, columns.names)
        self.attributes = columns.attributes
        self.attribute_names = tuple(map(compose, columns.attributes))
        self.has_named_attributes = bool(self.rules.pairs or self.rules.attribute_list)
        self.texts = [(name, columns.fields[name]) for name in TEXTS if name in columns.fields]
        self.prices = [(name, columns.fields[name]) for name in PRICES if name in columns.fields]
        self.stock = [
            (column, name == "quantity")
            for name in ("in_stock", "quantity")
            for column in columns.fields.get(name, ())
        ]
        self.date_order = DateOrder(columns.feed.month_first)
        self.has_dates = not columns.fields.keys().isdisjoint(SALE_DATES)
        self.price_columns = [
            *(["price"] if {"price", "sale_price"} & columns.fields.keys() else []),
            *(["regular_price"] if {"sale_price", "regular_price"} & columns.fields.keys() else []),
        ]

    def parse(self, line: int, cells: Mapping[str, Any], doubt: str = "") -> ReadRow:
        """The product of a row, or why it is none.

        Args:
            cells: by column.
            doubt: a warning about how the row was divided into cells.
        """
        try:
            if reason := self.rules.why_left_out(cells):
                return LeftOut(line, self._sku(cells), reason)
            return self._parse(line, cells, [doubt] if doubt else [])
        except FieldError as error:
            reason = str(error)
            if reason_is_encoding(reason, cells):
                reason += f"; {NOT_UTF8}"
            return RowError(line, self._sku(cells), reason)

    def _sku(self, cells: Mapping[str, Any]) -> str:
        """The SKU of a row, or "" if it is invalid."""
        return parse_sku(self._first(self.fields["sku"], cells))

    def _first(self, columns: tuple[str, ...], cells: Mapping[str, Any]) -> Any:
        """The first cell that is not empty."""
        for column in columns:
            cell = cells.get(column)
            if cell is not None and cell != "" and not self._is_placeholder(cell):
                return cell
        return None

    def _is_placeholder(self, cell: Any) -> bool:
        return isinstance(cell, str) and cell in self.feed.empty

    def _parse(self, line: int, cells: Mapping[str, Any], warnings: list[str]) -> ProductRow:
        values: dict[str, Any] = {}
        for name, columns in self.texts:
            raw = self._first(columns, cells)
            if name in PATHS:
                raw = _shorten_path(name, raw, warnings)
            if name in self.feed.escaped and isinstance(raw, str):
                raw = LINE_END.sub("\n", raw)
            values[name] = parse_value(name, raw)
        for required in ("sku", "title"):
            if not values[required]:
                raise FieldError(f"{required} is missing")
        if ROUNDED.fullmatch(values["sku"]):
            warnings.append("the SKU looks like a number that a spreadsheet has rounded")
        if self.feed.age_group and ("gender" in values or self.rules.age_group):
            person = self.rules.person(cells, values.get("gender", ""))
            values["gender"] = parse_value("gender", person)
        if "category_path" in self.fields:
            self._add_path(values, cells, warnings)
        self._add_prices(values, cells, warnings)
        if self.stock:
            in_stock = self._in_stock(line, cells)
            if in_stock is not None:
                values["in_stock"] = in_stock
        names = self._add_attributes(values, cells)
        images, addresses = self._pictures(cells, warnings)
        return ProductRow(line, values, images, addresses, names, tuple(warnings))

    def _add_path(
        self, values: dict[str, Any], cells: Mapping[str, Any], warnings: list[str]
    ) -> None:
        """Fill what has no column of its own, or an empty cell, from the category path.

        Its first part is the category, the second the subcategory, and the last the product type.
        """
        found = (text(cells, column) for column in self.fields["category_path"])
        # Google's categories may be numbers.
        parts = self.rules.split_path(next((it for it in found if it and not it.isdigit()), ""))
        for name, place in zip(PATHS, (parts[:1], parts[1:2], parts[-1:]), strict=True):
            if not values.get(name):
                part = _shorten_path(name, "".join(place), warnings)
                values[name] = parse_value(name, part)

    def _add_prices(
        self, values: dict[str, Any], cells: Mapping[str, Any], warnings: list[str]
    ) -> None:
        currency = warning = ""
        if columns := self.fields.get("currency"):
            currency, warning = parse_currency(self._first(columns, cells))
            values["currency"] = currency
        if self.prices:
            prices = parse_prices(self._raw_prices(cells), currency, self.date_order)
            warnings += prices.warnings
            values |= {name: getattr(prices, name) for name in self.price_columns}
            if prices.currency != currency:
                values["currency"], warning = parse_currency(prices.currency)
        if warning:
            warnings.append(warning)

    def _raw_prices(self, cells: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._first(columns, cells) for name, columns in self.prices}

    def price_of(self, cells: Mapping[str, Any]) -> Decimal | None:
        """What a row costs; None if it has no price or an invalid one."""
        try:
            return parse_prices(self._raw_prices(cells), "", self.date_order).price
        except FieldError:
            return None

    def look_at_dates(self, cells: Mapping[str, Any]) -> None:
        """Learn from the dates of a row, before or while rows are parsed, how they are written."""
        try:
            for text in parse_sale_dates(self._raw_prices(cells)):
                self.date_order.look_at(text)
        except FieldError:
            pass  # reported when the row is parsed

    def _in_stock(self, line: int, cells: Mapping[str, Any]) -> bool | None:
        """Whether no column says that the product is out of stock; None if no word is known."""
        unlimited = self.rules.is_unlimited(cells)
        found, unknown = [], False
        for column, is_quantity in self.stock:
            cell = cells.get(column)
            if (is_quantity and unlimited) or cell is None or cell == "":
                continue
            if not self._is_placeholder(cell):
                try:
                    found.append(parse_in_stock("in_stock", cell))
                except FieldError:
                    self.report.add_unknown_stock(line, column, cell)
                    unknown = True
        return None if unknown and not found else all(found)

    def _add_attributes(self, values: dict[str, Any], cells: Mapping[str, Any]) -> tuple[str, ...]:
        """Fill the attributes, and return the names of all that the file has."""
        if not self.attributes and not self.has_named_attributes:
            return ()
        entries = {column: cells.get(column) for column in self.attributes}
        names = self.attribute_names
        if self.feed:
            for column, cell in entries.items():
                empty = self._is_placeholder(cell)
                entries[column] = "" if empty else self.rules.split_list(column, cell)
            for name, value in self.rules.named_attributes(cells):
                target = field_by_name(name)
                if target in FROM_ATTRIBUTES and not values.get(target):
                    words = "; ".join(value) if isinstance(value, list) else value
                    values[target] = parse_value(target, words)
                else:
                    entries[name] = value
                    names += (compose(name),)
        values["attributes"] = parse_attributes("attributes", entries)
        return names

    def _pictures(
        self, cells: Mapping[str, Any], warnings: list[str]
    ) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
        """The names of picture files, and the addresses of pictures. Each cell is read as what it
        is, whatever its column is called."""
        names: list[str] | None = None
        addresses: list[str] | None = None
        for field in PICTURES:
            for column in self.fields.get(field, ()):
                cell = cells.get(column)
                if cell is None or cell == "" or self._is_placeholder(cell):
                    if field == "images":
                        names = names or []
                    else:
                        addresses = addresses or []
                elif field == "image_url" or is_address(cell):
                    valid, invalid = parse_addresses(cell)
                    addresses = (addresses or []) + valid
                    warnings += invalid
                else:
                    root = self.feed.picture_root
                    listed = parse_file_names(cell, ",;|" if root else ";|")
                    names = (names or []) + [name.removeprefix(root) for name in listed]
        return _distinct(names), _distinct(addresses)


def reason_is_encoding(reason: str, cells: Mapping[str, Any]) -> bool:
    """Whether a row was rejected because the file is not UTF-8."""
    return "is not UTF-8" in reason and any(
        isinstance(cell, str) and SURROGATE.search(cell) for cell in cells.values()
    )


def _shorten_path(name: str, value: Any, warnings: list[str]) -> Any:
    """The first parts of a category path that fit; other values as they are."""
    if not isinstance(value, str) or len(value := value.strip()) <= DEFAULT_MAX_LENGTH:
        return value
    warnings.append(f"{name} has {len(value)} characters and was shortened to {DEFAULT_MAX_LENGTH}")
    start = value[: DEFAULT_MAX_LENGTH + 1]
    for separator in (" > ", ">", "/", " "):
        if separator in start:
            return start.rpartition(separator)[0].strip()
    return start[:DEFAULT_MAX_LENGTH]


def _distinct(parts: list[str] | None) -> tuple[str, ...] | None:
    return None if parts is None else tuple(dict.fromkeys(parts))
