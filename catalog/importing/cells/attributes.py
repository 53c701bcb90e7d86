"""Parses the attributes of a product."""

import json
from collections.abc import Mapping
from typing import Any

from catalog.importing.cells.texts import FieldError, check_characters, shorten
from catalog.text import compose, is_placeholder


def parse_attributes(name: str, value: Any) -> dict[str, Any]:
    """The entries of an object that are neither empty nor placeholders such as "N/A". A text with
    `;` becomes a list.

    Raises:
        FieldError: not an object, or an entry that cannot be stored as JSON.
    """
    if not isinstance(value, Mapping):
        raise FieldError(f'{name} is not an object like {{"pattern": "striped"}}: {shorten(value)}')
    return {
        compose(check_characters(f"the name {shorten(key)}", key)): _parse_attribute(key, entry)
        for key, entry in value.items()
        if entry is not None
        and not (isinstance(entry, str) and (not entry or is_placeholder(entry.strip())))
    }


def _parse_attribute(column: str, value: Any) -> Any:
    if isinstance(value, str):
        value = compose(check_characters(column, value)).strip()
        return [part.strip() for part in value.split(";")] if ";" in value else value
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    except ValueError as error:
        raise FieldError(f"{column} contains NaN or an infinite number") from error
    check_characters(column, text.replace("\\u0000", "\x00"))
    return value
