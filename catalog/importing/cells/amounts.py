"""Parses cells with an amount of money, as many countries write it, perhaps with a currency."""

import re
from decimal import Decimal
from typing import Any

from catalog.importing.cells.currencies import SYMBOLS, WITHOUT_CENTS
from catalog.importing.cells.texts import FieldError, parse_value, shorten

MAX_PRICE = Decimal("9999999999.99")
CENT = Decimal("0.01")
NUMBER = re.compile(
    r"""(?P<whole> \d{1,12} | [1-9]\d{0,2} (?P<between> [.,'\u2019 \u00a0\u202f]) \d{3}
                              (?: (?P=between) \d{3} ){0,3}
                            | [1-9]\d? (?P<indian> ,) \d{2} (?: ,\d{2} ){0,2} ,\d{3} )
        (?: (?! (?P=between) | (?P=indian) ) [.,]
            (?: (?P<decimals> \d{1,6} ) | -{1,2} | [\u2013\u2014] )
          | [/:] -  )?""",
    re.ASCII | re.VERBOSE,
)
"""Matches 1299.00, 1,299.00, 1.299,00, 1'299.50, 1 299, the Indian 1,50,000, and for a whole number
1299,- and 1299/- and 1299:-."""
AMBIGUOUS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
WITH_CURRENCY = re.compile(r"(?i:\b[a-z]{3}|[$€£¥])\s*\d|\d\s*(?i:[a-z]{3}\b|[$€£¥])", re.ASCII)

SIGN = "|".join([*map(re.escape, sorted(SYMBOLS, key=len, reverse=True)), "[A-Za-z]{3}"])
AMOUNT = re.compile(
    rf"(?P<before>{SIGN})?\s*(?P<amount>[^A-Za-z]*\d[^A-Za-z]*?)\s*(?P<after>{SIGN})?"
)
THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:[.,]\d{3})+", re.ASCII)


def parse_amount(name: str, value: Any, currency: str = "") -> tuple[Decimal | None, str]:
    """The price in a cell, and the sign or code of its currency, or "".

    Without a sign it is in `currency`. Without a smaller unit, `12,800` is not ambiguous.

    Raises:
        FieldError: see `parse_price`.
    """
    if not isinstance(value, str) or not value or (value.isascii() and _is_number(value)):
        return parse_price(name, _whole(value, currency)), ""
    text = parse_value(name, value)
    found = AMOUNT.fullmatch(text)
    if not found or not (found["before"] or found["after"]):
        return parse_price(name, text), ""
    before, after = found["before"] or "", found["after"] or ""
    if before and after and after.upper() not in SYMBOLS.get(before, ()):
        raise FieldError(f"{name} {shorten(text)} is in two currencies")
    sign = after or before
    code = SYMBOLS.get(sign, (sign.upper(),))[0]
    return parse_price(name, _whole(found["amount"].strip(), code)), sign


def parse_price(name: str, value: Any) -> Decimal | None:
    """The price, rounded to cents; None for an empty cell.

    Raises:
        FieldError: not a price, too large, or ambiguous: `1,299` may be 1299.00 or 1.30.
    """
    text = parse_value(name, value)
    if not text:
        return None
    price = Decimal(text) if isinstance(value, int | float) else _parse_price_text(name, text)
    if not price.is_finite() or price < 0:
        raise FieldError(f"{name} is not a number like 19.90: {shorten(text)}")
    if price > MAX_PRICE:
        raise FieldError(f"{name} is too large: {shorten(text)}")
    return price.quantize(CENT)


def _parse_price_text(name: str, text: str) -> Decimal:
    if AMBIGUOUS.fullmatch(text):
        whole, decimals = re.split("[.,]", text)
        either = f"{whole}{decimals}.00", Decimal(f"{whole}.{decimals}").quantize(CENT)
        raise FieldError(f"{name} {shorten(text)} is ambiguous: write {either[0]} or {either[1]}")
    found = NUMBER.fullmatch(text)
    if not found:
        without = ", without a currency" if WITH_CURRENCY.search(text) else ""
        raise FieldError(f"{name} is not a number like 19.90{without}: {shorten(text)}")
    return Decimal(re.sub(r"\D", "", found["whole"]) + "." + (found["decimals"] or "0"))


def _whole(amount: Any, code: str) -> Any:
    """The amount without separators if the currency has no cents."""
    if code in WITHOUT_CENTS and isinstance(amount, str) and THOUSANDS.fullmatch(amount):
        return re.sub(r"\D", "", amount)
    return amount


def _is_number(text: str) -> bool:
    return text[0].isdigit() and text[-1].isdigit()
