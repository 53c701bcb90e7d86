"""Which of several prices in a row counts: regular, sale, within its dates."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from catalog.importing.cells.amounts import parse_amount
from catalog.importing.cells.currencies import SYMBOLS
from catalog.importing.cells.dates import DateOrder, parse_dates
from catalog.importing.cells.texts import FieldError, parse_text, shorten

BETWEEN = re.compile(r"\s+(?:/|-|\u2013|to)\s+|\s*,\s*(?=\d{4}-)")
"""What separates the two dates of a sale, besides a slash without spaces."""


class Prices(NamedTuple):
    """What a shopper pays, and the regular price if it is higher or there is no column of prices.

    `currency` is "" if no cell says it.
    """

    price: Decimal | None
    regular_price: Decimal | None
    currency: str
    warnings: tuple[str, ...] = ()


def parse_prices(cells: dict[str, Any], currency: str, order: DateOrder) -> Prices:
    """The prices of a row.

    Args:
        cells: by the fields price, sale_price, regular_price, sale_start, sale_end, sale_dates.
        currency: that of the currency column, or "".
        order: of the dates in the file.

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
        elif not _is_on_sale(cells, order, warnings):
            sale = None
    pays = sale or (regular if price is None else price)
    before = max((it for it in (price, regular) if it is not None), default=None)
    reduced = before is not None and pays is not None and before > pays
    if not {"price", "sale_price"} & cells.keys():
        reduced = True  # the price is that of an earlier import
    return Prices(pays, before if reduced else None, currency, tuple(warnings))


def _combine(name: str, value: Any, sign: str, currency: str) -> str:
    """The currency of a row in which an amount has the sign or code `sign`."""
    codes = SYMBOLS.get(sign, (sign.upper(),))
    if not currency or currency == sign:
        return codes[0]
    if currency not in codes:
        raise FieldError(f"{name} {shorten(value)} is not in the row's currency {currency}")
    return currency


def parse_sale_dates(cells: dict[str, Any]) -> tuple[str, str]:
    """The texts of the start and the end of a sale, "" if there is none.

    Raises:
        FieldError: see `parse_text`.
    """
    both = parse_text("sale_dates", cells.get("sale_dates"))
    parts = BETWEEN.split(both)
    if len(parts) == 1:
        slashes = both.split("/")
        middle = len(slashes) // 2
        parts = ["/".join(slashes[:middle]), "/".join(slashes[middle:])]
    if len(parts) != 2 or not parts[0]:
        parts = [both, ""]
    start, end = (part.strip() for part in parts)
    return (
        start or parse_text("sale_start", cells.get("sale_start")),
        end or parse_text("sale_end", cells.get("sale_end")),
    )


def _is_on_sale(cells: dict[str, Any], order: DateOrder, warnings: list[str]) -> bool:
    """Whether the sale price counts now. Dates that cannot be read do not count."""
    start, end = parse_sale_dates(cells)
    now = datetime.now(UTC)
    try:
        started = [it <= now for it in parse_dates(start, order)] if start else [True]
        ended = [it < now for it in parse_dates(end, order, is_end=True)] if end else [False]
    except (ValueError, OverflowError):
        warnings.append(
            f"the dates of the sale are not like 2025-12-31: {shorten(f'{start}/{end}')};"
            " the sale price counts"
        )
        return True
    answers = {begun and not over for begun in started for over in ended}
    if len(answers) > 1:
        warnings.append(
            f"the dates of the sale may begin with the day or with the month:"
            f" {shorten(f'{start} to {end}')}; the sale price counts. Write them like 2025-12-31"
        )
    return True in answers
