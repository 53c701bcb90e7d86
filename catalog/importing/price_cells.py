"""Prices as feeds write them: with a currency, and with a regular and a sale price."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from catalog.importing.cell_parsers import FieldError, parse_price, parse_text, parse_value, shorten

CODES = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD
CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP
GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW
KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD
NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD
SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES
VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG
"""
CURRENCIES = frozenset(CODES.split())
"""The codes of ISO 4217."""

SYMBOLS = {
    "€": ("EUR",),
    "£": ("GBP", "EGP", "GIP", "FKP", "SHP", "SYP", "LBP"),
    "$": (
        *("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "ARS", "CLP", "COP", "TWD", "BBD"),
        *("BMD", "BND", "BSD", "BZD", "FJD", "GYD", "JMD", "KYD", "LRD", "NAD", "SBD", "SRD"),
        *("TTD", "UYU", "XCD"),
    ),
    **{"US$": ("USD",), "CA$": ("CAD",), "C$": ("CAD",), "A$": ("AUD",), "AU$": ("AUD",)},
    **{"NZ$": ("NZD",), "HK$": ("HKD",), "S$": ("SGD",), "NT$": ("TWD",), "MX$": ("MXN",)},
    "¥": ("JPY", "CNY"),
    "₹": ("INR",),
    **dict.fromkeys(("Rs", "Rs."), ("INR", "PKR", "LKR", "NPR", "MUR")),
    "RM": ("MYR",),
    "zł": ("PLN",),
    "Kč": ("CZK",),
    "kr": ("SEK", "NOK", "DKK", "ISK"),
    "kr.": ("DKK", "NOK", "SEK", "ISK"),
    "Ft": ("HUF",),
    "R$": ("BRL",),
    **dict.fromkeys(("₺", "TL"), ("TRY",)),
    **dict.fromkeys(("Fr", "Fr.", "SFr."), ("CHF",)),
    "円": ("JPY",),
    "₽": ("RUB",),
    "₴": ("UAH",),
    "₩": ("KRW",),
    "₫": ("VND",),
    "₪": ("ILS",),
    "฿": ("THB",),
}
"""The currencies that a sign may stand for. Without other evidence, it is the first."""

NO_CENTS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
WITHOUT_CENTS = frozenset(NO_CENTS.split())
"""Currencies that have no smaller unit (ISO 4217)."""

NAMES = {"euro": "EUR", "euros": "EUR", "us dollar": "USD", "us dollars": "USD"}

SIGN = "|".join([*map(re.escape, sorted(SYMBOLS, key=len, reverse=True)), "[A-Za-z]{3}"])
AMOUNT = re.compile(
    rf"(?P<before>{SIGN})?\s*(?P<amount>[^A-Za-z]*\d[^A-Za-z]*?)\s*(?P<after>{SIGN})?"
)


THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:[.,]\d{3})+", re.ASCII)


class Prices(NamedTuple):
    """What a shopper pays, and the regular price if it is higher or there is no column of prices.

    `currency` is "" if no cell says it.
    """

    price: Decimal | None
    regular_price: Decimal | None
    currency: str
    warnings: tuple[str, ...] = ()


def parse_prices(cells: dict[str, Any], currency: str) -> Prices:
    """The prices of a row.

    Args:
        cells: by the fields price, sale_price, regular_price, sale_start, sale_end, sale_dates.
        currency: that of the currency column, or "".

    Raises:
        FieldError: an amount is invalid, or in another currency than the rest of the row.
    """
    amounts: dict[str, Decimal | None] = {}
    for name in ("price", "sale_price", "regular_price"):
        amounts[name], sign = parse_amount(name, cells.get(name), currency)
        if sign:
            currency = _combine(name, cells[name], sign, currency)
    price, sale, regular = amounts.values()
    warnings = []
    if sale and not (price is None and regular is None):
        full = price if price is not None else regular
        if sale > (full or 0):
            warnings.append(f"sale_price {sale} is higher than the price: the price counts")
            sale = None
        elif not _is_on_sale(cells, warnings):
            sale = None
    pays = sale or (regular if price is None else price)
    before = max((it for it in (price, regular) if it is not None), default=None)
    reduced = before is not None and pays is not None and before > pays
    if not {"price", "sale_price"} & cells.keys():
        reduced = True  # the price is that of an earlier import
    return Prices(pays, before if reduced else None, currency, tuple(warnings))


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


def _whole(amount: Any, code: str) -> Any:
    """The amount without separators if the currency has no cents."""
    if code in WITHOUT_CENTS and isinstance(amount, str) and THOUSANDS.fullmatch(amount):
        return re.sub(r"\D", "", amount)
    return amount


def _is_number(text: str) -> bool:
    return text[0].isdigit() and text[-1].isdigit()


def parse_currency(value: Any) -> tuple[str, str]:
    """The code of a currency, and a warning if it is unknown; both may be "". Signs that stand for
    one currency become its code.

    Raises:
        FieldError: see `parse_text`.
    """
    if isinstance(value, str):
        value = NAMES.get(value.strip().lower(), value)
    text = parse_value("currency", value)
    if len(code := SYMBOLS.get(text, ())) == 1:
        return code[0], ""
    upper = text.upper()
    if not text or text in SYMBOLS or upper in CURRENCIES:
        return text if text in SYMBOLS else upper, ""
    return text, f"currency {shorten(text)} is no code of ISO 4217, such as EUR"


def _combine(name: str, value: Any, sign: str, currency: str) -> str:
    """The currency of a row in which an amount has the sign or code `sign`."""
    codes = SYMBOLS.get(sign, (sign.upper(),))
    if not currency or currency == sign:
        return codes[0]
    if currency not in codes:
        raise FieldError(f"{name} {shorten(value)} is not in the row's currency {currency}")
    return currency


def _is_on_sale(cells: dict[str, Any], warnings: list[str]) -> bool:
    """Whether the sale price counts now. Dates that cannot be read do not count."""
    start, _, end = parse_text("sale_dates", cells.get("sale_dates")).partition("/")
    start = start or parse_text("sale_start", cells.get("sale_start"))
    end = end or parse_text("sale_end", cells.get("sale_end"))
    now = datetime.now(UTC)
    try:
        return (not start or _parse_date(start) <= now) and (
            not end or now <= _parse_date(end, is_end=True)
        )
    except ValueError:
        warnings.append(
            f"the dates of the sale are not like 2025-12-31: {shorten(f'{start}/{end}')};"
            " the sale price counts"
        )
        return True


def _parse_date(text: str, *, is_end: bool = False) -> datetime:
    """A moment, in UTC if the text names no zone; an end without a time is the end of its day."""
    moment = datetime.fromisoformat(text)
    if is_end and len(text) <= len("2025-12-31"):
        moment = moment.replace(hour=23, minute=59, second=59)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
