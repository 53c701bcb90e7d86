"""From the columns of somebody's file to the fields of a product."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog.importing.cell_parsers import (
    FieldError,
    parse_attributes,
    parse_in_stock,
    parse_price,
    parse_text,
    short,
)
from catalog.media.fetching.safe_urls import AddressError, parse_address

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

PARSERS: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(FIELDS, parse_text),
    "price": parse_price,
    "in_stock": parse_in_stock,
    "attributes": parse_attributes,
}
"""By the field's name, which they are given for their messages, with the cell."""


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
        others = {column: cells.get(column) for column in self.attributes}
        attributes = PARSERS["attributes"]("attributes", others)
        images = _names(raw["images"]) if "images" in raw else None
        addresses = _addresses(raw["image_url"]) if "image_url" in raw else None
        if attributes:
            values["attributes"] = attributes
        return ProductRow(line, values, images, addresses)


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
            raise FieldError(f"image_url {short(address)}: {error}") from error
    return chosen


def _listed(names: Any) -> str:
    return ", ".join(names)
