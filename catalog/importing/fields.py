"""From the columns of somebody's file to the fields of a product."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from catalog.fetching.addresses import AddressError, parse_address

FIELDS = (
    *("sku", "title", "description", "brand", "category", "subcategory", "product_type"),
    *("gender", "colour", "usage", "price", "currency", "in_stock", "images"),
    "image_url",
)
ALIASES = {
    "productid": "sku",
    "id": "sku",
    "articlenumber": "sku",
    "producttitle": "title",
    "name": "title",
    "productname": "title",
    "productdisplayname": "title",
    "type": "product_type",
    "articletype": "product_type",
    "color": "colour",
    "basecolour": "colour",
    "maincategory": "category",
    "mastercategory": "category",
    "stock": "in_stock",
    "available": "in_stock",
    "image": "images",
    "imagefile": "images",
    "filename": "images",
    "picture": "images",
    "pictures": "images",
    "imageurls": "image_url",
    "imagelink": "image_url",
    "imagelinks": "image_url",
    "imageaddress": "image_url",
    "imgurl": "image_url",
    "pictureurl": "image_url",
    "pictureurls": "image_url",
    "photourl": "image_url",
    "photourls": "image_url",
} | {name.replace("_", ""): name for name in FIELDS}
"""Spellings of column names, in small letters without blanks and signs."""

NEXT_ADDRESS = re.compile(r";(?=\s*[a-z]{2,9}://)", re.ASCII | re.IGNORECASE)
PICTURES = ("images", "image_url")
"""Fields that are no columns of `product`."""

TRUE = {"true", "yes", "y", "1", "t", "in stock", "instock", "available"}
FALSE = {"false", "no", "n", "0", "f", "out of stock", "outofstock", "sold out", "unavailable"}
MAX_PRICE = Decimal("9999999999.99")
MAX_LENGTH = {
    **{"sku": 200, "title": 500, "description": 100_000, "currency": 3},
    **{"images": 10_000, "image_url": 20_000},
}
DEFAULT_MAX_LENGTH = 100
"""Characters. Four facets of this length still fit a row of a B-tree index."""


class FieldError(ValueError):
    """A cell that cannot be used; the message names the field and says what is wrong."""


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A row of the file, understood: `values` are columns of `product`, all of them checked.

    `images` are the names of the picture files, the main one first, and `addresses` those of
    pictures to be fetched; None if the file has no such column, so that they stay as they are.
    """

    line: int
    values: dict[str, Any]
    images: tuple[str, ...] | None = None
    addresses: tuple[str, ...] | None = None

    @property
    def sku(self) -> str:
        return str(self.values["sku"])


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column feeds which field. Columns that are no field's become `attributes`."""

    fields: Mapping[str, str]
    attributes: tuple[str, ...] = field(default=())

    @classmethod
    def choose(cls, header: list[str], mapping: Mapping[str, str]) -> "Columns":
        """Match a header to the fields: by `mapping` (column to field) first, then by name.

        Raises:
            FieldError: no column for `sku` or `title`, one field from two columns, or a mapping
                from or to something that does not exist.
        """
        for column, target in mapping.items():
            if column not in header:
                raise FieldError(f"--map: there is no column {column!r} in {_listed(header)}")
            if target not in FIELDS and target != "":
                raise FieldError(f"--map: there is no field {target!r} among {_listed(FIELDS)}")
        by_name = {column: ALIASES.get(_plain(column)) for column in header}
        mapped = set(mapping.values())
        targets: dict[str, str | None] = {
            column: None if field in mapped else field for column, field in by_name.items()
        }
        targets.update(mapping)
        chosen: dict[str, str] = {}
        for column, name in targets.items():
            if name and name in chosen:
                raise FieldError(
                    f"the columns {chosen[name]!r} and {column!r} are both {name}:"
                    f" choose with --map 'COLUMN={name}'"
                )
            if name:
                chosen[name] = column
        for needed in ("sku", "title"):
            if needed not in chosen:
                raise FieldError(
                    f"no column for {needed} in {_listed(header)}: name it with"
                    f" --map 'COLUMN={needed}'"
                )
        attributes = tuple(column for column, target in targets.items() if target is None)
        return cls(chosen, attributes)

    def parse(self, line: int, cells: Mapping[str, Any]) -> ProductRow:
        """Check and convert one row, given by column.

        Raises:
            FieldError: a cell cannot be used.
        """
        raw = {name: cells.get(column) for name, column in self.fields.items()}
        values = {name: PARSERS[name](name, raw[name]) for name in raw if name not in PICTURES}
        for needed in ("sku", "title"):
            if not values[needed]:
                raise FieldError(f"{needed} is missing")
        attributes = {
            column: _attribute(column, cells[column])
            for column in self.attributes
            if cells.get(column) not in (None, "")
        }
        images = _names(raw["images"]) if "images" in raw else None
        addresses = _addresses(raw["image_url"]) if "image_url" in raw else None
        if attributes:
            values["attributes"] = attributes
        return ProductRow(line, values, images, addresses)


def parse_text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise FieldError(f"{name} is not a text: {_short(value)}")
    text = _clean(name, str(value)).strip()
    if len(text) > MAX_LENGTH.get(name, DEFAULT_MAX_LENGTH):
        limit = MAX_LENGTH.get(name, DEFAULT_MAX_LENGTH)
        raise FieldError(f"{name} has {len(text)} characters, at most {limit} are accepted")
    return text


def parse_price(name: str, value: Any) -> Decimal | None:
    """A plain number with a decimal point or comma; thousands are not guessed at."""
    text = parse_text(name, value)
    if not text:
        return None
    if not re.fullmatch(r"\d{1,12}([.,]\d{1,4})?", text, re.ASCII):
        raise FieldError(f"price is not a number like 19.90: {_short(text)}")
    price = Decimal(text.replace(",", ".")).quantize(Decimal("0.01"))
    if price > MAX_PRICE:
        raise FieldError(f"price is too large: {_short(text)}")
    return price


def parse_in_stock(name: str, value: Any) -> bool:
    """True or false in words, or a number of pieces; an empty cell is taken for in stock."""
    if isinstance(value, bool):
        return value
    text = parse_text(name, value).casefold()
    if not text or text in TRUE:
        return True
    if text in FALSE:
        return False
    if re.fullmatch(r"-?\d{1,9}", text, re.ASCII):
        return int(text) > 0
    raise FieldError(f"in_stock is neither true nor false: {_short(value)}")


PARSERS: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(FIELDS, parse_text),
    "price": parse_price,
    "in_stock": parse_in_stock,
}


def _plain(column: str) -> str:
    return re.sub(r"[\W_]+", "", column.casefold())


def _names(value: Any) -> tuple[str, ...]:
    parts = value if isinstance(value, list) else re.split(r"[;|]", parse_text("images", value))
    names = (parse_text("images", part) for part in parts)
    return tuple(dict.fromkeys(name for name in names if name))


def _addresses(value: Any) -> tuple[str, ...]:
    """Web addresses, torn only where another begins: a `;` may be part of one."""
    parts = value if isinstance(value, list) else NEXT_ADDRESS.split(parse_text("image_url", value))
    addresses = (parse_text("image_url", part).strip("; \t\r\n") for part in parts)
    chosen = tuple(dict.fromkeys(address for address in addresses if address))
    for address in chosen:
        try:
            parse_address(address)
        except AddressError as error:
            raise FieldError(f"image_url {_short(address)}: {error}") from error
    return chosen


def _attribute(column: str, value: Any) -> Any:
    if isinstance(value, str):
        value = _clean(column, value).strip()
        return [part.strip() for part in value.split(";")] if ";" in value else value
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    except ValueError as error:
        raise FieldError(f"{column} holds a number that JSON has no word for") from error
    _clean(column, text.replace("\\u0000", "\x00"))
    return value


def _clean(name: str, text: str) -> str:
    if "\x00" in text:
        raise FieldError(f"{name} contains a NUL character")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise FieldError(f"{name} is not UTF-8: {_short(text)}")
    return text


def _short(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _listed(names: Any) -> str:
    return ", ".join(names)
