"""Parsers of single values by field name, for forms."""

from collections.abc import Callable
from typing import Any

from catalog.importing.cells.amounts import parse_price
from catalog.importing.cells.attributes import parse_attributes
from catalog.importing.cells.stock import parse_in_stock
from catalog.importing.cells.texts import parse_value
from catalog.importing.columns.names import FIELDS

PARSERS: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(FIELDS, parse_value),
    "price": parse_price,
    "regular_price": parse_price,
    "in_stock": parse_in_stock,
    "attributes": parse_attributes,
}
"""They take the field name, for their messages,
and the value."""
