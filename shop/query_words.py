"""Names for the parts of a query, for chips and sentences: "for boys", "under ₹1,500"."""

import re
from functools import cache

from django.utils.translation import gettext, gettext_lazy, ngettext

from catalog.importing.cells.currencies import SYMBOLS
from catalog.search.cues import currency_words
from catalog.search.understanding import Part
from shop.query_edits import own_words
from shop.templatetags.storefront import amount

LITERAL = ("word", "number", "quoted", "code")
"""The kinds of parts that are searched as words."""

PRICES = ("price", "cheap", "expensive")

ORDERS = {
    "price": gettext_lazy("lowest price first"),
    "-price": gettext_lazy("highest price first"),
    "newest": gettext_lazy("newest first"),
}
"""What a chip says of a part that sorts, by its value."""


def label(part: Part, currency: str) -> str:
    """What a chip says: "red", "for boys", "not blue", "without laces", "under ₹1,500"."""
    if part.kind in PRICES:
        other = other_currency(part, currency)
        limits = price(part, currency)
        if not part.wanted and (part.low, part.high) != (None, None):
            limits = gettext("not %(value)s") % {"value": limits}
        if not other:
            return limits
        return gettext("%(price)s (“%(currency)s” ignored)") % {"price": limits, "currency": other}
    if part.kind == "sort":
        return str(ORDERS[part.value])
    if part.kind in LITERAL:
        name = named(part)
        return name if part.wanted else gettext("without %(words)s") % {"words": name}
    name = for_whom(named(part)) if part.kind == "person" else named(part)
    if part.kind == "size":
        name = gettext("size %(size)s") % {"size": name}
    return name if part.wanted else gettext("not %(value)s") % {"value": name}


def for_whom(name: str) -> str:
    """A person after "for"; words in another language, in quotes, have their own preposition."""
    return name if name.startswith("“") else gettext("for %(whom)s") % {"whom": name}


def named(part: Part) -> str:
    """What the part names: the catalogue's value if it is the same, otherwise the typed words, in
    quotes if they are in another language."""
    if part.kind == "size":
        return part.value
    if part.why == "age" and part.low is not None:
        months = round(12 * part.low)
        if months % 12:
            return ngettext("%(age)s-month-olds", "%(age)s-month-olds", months) % {"age": months}
        age = months // 12
        return ngettext("%(age)s-year-olds", "%(age)s-year-olds", age) % {"age": age}
    if part.kind in LITERAL or not part.keys:
        typed = own_words(part)
        if part.why in ("translation", "stray"):
            return f"“{typed}”"
        return typed.removeprefix("for ") if part.kind == "person" else typed
    return spoken(part.kind, part.value)


def spoken(kind: str, value: str) -> str:
    """A facet value within a sentence: names of brands, and "USB", keep their capitals."""
    return value.lower() if kind != "brand" and value.istitle() else value


def price(part: Part, currency: str) -> str:
    """A price range: "under ₹1,500", "from ₹3,000", "₹1,000 to ₹2,000"; or the typed words.

    Limits are inclusive.
    """
    if part.low is not None and part.high is not None:
        low, high = amount(part.low, currency), amount(part.high, currency)
        return gettext("%(low)s to %(high)s") % {"low": low, "high": high}
    if part.high is not None:
        return gettext("under %(price)s") % {"price": amount(part.high, currency)}
    if part.low is not None:
        return gettext("from %(price)s") % {"price": amount(part.low, currency)}
    return part.phrase.strip(" ,;").lower()


def other_currency(part: Part, currency: str) -> str:
    """The currency that was typed, if it is another one than the shop's `currency`; otherwise, and
    if the shop's is unknown, empty. Prices are not converted."""
    found = _typed_currency().search(part.phrase) if currency else None
    if not found:
        return ""
    typed = found[0]
    codes = set(currency_words()[typed.casefold()])
    if typed.upper() not in codes:  # "$" and "dollars" may be Canadian
        for names in SYMBOLS.values():
            codes |= set(names) if names[0] in codes else set()
    shop = SYMBOLS.get(currency, (currency.upper(),))
    return "" if codes.intersection(shop) else typed


@cache
def _typed_currency() -> re.Pattern[str]:
    words = sorted(currency_words(), key=len, reverse=True)
    letter = r"[^\W\d_]"
    return re.compile(
        "|".join(
            (rf"(?<!{letter})" if word[0].isalpha() else "")
            + re.escape(word)
            + (rf"(?!{letter})" if word[-1].isalpha() else "")
            for word in words
        ),
        re.IGNORECASE,
    )
