"""Template tags and filters for the shop's name, prices, matches, colours and pictures."""

import hashlib
import re
from collections.abc import Hashable, Sequence
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from django import template
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext, gettext_lazy

from catalog.importing.cells.currencies import WITHOUT_CENTS
from catalog.media.store import FOLDER, PATH
from catalog.search.pipeline import Hit
from catalog.text import readable
from shop import locale_formats, swatches
from shop.facet_labels import facet_label
from shop.matched_words import split_matched
from shop.search_params import SearchParams
from shop.thumbnails import SIZES

if TYPE_CHECKING:
    from shop.cards import Card
    from shop.filter_panel import Panel
    from shop.query_chips import QueryChip

register = template.Library()

_PATH = re.compile(PATH)
_ANY_PATH = f"{FOLDER}/00/{'0' * 64}.jpg"

SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "INR": "₹", "JPY": "¥"}
MAX_LIST_LENGTH = 80
"""An attribute's text with `,`, `;` or `|` is shown as a list up to this number of characters."""
SIGNALS = {
    "structure": (
        gettext_lazy("What you ask for"),
        gettext_lazy("share of what was understood that the product is"),
    ),
    "lexical": (
        gettext_lazy("Your words"),
        gettext_lazy("share of your words that the product contains"),
    ),
    "text": (gettext_lazy("Meaning"), ""),
    "image": (gettext_lazy("Picture"), ""),
}
"""The label of each signal, and what it measures if no model computes it."""


@register.simple_tag
def shop_name() -> str:
    return str(settings.SHOP_NAME)


@register.simple_tag
def max_picture_bytes() -> int:
    return int(settings.QUERY_PICTURE_MAX_BYTES)


@register.filter
def element_id(value: str) -> str:
    """An identifier for the element of `value`, independent of its position in a list."""
    return hashlib.blake2s(value.encode(), digest_size=6).hexdigest()


@register.filter
def price(value: Decimal, currency: str = "") -> str:
    """A price with its currency: `€1,249.00`, `¥1,500`, `49.90 CHF`; in German `1.249,00 €`.

    The currency may be a code in any case, or a symbol. An unknown one is shown as it is.
    """
    return _price(value, currency, get_language() or settings.LANGUAGE_CODE)


@lru_cache(maxsize=10_000)  # a page has one for each card
def _price(value: Decimal, currency: str, _language: str) -> str:
    has_cents = currency_code(currency) not in WITHOUT_CENTS or value % 1
    return _with_currency(locale_formats.formatted(value, 2 if has_cents else 0), currency)


def amount(value: Decimal, currency: str = "") -> str:
    """The limit of a price, as a shopper would write it: `€50`, `€49.90`, `50 CHF`."""
    return _with_currency(locale_formats.formatted(value, 2 if value % 1 else 0), currency)


def currency_code(currency: str) -> str:
    """The code of a currency that is given by its code or symbol."""
    by_symbol = {symbol: code for code, symbol in SYMBOLS.items()}
    return by_symbol.get(currency, currency.upper())


def _with_currency(number: str, currency: str) -> str:
    return locale_formats.with_currency(number, currency, SYMBOLS.get(currency_code(currency), ""))


@register.filter
def plain(price: Decimal | None) -> str:
    """A price in the format of a number input."""
    return "" if price is None else f"{price:f}"


@register.filter
def thousands(number: int) -> str:
    return locale_formats.formatted(number)


@register.filter
def percentage(percent: int) -> str:
    """`87%`, or `87 %` where the language has a space there."""
    return locale_formats.percentage(percent)


@register.filter
def percent(share: float) -> int:
    return round(100 * share)


@register.filter
def milliseconds(seconds: float) -> str:
    """A duration in milliseconds, with a decimal below ten: `3.4 ms`, `120 ms`."""
    duration = 1000 * seconds
    decimals = 0 if duration >= 9.95 else 1
    return f"{locale_formats.formatted(Decimal(duration), decimals)} ms"


@register.filter
def match_percent(share: float) -> int:
    """A match in percent, never rounded up: what is below the minimum must not seem to reach it."""
    return int(100 * share + 1e-6)


@register.filter
def signals(hit: Hit) -> list[tuple[str, int, str]]:
    """The name of each signal, its match in percent, and an explanation."""
    language = get_language() or settings.LANGUAGE_CODE
    rows = []
    for signal in hit.signals:
        label, basis = _signal_texts(signal.name, language)
        if signal.similarity is not None:
            basis = _similarity_text(signal.model, round(signal.similarity, 2), language)
        rows.append((label, match_percent(min(1.0, max(0.0, signal.match))), basis))
    return rows


# A page has these texts for each card, and looking up a translation takes long.
@lru_cache(maxsize=100)
def _signal_texts(name: str, _language: str) -> tuple[str, str]:
    label, basis = SIGNALS[name]
    return str(label), str(basis)


@lru_cache(maxsize=10_000)
def _similarity_text(model: str, similarity: float, _language: str) -> str:
    return gettext("%(model)s, similarity %(similarity)s") % {
        "model": model,
        "similarity": locale_formats.formatted(Decimal(similarity), 2),
    }


@register.filter
def attribute_rows(attributes: Any) -> list[tuple[str, list[str]]]:
    """A product's attributes as names and lists of values, without empty ones."""
    if not isinstance(attributes, dict):
        return []
    rows = ((name, attribute_values(value)) for name, value in attributes.items())
    return [(readable(name), values) for name, values in rows if values]


def attribute_values(value: Any) -> list[str]:
    """The value of an attribute as texts; a short text with separators is a list."""
    match value:
        case None | "":
            return []
        case bool():
            return [gettext("yes") if value else gettext("no")]
        case str() if len(value) <= MAX_LIST_LENGTH:
            return [part for part in re.split(r"\s*[,;|]\s*", value.strip()) if part]
        case list():
            return [text for item in value for text in attribute_values(item)]
        case dict():
            return [f"{name}: {', '.join(attribute_values(item))}" for name, item in value.items()]
        case _:
            return [str(value)]


register.filter(split_matched)
register.filter(facet_label)


@register.filter
def swatch(colour: str) -> str:
    """`#rrggbb`, or an empty string if the name is not a known colour."""
    return swatches.swatch(colour) or ""


@register.simple_tag
@lru_cache(maxsize=1024)
def swatch_icon(colour: str) -> SafeString:
    """The colour of a name as an icon; one of many colours if the name is not known."""
    fill = swatch(colour)
    shape = (
        format_html('<circle cx="10" cy="10" r="9" fill="{}"/>', fill)
        if fill
        else mark_safe('<use href="#many-colours"/>')
    )
    return format_html(
        '<svg class="swatch" viewBox="0 0 20 20" aria-hidden="true">{}'
        '<circle class="swatch-rim" cx="10" cy="10" r="9.250"/></svg>\n',
        shape,
    )


@register.simple_tag
def card_items(cards: "Sequence[Card]", sizes: str = "", *, lazy: bool = False) -> SafeString:
    """The cards as items of a list.

    Args:
        sizes: the `sizes` of their pictures; by default those of the results.
        lazy: whether the list is far below the top of the page.
    """
    context = {
        "cards": cards,
        "sizes": sizes,
        "lazy": lazy,
        "percentages": locale_formats.percentages(),
    }
    return mark_safe(render_to_string("search/cards.html", context, using="jinja2"))


@register.simple_tag
def facets_of(panel: "Panel") -> SafeString:
    """The facets of the filter panel."""
    return mark_safe(render_to_string("search/facets.html", {"panel": panel}, using="jinja2"))


@register.simple_tag
def query_chips_of(chips: "Sequence[QueryChip]") -> SafeString:
    """The parts of the query that were understood."""
    if not chips:
        return mark_safe("")
    context = {"chips": chips}
    return mark_safe(render_to_string("search/query_chips.html", context, using="jinja2"))


@register.simple_tag
def constant_part(template: str, **values: Hashable) -> SafeString:
    """A template that shows at most `values` that rarely change, rendered once for each language
    and values."""
    if settings.DEBUG:
        return mark_safe(render_to_string(template, values))
    return _rendered(template, get_language() or settings.LANGUAGE_CODE, tuple(values.items()))


@lru_cache(maxsize=100)
def _rendered(
    template: str, _language: str, values: tuple[tuple[str, Hashable], ...]
) -> SafeString:
    return mark_safe(render_to_string(template, dict(values)))


@register.filter
def query_url(text: str) -> str:
    """The address of the search for words."""
    return SearchParams(text=text).url()


@register.filter
def like_url(sku: str) -> str:
    """The address of the search for similar products."""
    return SearchParams(like=sku).url()


@register.simple_tag
def facet_url(facet: str, value: str) -> str:
    """The address of the catalogue with one filter."""
    return SearchParams().filtered(values={facet: (value,)}).url()


@register.simple_tag
def image_url(path: str | None, size: str) -> str:
    """The address of a product picture in one of `SIZES`; empty if there is no picture.

    Raises:
        KeyError: there is no such size.
    """
    width = SIZES[size]
    return _folder(width) + path if path and _PATH.fullmatch(path) else ""


@cache
def _folder(width: int) -> str:
    """The address of the pictures of one width. A page has many pictures, so Django reverses only
    one address for each width."""
    return reverse("image", args=(width, _ANY_PATH)).removesuffix(_ANY_PATH)


@register.simple_tag
def image_srcset(path: str, natural_width: int) -> str:
    """The `srcset` of a picture, without sizes that are wider than the picture itself."""
    sizes = list(SIZES)
    useful = [size for size in sizes if SIZES[size] < natural_width]
    if len(useful) < len(sizes):
        useful.append(sizes[len(useful)])
    return ", ".join(
        f"{image_url(path, size)} {min(SIZES[size], natural_width)}w" for size in useful
    )
