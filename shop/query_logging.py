"""Decides which requests of the search page are logged, for `search.popular_queries`."""

from urllib.parse import urlsplit

import numpy as np
from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest, QueryDict
from django.urls import reverse

from catalog.db.replica import connect_to_read
from catalog.query_log import LoggedSearch
from catalog.search.calibration import QueryKind
from catalog.search.pipeline import Results
from catalog.search.weights import stored_weights, usual_min_match
from embedding.registry import get_spec
from shop.forms import SearchForm
from shop.query_log_buffer import query_log_buffer
from shop.query_words import PRICES
from shop.search_params import SearchParams


def log_search(
    request: HttpRequest, state: SearchParams, results: Results, in_use: list[str]
) -> None:
    """Log the search, unless the page that the request comes from already showed it.

    Args:
        in_use: the names of the models in use, the default one first.
    """
    if not results.words or not _is_new(request, state):
        return
    encoded: dict[str, np.ndarray | None] = {
        model: vector
        for (words, model), vector in results.encoded.items()
        if words == results.words
    }
    if not encoded:  # full-text search only, or only the picture has a weight
        readers = [name for name in in_use if "text" in get_spec(name).modalities]
        encoded = dict.fromkeys(readers[:1])
    has_conditions = any(it.kind in PRICES or not it.wanted for it in results.understood)
    is_narrowed = bool(state.filters) or has_conditions or _raises_min_match(state)
    misspelt = results.spec.text if results.corrected else ""
    seconds = results.timings.total
    query_log_buffer.add(
        LoggedSearch(
            results.words,
            tuple(encoded.items()),
            results.total,
            is_narrowed,
            misspelt,
            seconds,
        )
    )


def _is_new(request: HttpRequest, state: SearchParams) -> bool:
    """Whether the words are new, not repeated by a filter, a slider or another page of results."""
    if request.method != "GET" or state.page > 1:
        return False
    before = _page_before(request)
    if before:
        return (before.text, before.verbatim) != (state.text, state.verbatim)
    # From another site: a link with more parameters was copied from a page that was logged.
    return state == SearchParams(
        text=state.text,
        pictures=state.pictures,
        like=state.like,
        blend=state.blend,
        model=state.model,
        verbatim=state.verbatim,
    )


def _page_before(request: HttpRequest) -> SearchParams | None:
    """The search of the page that this request comes from, or None if it is not a search page."""
    try:
        address = urlsplit(request.headers.get("Referer", ""))
    except ValueError:  # clients can send any text
        return None
    if (address.netloc, address.path) != (request.get_host(), reverse("search")):
        return None
    try:
        return SearchForm(QueryDict(address.query)).state
    except TooManyFieldsSent:
        return None


def _raises_min_match(state: SearchParams) -> bool:
    """Whether the minimum match is above the default."""
    if state.min_match is None:
        return False
    kind: QueryKind = "both" if state.pictures or state.like else "words"
    with connect_to_read() as connection:
        weights = stored_weights(connection)[kind]
    return state.min_match / 100 > usual_min_match(kind, weights)
