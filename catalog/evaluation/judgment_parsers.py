"""Parses and checks the fields of a judgment."""

import json
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from catalog.evaluation.product_lookup import Catalogue
from catalog.importing.cells.amounts import CENT, MAX_PRICE
from catalog.importing.cells.texts import shorten
from catalog.search.filters import Filters
from embedding.errors import UserFacingError

MAX_GRADE = 100
PRICES = ("min_price", "max_price")


class FormatError(UserFacingError, ValueError):
    """A violation of the format; the message is the reason."""


def parse_line(line: bytes) -> dict[str, Any]:
    """A JSON object, with fractions as `Decimal`.

    Raises:
        FormatError: not UTF-8, not JSON, not an object, a duplicate key, NaN or Infinity.
    """
    try:
        text = line.decode()
        record = json.loads(
            text,
            parse_float=Decimal,
            parse_constant=_reject_constant,
            object_pairs_hook=_unique_keys,
        )
    except UnicodeDecodeError as error:
        raise FormatError("not UTF-8") from error
    except FormatError:
        raise
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not JSON: {error}") from error
    if not isinstance(record, dict):
        raise FormatError("not a JSON object")
    return record


def parse_text(name: str, value: Any) -> str:
    """A text that is not blank.

    Raises:
        FormatError: not a text, blank, or with characters that PostgreSQL rejects.
    """
    if not isinstance(value, str):
        raise FormatError(f"{name!r} must be a text, not {shorten(value)}")
    if not value.replace("\x00", " ").strip():
        raise FormatError(f"{name!r} is empty")
    if name != "text" and "\x00" in value:  # a query may contain anything that a shopper can send
        raise FormatError(f"{name!r} contains a NUL character")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise FormatError(f"{name!r} contains a lone surrogate: {shorten(value)}")
    return value


def parse_texts(name: str, value: Any, min_length: int = 1) -> list[str]:
    """A list of different texts.

    Raises:
        FormatError: not a list of texts, shorter than `min_length`, or with duplicates.
    """
    if not isinstance(value, list):
        raise FormatError(f"{name!r} must be a list of texts, not {shorten(value)}")
    texts = [parse_text(name, item) for item in value]
    if len(texts) < min_length:
        raise FormatError(f"{name!r} is an empty list")
    text, times = Counter(texts).most_common(1)[0] if texts else ("", 0)
    if times > 1:
        raise FormatError(f"{name!r} contains {text!r} twice")
    return texts


def parse_skus(name: str, value: Any, catalogue: Catalogue) -> list[str]:
    """A list of SKUs of the catalogue; it may be empty.

    Raises:
        FormatError: not a list of texts, or no product has such a SKU.
    """
    skus = parse_texts(name, value, min_length=0)
    _require_skus(name, skus, catalogue)
    return skus


def parse_relevant(value: Any, catalogue: Catalogue) -> dict[str, int]:
    """Grades by SKU, from a list of SKUs, an object of grades, or an object of conditions.

    Raises:
        FormatError: none of these, an unknown SKU, or no product matches the conditions.
    """
    if isinstance(value, list):
        return dict.fromkeys(parse_skus("relevant", value, catalogue), 1)
    if not isinstance(value, dict) or not value:
        raise FormatError(
            "'relevant' must be a list of SKUs, an object of grades or one of conditions,"
            f" not {shorten(value)}"
        )
    if all(isinstance(item, list) for item in value.values()):
        conditions = {name: parse_texts(name, values) for name, values in value.items()}
        try:
            matching = catalogue.matching(conditions)
        except ValueError as error:
            raise FormatError(str(error)) from error
        if not matching:
            raise FormatError("no product matches all conditions of 'relevant'")
        return dict.fromkeys(sorted(matching), 1)
    for sku, grade in value.items():
        if type(grade) is not int or not 1 <= grade <= MAX_GRADE:
            raise FormatError(
                f"the grade of {sku!r} must be a whole number from 1 to {MAX_GRADE}, not"
                f" {shorten(grade)}"
            )
    _require_skus("relevant", value, catalogue)
    return dict(value)


def parse_filters(value: Any, catalogue: Catalogue) -> Filters:
    """`Filters` from an object with prices, `in_stock`, and lists of values by facet.

    Raises:
        FormatError: not an object, an unknown field, or a value of a wrong type.
    """
    if not isinstance(value, dict):
        raise FormatError(f"'filters' must be an object, not {shorten(value)}")
    known = [*catalogue.facets, *PRICES, "in_stock"]
    if unknown := [name for name in value if name not in known]:
        raise FormatError(f"unknown filter {unknown[0]!r}; known filters: {', '.join(known)}")
    chosen: dict[str, tuple[str, ...]] = {}
    others: dict[str, Any] = {}
    for name, item in value.items():
        if name in PRICES:
            others[name] = _parse_price(name, item)
        elif name != "in_stock":
            chosen[name] = tuple(parse_texts(name, item))
        elif isinstance(item, bool):
            others[name] = item
        else:
            raise FormatError(f"{name!r} must be true or false, not {shorten(item)}")
    return Filters(chosen, **others)


def _parse_price(name: str, value: Any) -> Decimal:
    if type(value) in (int, Decimal) and 0 <= value <= MAX_PRICE:
        price = Decimal(value)
        if price == price.quantize(CENT):
            return price
    raise FormatError(f"{name!r} must be a price with at most two decimals, not {shorten(value)}")


def _require_skus(name: str, skus: Iterable[str], catalogue: Catalogue) -> None:
    if unknown := next((sku for sku in skus if sku not in catalogue.products), None):
        raise FormatError(f"{name!r}: no product with the SKU {unknown!r}")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise FormatError(f"duplicate key {key!r}")
        result[key] = value
    return result


def _reject_constant(constant: str) -> Any:
    raise FormatError(f"{constant} is not a JSON number")
