"""Finds the filters, and the conditions and words of the query, that keep a page empty."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from django.utils.translation import gettext
from sqlalchemy import Connection

from catalog.search.filters import Filters
from catalog.search.pipeline import search
from catalog.search.understanding import Part
from embedding.encoder import available_encoder
from shop.locale_formats import listed
from shop.query_chips import QueryChip
from shop.query_edits import own_words
from shop.query_words import LITERAL
from shop.search_params import SearchParams
from shop.templatetags.storefront import amount

MAX_TRIED = 6
"""The maximum number of searches for one page."""


@dataclass(frozen=True, slots=True)
class WayOut:
    """A search without one restriction, or without all filters, and the number of its hits."""

    label: str
    url: str
    total: int
    or_more: bool


def ways_out(
    connection: Connection,
    state: SearchParams,
    images: tuple[bytes, ...],
    chips: Sequence[QueryChip],
    parts: Sequence[Part],
    currency: str,
) -> list[WayOut]:
    """The searches that find something, most hits first. If no restriction alone is in the way,
    the search without all filters is tried."""
    restrictions = chain(_restrictions(state, chips, currency), _words(state, parts))
    found = list(_tried(connection, restrictions, images))
    if not found and state.filters:
        unfiltered = state.changed(filters=Filters())
        found = list(_tried(connection, iter([(gettext("all filters"), unfiltered)]), images))
    return sorted(found, key=lambda way: -way.total)


def _restrictions(
    state: SearchParams, chips: Sequence[QueryChip], currency: str
) -> Iterator[tuple[str, SearchParams]]:
    """The name of each restriction, and the search without it."""
    filters = state.filters
    for facet, values in filters.values.items():
        yield listed(values, "or"), state.changed(filters=filters.open(facet))
    if prices := _prices(filters, currency):
        yield prices, state.filtered(min_price=None, max_price=None)
    if filters.in_stock:
        yield gettext("in stock only"), state.filtered(in_stock=False)
    for chip in chips:
        if chip.is_condition:
            yield chip.label, chip.without


def _prices(filters: Filters, currency: str) -> str:
    """The price filter in words; empty if there is none."""
    low = "" if filters.min_price is None else amount(filters.min_price, currency)
    high = "" if filters.max_price is None else amount(filters.max_price, currency)
    if low and high:
        return gettext("from %(low)s up to %(high)s") % {"low": low, "high": high}
    if low:
        return gettext("from %(price)s") % {"price": low}
    return gettext("up to %(price)s") % {"price": high} if high else ""


def has_words(parts: Sequence[Part]) -> bool:
    """Whether a product type was understood, and other words were not."""
    wanted = {part.kind for part in parts if part.wanted}
    return "type" in wanted and not wanted.isdisjoint(LITERAL)


def _words(state: SearchParams, parts: Sequence[Part]) -> Iterator[tuple[str, SearchParams]]:
    """The words that were not understood, and the search for what was."""
    if has_words(parts):
        words = [part for part in parts if part.wanted and part.kind in LITERAL]
        understood = " ".join(part.phrase for part in parts if part not in words)
        yield " ".join(map(own_words, words)), state.changed(text=understood)


def _tried(
    connection: Connection,
    searches: Iterator[tuple[str, SearchParams]],
    images: tuple[bytes, ...],
) -> Iterator[WayOut]:
    for (label, state), _ in zip(searches, range(MAX_TRIED), strict=False):
        results = search(connection, replace(state.spec(images), limit=1), available_encoder)
        if results.total:
            yield WayOut(label, state.url(), results.total, results.truncated)
