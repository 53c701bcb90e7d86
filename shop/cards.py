"""What the cards of a page show. All addresses and texts of a card are made here, once a page."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote, urlencode

from django.urls import reverse
from django.utils.http import RFC3986_SUBDELIMS
from django.utils.translation import gettext, ngettext
from sqlalchemy import Connection

from catalog.search.card_details import CardDetails, Variant, card_details
from catalog.search.results import Hit
from shop.converters import SkuConverter
from shop.search_params import search_url
from shop.templatetags.storefront import (
    image_srcset,
    image_url,
    match_percent,
    price,
    signals,
    swatch,
)

MAX_DOTS = 5
"""The maximum number of colours on a card."""

MAX_TWINS = 4
"""A picture that more hits of a page have stands for a missing one: these are not the same."""

NOTHING = CardDetails()

_SKU = SkuConverter()
_SAFE = f"{RFC3986_SUBDELIMS}/~:@"
"""What Django's `reverse` leaves as it is."""


@dataclass(frozen=True, slots=True)
class Dot:
    """A colour in which the product exists: a link to that variant."""

    colour: str
    fill: str
    """`#rrggbb`; empty if the name is not a known colour."""
    url: str
    picture: str
    is_shown: bool
    """Whether it is the colour of the card's own product."""


@dataclass(frozen=True, slots=True)
class Card:
    """A hit as a page shows it. Empty texts are left out."""

    hit: Hit
    brand_in_title: str
    """The beginning of the title that says the brand again, with the space after it."""
    url: str
    picture: str
    srcset: str
    other_picture: str
    price: str
    regular_price: str
    """The price without the reduction, if there is one."""
    like_url: str
    match: int | None
    """In percent."""
    why: Sequence[tuple[str, int, str]]
    """The name of each signal, its match in percent, and an explanation."""
    dots: Sequence[Dot]
    more_colours: int
    variants: str
    """"3 variants", or empty if there is one."""


def details_of(connection: Connection, hits: Iterable[Hit]) -> dict[int, CardDetails]:
    """What the cards of these hits show besides them."""
    return card_details(connection, {hit.id: hit.image_path for hit in hits})


def cards(
    hits: Iterable[Hit], details: Mapping[int, CardDetails], *, merge_twins: bool = True
) -> list[Card]:
    """A card for each hit. With `merge_twins`, hits with the same picture are one card."""
    shown = _without_twins(list(hits)) if merge_twins else hits
    return [_card(hit, details.get(hit.id, NOTHING)) for hit in shown]


def _without_twins(hits: Sequence[Hit]) -> list[Hit]:
    """Of the hits with the same picture the first in stock, at the place of the first."""
    uses = Counter(hit.image_path for hit in hits)
    shown: dict[str, Hit] = {}
    for hit in hits:
        is_twin = hit.image_path and 1 < uses[hit.image_path] <= MAX_TWINS
        key = hit.image_path if is_twin and hit.image_path else f"product {hit.id}"
        if key not in shown or (hit.in_stock and not shown[key].in_stock):
            shown[key] = hit
    return list(shown.values())


def _card(hit: Hit, details: CardDetails) -> Card:
    colours = list(_one_per_colour(details.variants))
    variants = max(details.total, hit.variants)
    return Card(
        hit=hit,
        brand_in_title=_brand_in_title(hit),
        url=product_url(hit.sku),
        picture=image_url(hit.image_path, "medium"),
        srcset=image_srcset(hit.image_path, hit.image_width or 0) if hit.image_path else "",
        other_picture=image_url(details.other_picture, "medium"),
        price="" if hit.price is None else price(hit.price, hit.currency),
        regular_price=regular_price(hit),
        like_url=f"{search_url()}?{urlencode({'like': hit.sku})}",
        match=None if hit.match is None else match_percent(hit.match),
        why=[] if hit.match is None else _why(hit),
        dots=[_dot(it, hit) for it in colours[:MAX_DOTS]] if len(colours) > 1 else [],
        more_colours=max(0, len(colours) - MAX_DOTS),
        variants=ngettext("%(count)s variant", "%(count)s variants", variants) % {"count": variants}
        if variants > 1
        else "",
    )


def regular_price(item: Hit) -> str:
    """The price without the reduction; empty if it is not higher than the price."""
    if item.price is None or item.regular_price is None or item.regular_price <= item.price:
        return ""
    return price(item.regular_price, item.currency)


def _brand_in_title(hit: Hit) -> str:
    brand = f"{hit.brand} "
    rest = hit.title.removeprefix(brand)
    return brand if hit.brand and rest != hit.title and rest[:1].isalnum() else ""


def _why(hit: Hit) -> list[tuple[str, int, str]]:
    exact = [(gettext("Exact name"), 100, "")] if hit.exact else []
    return exact + signals(hit)


def _one_per_colour(variants: Iterable[Variant]) -> Iterator[Variant]:
    seen = set()
    for variant in variants:
        colour = variant.colour.casefold()
        if colour and colour not in seen:
            seen.add(colour)
            yield variant


def _dot(variant: Variant, hit: Hit) -> Dot:
    return Dot(
        variant.colour,
        swatch(variant.colour),
        product_url(variant.sku),
        image_url(variant.image_path, "medium"),
        variant.colour.casefold() == hit.colour.casefold(),
    )


def product_url(sku: str) -> str:
    """The address of a product's page."""
    return _products_url() + quote(_SKU.to_url(sku), safe=_SAFE)


# A page has many addresses, so Django reverses only one of each kind.
@cache
def _products_url() -> str:
    return reverse("product", args=("A",)).removesuffix("A")
