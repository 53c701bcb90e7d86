"""What a cell says: texts within their limits, prices, stock, attributes.

The admin's form reads what is typed there with the same parsers.
"""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

TRUE = {"true", "yes", "y", "1", "t", "in stock", "instock", "available"}
FALSE = {"false", "no", "n", "0", "f", "out of stock", "outofstock", "sold out", "unavailable"}
MAX_PRICE = Decimal("9999999999.99")
MAX_LENGTH = {
    **{"sku": 200, "title": 500, "description": 100_000, "currency": 3},
    **{"images": 10_000, "image_url": 20_000},
}
DEFAULT_MAX_LENGTH = 100
"""Characters. Four facets of this length still fit a row of a B-tree index."""

CENT = Decimal("0.01")
NUMBER = re.compile(
    r"""(?P<whole> \d{1,12} | [1-9]\d{0,2} (?P<between> [.,'\u2019 \u00a0\u202f]) \d{3}
                              (?: (?P=between) \d{3} ){0,3} )
        (?: (?! (?P=between) ) [.,] (?: (?P<decimals> \d{1,4} ) | -{1,2} | [\u2013\u2014] ) )?""",
    re.ASCII | re.VERBOSE,
)
"""1299.00, 1,299.00, 1.299,00, 1'299.50, 1 299, and 1299,- for a whole number."""
AMBIGUOUS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
WITH_CURRENCY = re.compile(r"(?i:[a-z]{3}|[$€£¥])\s*\d|\d\s*(?i:[a-z]{3}|[$€£¥])", re.ASCII)


class FieldError(ValueError):
    """A cell that cannot be used; the message names the field and says what is wrong."""


def parse_text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise FieldError(f"{name} is not a text: {short(value)}")
    text = _clean(name, str(value)).strip()
    if len(text) > MAX_LENGTH.get(name, DEFAULT_MAX_LENGTH):
        limit = MAX_LENGTH.get(name, DEFAULT_MAX_LENGTH)
        raise FieldError(f"{name} has {len(text)} characters, at most {limit} are accepted")
    return text


def parse_price(name: str, value: Any) -> Decimal | None:
    """A number, rounded to cents. What may be thousands as well as decimals is not guessed at."""
    text = parse_text(name, value)
    if not text:
        return None
    price = Decimal(text) if isinstance(value, int | float) else _written_price(name, text)
    if not price.is_finite() or price < 0:
        raise FieldError(f"{name} is not a number like 19.90: {short(text)}")
    if price > MAX_PRICE:
        raise FieldError(f"{name} is too large: {short(text)}")
    return price.quantize(CENT)


def _written_price(name: str, text: str) -> Decimal:
    if AMBIGUOUS.fullmatch(text):
        whole, decimals = re.split("[.,]", text)
        either = f"{whole}{decimals}.00", Decimal(f"{whole}.{decimals}").quantize(CENT)
        raise FieldError(
            f"{name} {short(text)} may mean {either[0]} or {either[1]}: write one of these"
        )
    found = NUMBER.fullmatch(text)
    if not found:
        without = ", without its currency" if WITH_CURRENCY.search(text) else ""
        raise FieldError(f"{name} is not a number like 19.90{without}: {short(text)}")
    return Decimal(re.sub(r"\D", "", found["whole"]) + "." + (found["decimals"] or "0"))


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
    raise FieldError(f"in_stock is neither true nor false: {short(value)}")


def parse_attributes(name: str, value: Any) -> dict[str, Any]:
    """The entries of an object that say something; texts with a `;` are lists."""
    if not isinstance(value, Mapping):
        raise FieldError(f'{name} are not an object like {{"pattern": "striped"}}: {short(value)}')
    return {
        _clean(f"the name {short(key)}", key): _attribute(key, entry)
        for key, entry in value.items()
        if entry not in (None, "")
    }


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
        raise FieldError(f"{name} is not UTF-8: {short(text)}")
    return text


def short(value: Any) -> str:
    """A value as messages show it, in ASCII and 60 characters."""
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."
