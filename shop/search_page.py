"""What the search page shows of a search: read from the catalogue, then rendered.

The HTML that is made here depends on the search, the catalogue and the language, not on who asks:
its templates get no request. So equal requests can share it (`shop.recent_searches`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from sqlalchemy import Connection

from catalog.search.card_details import CardDetails
from catalog.search.catalogue import has_prices, has_products
from catalog.search.departments import Department, departments
from catalog.search.filters import Filters
from catalog.search.pipeline import Results, search
from catalog.search.samples import Samples, samples
from embedding.encoder import available_encoder
from shop import filter_panel
from shop.cards import cards, details_of
from shop.errors import Outcome, sentence
from shop.given_up import GivenUp, given_up
from shop.models import Product, ProductImage
from shop.page_search import PageSearch, currency_of, run_page_search, with_stored_pictures
from shop.query_chips import QueryChip
from shop.query_chips import query_chips as chips_of_query
from shop.query_picture_panel import picture_panels, shown_kind
from shop.query_words import ORDERS
from shop.search_params import LIMITS, SearchParams
from shop.ways_out import WayOut, has_words, ways_out

WEB_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
"""A query that is an address: the page offers to search with the picture there."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search page reads from the catalogue."""

    requested: SearchParams
    searched: PageSearch
    notes: list[str]
    currency: str
    query_chips: list[QueryChip]
    given_up: GivenUp | None
    why_empty: str
    ways_out: list[WayOut]
    samples: Samples
    departments: tuple[Department, ...]
    details: dict[int, CardDetails]
    has_prices: bool


@dataclass(frozen=True, slots=True)
class SearchPage:
    """A search page without what belongs to the request, such as tokens of forms."""

    requested: SearchParams
    state: SearchParams
    """What was searched for; see `PageSearch`."""
    results: Results
    status: HTTPStatus
    title: SafeString
    """HTML; empty for a partial page, whose content has the title."""
    content: SafeString
    """HTML: what is in `main`, or the parts that htmx swaps."""


def is_web_address(state: SearchParams) -> bool:
    """Whether the text may be the address of a picture."""
    return WEB_ADDRESS.fullmatch(state.text) is not None


def find(
    connection: Connection,
    requested: SearchParams,
    notes: Sequence[str],
    in_use: list[str],
    *,
    may_be_recent: bool,
) -> Found:
    """Search, and read what the page shows besides.

    Args:
        notes: those about the address.
        in_use: see `run_page_search`.
        may_be_recent: see `try_search`.
    """
    notes = list(notes)
    requested, images = with_stored_pictures(requested, notes)
    searched = run_page_search(
        connection, requested, images, may_be_recent=may_be_recent, in_use=in_use
    )
    state, results = searched.state, searched.results
    currency = currency_of(connection, results)
    query_chips = chips_of_query(connection, state, results, currency)
    lack = given_up(connection, results, bool(state.filters), currency)
    why_empty, ways = _why_empty(connection, searched.outcome, state, query_chips, currency, lack)
    return Found(
        requested,
        searched,
        [*notes, *searched.notes],
        currency,
        query_chips,
        lack,
        why_empty,
        ways,
        samples(connection) if state.is_home or why_empty else Samples(),
        departments(connection) if state.is_home else (),
        details_of(connection, [*results.hits, *results.close]),
        has_prices(connection),
    )


def render_page(found: Found, *, is_partial: bool, csrf_token: str = "") -> SearchPage:
    """Render what was found, for htmx if `is_partial`.

    Args:
        csrf_token: for the form of a page whose text `is_web_address`; no other page has one.
    """
    context = _context(found) | {"csrf_token": csrf_token}
    if is_partial:
        title, content = "", render_to_string("search/_partial.html", context)
    else:
        title = render_to_string("search/_title.html", context)
        content = render_to_string("search/_main.html", context)
    searched = found.searched
    return SearchPage(
        found.requested,
        searched.state,
        searched.results,
        searched.outcome.status,
        mark_safe(title),
        mark_safe(content),
    )


def _context(found: Found) -> dict[str, Any]:
    searched, currency, details = found.searched, found.currency, found.details
    state, outcome, facets = searched.state, searched.outcome, searched.facets
    results = outcome.results
    chips = list(filter_panel.chips(state, facets, currency))
    liked = Product.objects.filter(sku=state.like).first() if state.like else None
    is_ranked = bool(results.words or state.pictures or state.like)
    min_match = round(100 * results.min_match) if state.min_match is None else state.min_match
    return {
        "state": state,
        "notes": [*found.notes, *filter(None, [outcome.note]), *map(sentence, results.notes)],
        "results": results,
        "cards": cards(results.hits, details, merge_twins=state.group_variants),
        "close_cards": cards(results.close, details, merge_twins=state.group_variants),
        "has_prices": found.has_prices,
        "is_ranked": is_ranked and found.why_empty != "problem",
        "query_chips": found.query_chips,
        "given_up": found.given_up,
        "why_empty": found.why_empty,
        "shows_close": found.why_empty == "lacks_type" and bool(results.close),
        "ways_out": found.ways_out,
        "samples": found.samples,
        "departments": found.departments,
        "panel": filter_panel.facet_panel(state, facets, results.facets),
        "chips": chips[: filter_panel.MAX_CHIPS],
        "more_chips": len(chips[filter_panel.MAX_CHIPS :]),
        "pagination": filter_panel.pagination(state, results.total, results.truncated),
        "models": filter_panel.selectable_models(state, searched.in_use),
        "limits": LIMITS,
        "sorts": filter_panel.sorts(state, found.has_prices),
        "order_of_text": ORDERS.get(results.sort, "") if results.sort != state.sort else "",
        "min_match": min_match,
        "verbatim": state.changed(verbatim=True),
        "more_diverse": filter_panel.MORE_DIVERSE,
        "default_min_match": state.changed(min_match=None),
        "currency": currency,
        "unfiltered": state.changed(filters=Filters()),
        "pictures": picture_panels(state),
        "picture_address": state.text if is_web_address(state) else "",
        "without_text": state.changed(text=""),
        "shown_kind": shown_kind(state, results.hits),
        "likeless": state.changed(like=""),
        "first_page": state.changed(page=1),
        "liked": liked,
        "liked_image": main_image(liked) if liked else None,
    }


def _why_empty(
    connection: Connection,
    outcome: Outcome,
    state: SearchParams,
    chips: list[QueryChip],
    currency: str,
    lack: GivenUp | None,
) -> tuple[str, list[WayOut]]:
    """The name of the template that explains an empty page, and searches that find something.

    The name is empty if there are hits.
    """
    results = outcome.results
    if results.hits:
        return "", []
    if outcome.note:
        return "problem", []
    if results.total:
        return "past_the_end", []
    if not has_products(connection):
        return "no_catalogue", []
    parts = results.understood
    is_restricted = (
        bool(state.filters) or has_words(parts) or any(chip.is_condition for chip in chips)
    )
    if is_restricted and (
        ways := ways_out(connection, state, results.spec.images, chips, parts, currency)
    ):
        return "restricted", ways
    if lack:
        return "lacks_type", []
    # A note already says why the words cannot be compared.
    if results.close or results.notes or any(chip.is_condition for chip in chips):
        return "nothing_matches", []
    anywhere = replace(results.spec, filters=Filters(), min_match=0.0, limit=1, page=1)
    found = search(connection, anywhere, available_encoder)
    return ("nothing_matches" if found.total else "not_embedded"), []


def main_image(product: Product) -> ProductImage | None:
    """The picture that represents a product."""
    return ProductImage.objects.filter(product=product).order_by("position").first()
