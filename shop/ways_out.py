"""Finds the filters, and the conditions of the query, that keep a page empty."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from catalog.search.filters import Filters
from catalog.search.pipeline import search
from embedding.encoder import available_encoder
from shop.query_chips import QueryChip
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
    currency: str,
) -> list[WayOut]:
    """The searches that find something, most hits first. If no restriction alone is in the way,
    the search without all filters is tried."""
    found = list(_tried(connection, _restrictions(state, chips, currency), images))
    if not found and state.filters:
        unfiltered = state.changed(filters=Filters())
        found = list(_tried(connection, iter([("all filters", unfiltered)]), images))
    return sorted(found, key=lambda way: -way.total)


def _restrictions(
    state: SearchParams, chips: Sequence[QueryChip], currency: str
) -> Iterator[tuple[str, SearchParams]]:
    """The name of each restriction, and the search without it."""
    filters = state.filters
    for facet, values in filters.values.items():
        yield " or ".join(values), state.changed(filters=filters.open(facet))
    prices = [
        f"{word} {amount(bound, currency)}"
        for word, bound in (("from", filters.min_price), ("up to", filters.max_price))
        if bound is not None
    ]
    if prices:
        yield " ".join(prices), state.filtered(min_price=None, max_price=None)
    if filters.in_stock:
        yield "in stock only", state.filtered(in_stock=False)
    for chip in chips:
        if chip.is_condition:
            yield chip.label, chip.without


def _tried(
    connection: Connection,
    searches: Iterator[tuple[str, SearchParams]],
    images: tuple[bytes, ...],
) -> Iterator[WayOut]:
    for (label, state), _ in zip(searches, range(MAX_TRIED), strict=False):
        results = search(connection, replace(state.spec(images), limit=1), available_encoder)
        if results.total:
            yield WayOut(label, state.url(), results.total, results.truncated)
