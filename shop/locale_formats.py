"""Numbers, prices and lists in the form of the page's language, by Unicode's data (CLDR)."""

from collections.abc import Sequence
from decimal import Decimal
from functools import cache, lru_cache
from typing import Literal

from babel import Locale
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent
from django.conf import settings
from django.utils.translation import get_language, gettext, to_locale

NO_BREAK_SPACE = "\u00a0"


def formatted(value: int | Decimal, decimals: int | None = None) -> str:
    """A number: `1,249.90`, `1.249,90`; with this number of decimals, if it is given."""
    if isinstance(value, int) and 0 <= value < 1000 and not decimals:
        return str(value)  # most numbers of a page; Babel takes several microseconds for each
    if not value:
        value = 0  # the cache does not tell it from -0
    form = None if decimals is None else f"#,##0.{'0' * decimals}".rstrip(".")
    return _decimal(value, form, locale())


@lru_cache(maxsize=10_000)  # Babel takes several microseconds for each number
def _decimal(value: int | Decimal, form: str | None, locale: Locale) -> str:
    return format_decimal(value, form, locale)


def percentage(percent: int) -> str:
    """A number of percent with its sign: `87%`, `87 %`."""
    return _percentage(percent, locale())


def percentages() -> tuple[str, ...]:
    """`percentage` of 0 to 100 in the active language, for a page with many of them."""
    return _percentages(locale())


@cache
def _percentages(locale: Locale) -> tuple[str, ...]:
    return tuple(_percentage(percent, locale) for percent in range(101))


@lru_cache(maxsize=1024)
def _percentage(percent: int, locale: Locale) -> str:
    return format_percent(percent / 100, locale=locale)


def listed(names: Sequence[str], style: Literal["standard", "or"] = "standard") -> str:
    """The different names as a list: "a", "a and b", "a, b or c"."""
    return format_list(list(dict.fromkeys(names)), style, locale())


def quoted(words: str) -> str:
    """Words in quotation marks."""
    return gettext("“%(words)s”") % {"words": words}


def with_currency(number: str, code: str, symbol: str) -> str:
    """A formatted number with a currency: `€50`, `50 €`. One without a symbol is given by its code,
    after the number."""
    if symbol and _symbol_is_first(locale()):
        return symbol + number
    return NO_BREAK_SPACE.join(filter(None, [number, symbol or code]))


def locale() -> Locale:
    """The locale of the active language; that of the shop if none is active."""
    return _locale(get_language() or settings.LANGUAGE_CODE)


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(to_locale(language))


@cache
def _symbol_is_first(locale: Locale) -> bool:
    return str(locale.currency_formats["standard"].pattern).startswith("¤")
