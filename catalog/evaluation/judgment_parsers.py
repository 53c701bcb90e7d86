"""The parts of a judgment, from JSON to values that are known to be right."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import fields
from decimal import Decimal
from typing import Any

from catalog.evaluation.product_lookup import Catalogue
from catalog.search.filters import FACETS, Filters

MAX_GRADE = 100
MAX_PRICE = Decimal("9999999999.99")
PRICES = ("min_price", "max_price")


class FormatError(ValueError):
    """Something that is not as the format has it; the message is the reason."""


def parse_line(line: bytes) -> dict[str, Any]:
    """A JSON object; its fractions as `Decimal`.

    Raises:
        FormatError: not UTF-8, not JSON, not an object, a key twice, NaN or Infinity.
    """
    try:
        text = line.decode()
        record = json.loads(
            text, parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_unique
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
    """A text with something in it.

    Raises:
        FormatError: it is none, blank, or holds what no text of a database can hold.
    """
    if not isinstance(value, str):
        raise FormatError(f"{name!r} must be a text, not {_short(value)}")
    if not value.replace("\x00", " ").strip():
        raise FormatError(f"{name!r} is empty")
    if name != "text" and "\x00" in value:  # a query may hold anything that a shopper can send
        raise FormatError(f"{name!r} contains a NUL character")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise FormatError(f"{name!r} contains half a character: {_short(value)}")
    return value


def parse_texts(name: str, value: Any, least: int = 1) -> list[str]:
    """A list of different texts.

    Raises:
        FormatError: it is none, shorter than `least`, or names something twice.
    """
    if not isinstance(value, list):
        raise FormatError(f"{name!r} must be a list of texts, not {_short(value)}")
    texts = [parse_text(name, item) for item in value]
    if len(texts) < least:
        raise FormatError(f"{name!r} is an empty list")
    text, times = Counter(texts).most_common(1)[0] if texts else ("", 0)
    if times > 1:
        raise FormatError(f"{name!r} names {text!r} twice")
    return texts


def parse_skus(name: str, value: Any, catalogue: Catalogue) -> list[str]:
    """A list of SKUs, all of them in the catalogue.

    Raises:
        FormatError: it is none, or there is no such product.
    """
    skus = parse_texts(name, value, least=0)
    _require(name, skus, catalogue)
    return skus


def parse_relevant(value: Any, catalogue: Catalogue) -> dict[str, int]:
    """Grades by SKU: from a list of SKUs, grades, or conditions, told apart by type.

    Raises:
        FormatError: it is none of them, there is no such product, or none meets the conditions.
    """
    if isinstance(value, list):
        return dict.fromkeys(parse_skus("relevant", value, catalogue), 1)
    if not isinstance(value, dict) or not value:
        raise FormatError(
            "'relevant' must be a list of SKUs, an object of grades or one of conditions,"
            f" not {_short(value)}"
        )
    if all(isinstance(item, list) for item in value.values()):
        conditions = {name: parse_texts(name, wanted) for name, wanted in value.items()}
        try:
            met = catalogue.meeting(conditions)
        except ValueError as error:
            raise FormatError(str(error)) from error
        if not met:
            raise FormatError("no product meets all conditions of 'relevant'")
        return dict.fromkeys(sorted(met), 1)
    for sku, grade in value.items():
        if type(grade) is not int or not 1 <= grade <= MAX_GRADE:
            raise FormatError(
                f"the grade of {sku!r} must be a whole number from 1 to {MAX_GRADE}, not"
                f" {_short(grade)}"
            )
    _require("relevant", value, catalogue)
    return dict(value)


def parse_filters(value: Any) -> Filters:
    """The fields of `Filters`.

    Raises:
        FormatError: it is no object, or has a field that is unknown or of another type.
    """
    if not isinstance(value, dict):
        raise FormatError(f"'filters' must be an object, not {_short(value)}")
    known = [each.name for each in fields(Filters)]
    if unknown := [name for name in value if name not in known]:
        raise FormatError(f"unknown filter {unknown[0]!r}; known are {', '.join(known)}")
    values: dict[str, Any] = {}
    for name, item in value.items():
        if name in FACETS:
            values[name] = tuple(parse_texts(name, item))
        elif name in PRICES:
            values[name] = _price(name, item)
        elif isinstance(item, bool):
            values[name] = item
        else:
            raise FormatError(f"{name!r} must be true or false, not {_short(item)}")
    return Filters(**values)


def _price(name: str, value: Any) -> Decimal:
    if type(value) in (int, Decimal) and 0 <= value <= MAX_PRICE:
        price = Decimal(value)
        if price == price.quantize(Decimal("0.01")):
            return price
    raise FormatError(f"{name!r} must be a price with at most two decimals, not {_short(value)}")


def _require(name: str, skus: Iterable[str], catalogue: Catalogue) -> None:
    if unknown := next((sku for sku in skus if sku not in catalogue.products), None):
        raise FormatError(f"{name!r}: there is no product with the SKU {unknown!r}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise FormatError(f"the key {key!r} is there twice")
        made[key] = value
    return made


def _refuse(constant: str) -> Any:
    raise FormatError(f"{constant} is not a number that JSON knows")


def _short(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."
