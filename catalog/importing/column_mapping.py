"""Which column of an import file is read as which product field."""

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
    parse_value,
    shorten,
)
from catalog.media.fetching.safe_urls import AddressError, parse_address

FIELDS = (
    *("sku", "title", "description", "brand", "category", "subcategory", "product_type"),
    *("gender", "colour", "usage", "price", "regular_price", "currency", "in_stock"),
    *("images", "image_url"),
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
    "compareatprice": "regular_price",
    "listprice": "regular_price",
    "msrp": "regular_price",
    "oldprice": "regular_price",
    "originalprice": "regular_price",
    "recommendedretailprice": "regular_price",
    "rrp": "regular_price",
    "uvp": "regular_price",
    "wasprice": "regular_price",
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
"""Other names of fields, in lower case without spaces and punctuation."""

NEXT_ADDRESS = re.compile(r";(?=\s*[a-z]{2,9}://)", re.ASCII | re.IGNORECASE)
PICTURES = ("images", "image_url")
"""Fields that are not columns of the table `product`."""

PARSERS: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(FIELDS, parse_value),
    "price": parse_price,
    "regular_price": parse_price,
    "in_stock": parse_in_stock,
    "attributes": parse_attributes,
}
"""Parsers by field name. They take the field name, for their messages, and the cell."""


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A parsed row. `values` are checked values by column of `product`.

    `images` are names of picture files and `addresses` are URLs of pictures to fetch, the main
    picture first. Both are None if the file has no such column; stored pictures then stay.
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
    """The mapping: `fields` is column by field; all other columns become `attributes`."""

    fields: Mapping[str, str]
    attributes: tuple[str, ...] = field(default=())

    @classmethod
    def from_header(cls, header: list[str], mapping: Mapping[str, str]) -> "Columns":
        """Match columns to fields: first by `mapping` (column to field), then by name.

        Raises:
            FieldError: no column for `sku` or `title`, two columns for one field, or an unknown
                column or field in `mapping`.
        """
        for column, target in mapping.items():
            if column not in header:
                raise FieldError(f"--map: no column {column!r}; columns are {_join(header)}")
            if target not in FIELDS and target != "":
                raise FieldError(f"--map: no field {target!r}; fields are {_join(FIELDS)}")
        by_name = {column: ALIASES.get(_normalise_name(column)) for column in header}
        mapped = set(mapping.values())
        targets: dict[str, str | None] = {
            column: None if field in mapped else field for column, field in by_name.items()
        }
        targets.update(mapping)
        chosen: dict[str, str] = {}
        for column, name in targets.items():
            if name and name in chosen:
                raise FieldError(
                    f"the columns {chosen[name]!r} and {column!r} both map to {name}:"
                    f" choose with --map 'COLUMN={name}'"
                )
            if name:
                chosen[name] = column
        for required in ("sku", "title"):
            if required not in chosen:
                raise FieldError(
                    f"no column for {required} in {_join(header)}: specify it with"
                    f" --map 'COLUMN={required}'"
                )
        attributes = tuple(column for column, target in targets.items() if target is None)
        return cls(chosen, attributes)

    def parse(self, line: int, cells: Mapping[str, Any]) -> ProductRow:
        """Check and convert one row; `cells` is keyed by column.

        Raises:
            FieldError: a cell is invalid, or `sku` or `title` is empty.
        """
        raw = {name: cells.get(column) for name, column in self.fields.items()}
        values = {name: PARSERS[name](name, raw[name]) for name in raw if name not in PICTURES}
        for required in ("sku", "title"):
            if not values[required]:
                raise FieldError(f"{required} is missing")
        settle_prices(values)
        others = {column: cells.get(column) for column in self.attributes}
        attributes = PARSERS["attributes"]("attributes", others)
        images = _parse_file_names(raw["images"]) if "images" in raw else None
        addresses = _parse_urls(raw["image_url"]) if "image_url" in raw else None
        if attributes:
            values["attributes"] = attributes
        return ProductRow(line, values, images, addresses)


def settle_prices(values: dict[str, Any]) -> None:
    """Drop a `regular_price` that is not higher than the `price`. Without a price, it is the price:
    many shops fill the price only during a sale."""
    regular = values.get("regular_price")
    if regular is None or "price" not in values:
        return
    if values["price"] is None:
        values["price"] = regular
    if regular <= values["price"]:
        values["regular_price"] = None


def _normalise_name(column: str) -> str:
    return re.sub(r"[\W_]+", "", column.casefold())


def _parse_file_names(value: Any) -> tuple[str, ...]:
    parts = value if isinstance(value, list) else re.split(r"[;|]", parse_text("images", value))
    names = (parse_text("images", part) for part in parts)
    return tuple(dict.fromkeys(name for name in names if name))


def _parse_urls(value: Any) -> tuple[str, ...]:
    """URLs, split at `;` only where another URL begins: a URL may contain a `;`."""
    parts = value if isinstance(value, list) else NEXT_ADDRESS.split(parse_text("image_url", value))
    addresses = (parse_text("image_url", part).strip("; \t\r\n") for part in parts)
    chosen = tuple(dict.fromkeys(address for address in addresses if address))
    for address in chosen:
        try:
            parse_address(address)
        except AddressError as error:
            raise FieldError(f"image_url {shorten(address)}: {error}") from error
    return chosen


def _join(names: Any) -> str:
    return ", ".join(names)
