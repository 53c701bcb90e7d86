"""The list of suggestions under the search box, as a fragment of a page."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from catalog.db.replica import connect_to_read, reads_replica
from catalog.search.facets import enabled_facets
from catalog.search.suggestions import Suggestions, ValueSuggestion, suggest
from shop.facet_labels import facet_label
from shop.rates import limited
from shop.recent_searches import may_be_recent, recent_suggestions
from shop.search_params import SearchParams

ONE_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Option:
    """A facet value to choose: what to show, and the address that it leads to."""

    words: str
    value: str
    label: str
    """The name of the facet."""
    products: int
    url: str


@require_safe
@cache_control(public=True, max_age=ONE_MINUTE)
@limited("SUGGESTION_RATE")
@reads_replica
def suggestions(request: HttpRequest) -> HttpResponse:
    """Suggestions for the text `q`; the list is empty if there are none."""
    answer = recent_suggestions if may_be_recent(request) else suggest
    with connect_to_read() as connection:
        found = answer(connection, request.GET.get("q", ""))
        labels = {facet.name: facet.label for facet in enabled_facets(connection)}
    return render(request, "suggest/list.html", _context(found, labels))


def _context(found: Suggestions, labels: dict[str, str]) -> dict[str, object]:
    groups = found.queries, found.values, found.brands, found.products
    return {
        "matched": found.matched,
        "queries": [(query.text, SearchParams(text=query.text).url()) for query in found.queries],
        "values": [_option(value, labels) for value in found.values],
        "brands": [_option(value, labels) for value in found.brands],
        "products": found.products,
        "count": sum(map(len, groups)),
    }


def _option(value: ValueSuggestion, labels: dict[str, str]) -> Option:
    params = SearchParams(text=value.words).filtered(values={value.facet: (value.value,)})
    label = facet_label(labels.get(value.facet, value.facet))
    return Option(value.words, value.value, label, value.products, params.url())
