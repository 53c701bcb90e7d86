"""Which of the page's requests count as searches, for `search.popular_queries`."""

from urllib.parse import urlsplit

import numpy as np
from django.http import HttpRequest, QueryDict
from django.urls import reverse

from catalog import config
from catalog.query_log import remember
from catalog.search.fusion import MIN_MATCH
from catalog.search.pipeline import Results
from embedding.registry import get_spec
from shop.forms import SearchForm
from shop.search_params import SearchParams


def note_search(
    request: HttpRequest, state: SearchParams, results: Results, in_use: list[str]
) -> None:
    """Note what was looked for, if it was not looked for on the page before.

    `in_use` are the models' names, the default one first.
    """
    if not results.words or not _is_new(request, state):
        return
    encoded: dict[str, np.ndarray | None] = {
        model: vector
        for (words, model), vector in results.encoded.items()
        if words == results.words
    }
    if not encoded:  # by the words alone, or a picture alone counts
        readers = [name for name in in_use if "text" in get_spec(name).modalities]
        encoded = dict.fromkeys(readers[:1])
    is_narrowed = bool(state.filters) or _asks_for_more(state)
    remember(results.words, encoded.items(), results.total, is_narrowed)


def _is_new(request: HttpRequest, state: SearchParams) -> bool:
    """Whether these words are typed, not carried along by a filter, a slider or another page."""
    if request.method != "GET" or state.page > 1:
        return False
    before = _page_before(request)
    if before:
        return (before.text, before.verbatim) != (state.text, state.verbatim)
    # From elsewhere: a link that says more than what to look for was made on a page that counted.
    return state == SearchParams(
        text=state.text,
        pictures=state.pictures,
        like=state.like,
        blend=state.blend,
        model=state.model,
        verbatim=state.verbatim,
    )


def _page_before(request: HttpRequest) -> SearchParams | None:
    """The search on the shop's page that this request comes from."""
    try:
        address = urlsplit(request.headers.get("Referer", ""))
    except ValueError:  # it says what it likes
        return None
    if (address.netloc, address.path) != (request.get_host(), reverse("search")):
        return None
    return SearchForm(QueryDict(address.query)).state


def _asks_for_more(state: SearchParams) -> bool:
    """Whether the minimum match is above the shop's own; the slider always sends one."""
    usual = config.settings().search_min_match
    if usual is None:
        usual = MIN_MATCH["both" if state.pictures or state.like else "words"]
    return state.min_match is not None and state.min_match / 100 > usual
