"""Runs the search that a request asks for: for the search page and for the JSON API alike."""

from dataclasses import dataclass, replace

from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext
from sqlalchemy import Connection

from catalog.active_models import models_in_use
from catalog.search.catalogue import any_currency
from catalog.search.facets import Facet, enabled_facets
from catalog.search.filters import known_values
from catalog.search.pipeline import Results
from shop import query_pictures
from shop.errors import Outcome, try_search
from shop.locale_formats import quoted
from shop.metrics import count_search
from shop.query_words import PRICES
from shop.search_params import SearchParams

MAX_LISTED_VALUES = 3
"""The number of unknown filter values that a note lists; it counts the others."""


@dataclass(frozen=True, slots=True)
class PageSearch:
    """A search that was run. `state` is what was searched for: `requested` without models that are
    not in use and without filter values that no product has, which `notes` say."""

    requested: SearchParams
    state: SearchParams
    outcome: Outcome
    facets: tuple[Facet, ...]
    in_use: list[str]
    notes: list[str]

    @property
    def results(self) -> Results:
        return self.outcome.results


def run_page_search(
    connection: Connection,
    state: SearchParams,
    images: tuple[bytes, ...],
    *,
    may_be_recent: bool = False,
    in_use: list[str] | None = None,
) -> PageSearch:
    """Search for `state`, with the contents of its pictures.

    Args:
        may_be_recent: see `try_search`.
        in_use: what `models_in_use` returns, if the transaction has begun with it.
    """
    if in_use is None:  # the first query: schema changes make searches wait here
        in_use = models_in_use(connection)
    requested, notes = state, []
    if not set(filter(None, state.model.split("+"))) <= set(in_use):
        notes.append(gettext("This model is not available; the default one was used."))
        state = replace(state, model="")
    facets = enabled_facets(connection)
    known, unknown = known_values(connection, state.filters)
    notes += unknown_values(unknown)
    state = replace(state, filters=known)
    outcome = try_search(connection, state.spec(images), may_be_recent=may_be_recent, in_use=in_use)
    count_search(outcome.results, is_recent=outcome.is_recent)
    if not outcome.note and says_nothing(state, outcome.results):
        notes.append(_without_words(state))
    return PageSearch(requested, state, outcome, facets, in_use, notes)


def says_nothing(state: SearchParams, results: Results) -> bool:
    """Whether there is a text, but nothing in it ranks, sorts or leaves out products."""
    if not state.text or results.words or state.pictures or state.like:
        return False
    effective = (*PRICES, "sort")
    return not any(
        not part.wanted or (part.kind in effective and part.why != "ignored")
        for part in results.understood
    )


def _without_words(state: SearchParams) -> str:
    """The note for a text without words, such as "?!" or "show me the best"."""
    text = Truncator(state.text).chars(40)
    if state.filters:
        note = gettext(
            "“%(text)s” has no words to search for, so all products with these filters are shown."
        )
    else:
        note = gettext("“%(text)s” has no words to search for, so all products are shown.")
    return note % {"text": text}


def with_stored_pictures(
    state: SearchParams, notes: list[str]
) -> tuple[SearchParams, tuple[bytes, ...]]:
    """The search without pictures that have expired, which a note says, and the others' content."""
    stored = {name: query_pictures.load_query_picture(name) for name in state.pictures}
    images = {name: image for name, image in stored.items() if image is not None}
    if len(images) < len(stored):
        notes.append(gettext("A picture has expired. Upload it again."))
        state = replace(state, pictures=tuple(images))
    return state, tuple(images.values())


def unknown_values(values: list[str]) -> list[str]:
    """A note about the values that were removed from the filters, if there are any."""
    if not values:
        return []
    listed = ", ".join(quoted(Truncator(value).chars(40)) for value in values[:MAX_LISTED_VALUES])
    others = len(values) - MAX_LISTED_VALUES
    if others > 0:
        note = ngettext(
            "No product has %(values)s and %(number)s more, so this filter was ignored.",
            "No product has %(values)s and %(number)s more, so this filter was ignored.",
            others,
        )
    else:
        note = gettext("No product has %(values)s, so this filter was ignored.")
    return [note % {"values": listed, "number": others}]


def currency_of(connection: Connection, results: Results) -> str:
    """The currency of the prices on the page; without hits, that of the catalogue."""
    shown = (hit.currency for hit in (*results.hits, *results.close) if hit.currency)
    return next(shown, "") or any_currency(connection)
