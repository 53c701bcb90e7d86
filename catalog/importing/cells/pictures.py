"""Parses cells with the names of picture files or with web addresses of pictures."""

import json
import re
from collections.abc import Iterable
from typing import Any

from catalog.importing.cells.texts import parse_text, shorten
from catalog.media.fetching.safe_urls import AddressError, parse_address

NEXT_ADDRESS = re.compile(r"(?:\s*[;,|]\s*|\s+)(?=[a-z]{2,9}://)", re.ASCII | re.IGNORECASE)
"""What separates addresses. An address may contain commas and semicolons, so only a separator in
front of another address is one."""

ADDRESS = re.compile(r"\s*\[?\s*\"?(?:https?:)?//", re.ASCII | re.IGNORECASE)


def is_address(value: Any) -> bool:
    """Whether a cell has web addresses, not names of files."""
    if isinstance(value, list):
        value = next(iter(value), None)
    return isinstance(value, str) and ADDRESS.match(value) is not None


def parse_file_names(value: Any, separators: str = ";|") -> list[str]:
    """The names of picture files in a cell, each once.

    Raises:
        FieldError: see `parse_text`.
    """
    parts = value
    if not isinstance(value, list):
        parts = re.split(f"[{separators}]", parse_text("images", value))
    return _distinct(parse_text("images", part) for part in parts)


def parse_addresses(value: Any) -> tuple[list[str], list[str]]:
    """The addresses of pictures in a cell, each once, and a reason for each one that is invalid.

    Addresses are separated by white space, `,`, `;` or `|`, or are a list in JSON. `&amp;` is what
    a program for HTML has made of `&`.

    Raises:
        FieldError: see `parse_text`.
    """
    parts = value if isinstance(value, list) else _split(parse_text("image_url", value))
    texts = (parse_text("image_url", part).strip(",;| \t\r\n") for part in parts)
    addresses, reasons = [], []
    for text in _distinct(texts):
        address = f"https:{text}" if text.startswith("//") else text.replace("&amp;", "&")
        try:
            parse_address(address)
        except AddressError as error:
            reasons.append(f"image_url {shorten(text)}: {error}")
        else:
            addresses.append(address)
    return addresses, reasons


def _split(text: str) -> list[Any]:
    if text.startswith("["):
        try:
            parts = json.loads(text)
        except (ValueError, RecursionError):
            parts = None
        if isinstance(parts, list):
            return parts
    return NEXT_ADDRESS.split(text)


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text))
