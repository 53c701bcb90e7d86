"""Parses cells with a text: white space, length limits, HTML, placeholders."""

import re
from typing import Any

from catalog.text import compose, html_to_text, is_placeholder
from embedding.errors import UserFacingError

MAX_LENGTH = {
    **{"sku": 200, "title": 500, "description": 100_000, "currency": 3},
    **{"images": 10_000, "image_url": 20_000},
}
DEFAULT_MAX_LENGTH = 100
"""Characters. Four facet values of this length still fit into one B-tree index entry."""

EDGES = re.compile(r"^[\s\u200b\u2060\ufeff]+|[\s\u200b\u2060\ufeff]+$")
"""White space and characters without a width, which texts from web pages and joined files have."""
SURROGATE = re.compile("[\ud800-\udfff]")


class FieldError(UserFacingError, ValueError):
    """An invalid cell; the message names the field and says what is wrong."""


HTML = ("title", "description")
"""Fields whose HTML is turned into text."""
NAMES = ("sku", "title")
"""Fields in which "None" is a name, not a missing value."""


def parse_text(name: str, value: Any) -> str:
    """The text in Unicode's normal form C, without surrounding white space; "" for None. Numbers
    become their decimal form.

    Raises:
        FieldError: not a text or number, too long, or with characters that PostgreSQL rejects.
    """
    if value is None:
        return ""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise FieldError(f"{name} is not a text: {shorten(value)}")
    text = EDGES.sub("", compose(check_characters(name, str(value))))
    if len(text) > MAX_LENGTH.get(name, DEFAULT_MAX_LENGTH):
        limit = MAX_LENGTH.get(name, DEFAULT_MAX_LENGTH)
        raise FieldError(f"{name} has {len(text)} characters; the limit is {limit}")
    return text


def parse_value(name: str, value: Any) -> str:
    """The text of a product's field: that of `parse_text`, "" for placeholders such as "N/A" except
    in a SKU or title, and without HTML in a title or description.

    Raises:
        FieldError: see `parse_text`.
    """
    text = parse_text(name, value)
    if name in HTML:
        text = compose(html_to_text(text))
    return "" if name not in NAMES and is_placeholder(text) else text


def parse_sku(value: Any) -> str:
    """The SKU of a row that may be invalid, or ""."""
    try:
        return parse_value("sku", value)
    except FieldError:
        return ""


def check_characters(name: str, text: str) -> str:
    """The text itself.

    Raises:
        FieldError: it has characters that PostgreSQL rejects.
    """
    if "\x00" in text:
        raise FieldError(f"{name} contains a NUL character")
    if not text.isascii() and SURROGATE.search(text):
        raise FieldError(f"{name} is not UTF-8: {shorten(text)}")
    return text


def shorten(value: Any) -> str:
    """`value` for an error message: its `repr`, at most 60 characters. Control characters and
    surrogates are escaped."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
