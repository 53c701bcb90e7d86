"""The controls around the results: the filter panel, the chips of active filters, pagination."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.core.paginator import Paginator

from catalog.search.filters import FACETS, FacetValue
from embedding.registry import ModelSpec
from shop.forms import needed_modalities, usable_models
from shop.search_params import SearchParams
from shop.templatetags.storefront import amount

SORTS = {
    "": "Best match",
    "price": "Price, low to high",
    "-price": "Price, high to low",
    "newest": "Newest",
}
VALUES_SHOWN = 8
"""The number of values of a facet that are visible before "more" is opened."""
MORE_DIVERSE = 0.5
"""The diversity that the check box "More variety" sets."""
MAX_CHIPS = 24
"""The maximum number of chips. Each contains the address of the whole search, so many chips would
make a large page."""
MAX_VALUES_LISTED = 120
"""The maximum number of values of a facet in the panel, besides the chosen ones."""


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    count: int
    or_more: bool
    chosen: bool


@dataclass(frozen=True, slots=True)
class FacetGroup:
    """One facet in the panel. `rest` contains values that are not chosen and is collapsed."""

    facet: str
    label: str
    shown: list[Option]
    rest: list[Option]


@dataclass(frozen=True, slots=True)
class Chip:
    """An active filter, and the address of the search without it."""

    label: str
    url: str
    colour: str = ""


def facet_groups(state: SearchParams, counts: dict[str, list[FacetValue]]) -> list[FacetGroup]:
    groups = []
    for facet, label in FACETS.items():
        chosen = set(getattr(state.filters, facet))
        options = [
            Option(found.value, found.count, found.or_more, found.value in chosen)
            for place, found in enumerate(counts[facet])
            if place < MAX_VALUES_LISTED or found.value in chosen
        ]
        if options:
            groups.append(_group(facet, label, options))
    return groups


def _group(facet: str, label: str, options: list[Option]) -> FacetGroup:
    frequent, others = options[:VALUES_SHOWN], options[VALUES_SHOWN:]
    chosen = [option for option in others if option.chosen]
    rest = [option for option in others if not option.chosen]
    return FacetGroup(facet, label, frequent + chosen, rest)


def chips(state: SearchParams, currency: str = "") -> Iterator[Chip]:
    """Yield a chip for each active filter; prices are shown in `currency`, if it is not empty."""
    filters = state.filters
    for facet in FACETS:
        for value in getattr(filters, facet):
            colour = value if facet == "colour" else ""
            yield Chip(value, state.without(facet, value).url(), colour)
    if filters.min_price is not None:
        label = f"from {amount(filters.min_price, currency)}"
        yield Chip(label, state.filtered(min_price=None).url())
    if filters.max_price is not None:
        label = f"up to {amount(filters.max_price, currency)}"
        yield Chip(label, state.filtered(max_price=None).url())
    if filters.in_stock:
        yield Chip("In stock", state.filtered(in_stock=False).url())


def selectable_models(state: SearchParams, in_use: list[str]) -> list[ModelSpec]:
    """The models `in_use` that can encode the query."""
    return usable_models(in_use, needed_modalities(state.text, state.pictures))


@dataclass(frozen=True, slots=True)
class PageLink:
    """A page's number and address; a gap between page numbers has no address."""

    label: str
    url: str = ""
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class Pagination:
    previous: str
    next: str
    links: list[PageLink]


def pagination(state: SearchParams, total: int) -> Pagination | None:
    """Links to the pages around the current one; None if there is only one page."""
    paginator = Paginator(range(total), state.limit)
    if paginator.num_pages < 2 or state.page > paginator.num_pages:
        return None
    page = paginator.page(state.page)
    links = [
        PageLink(str(number), _page_url(state, number), number == state.page)
        if isinstance(number, int)
        else PageLink(str(number))
        for number in paginator.get_elided_page_range(state.page, on_each_side=1, on_ends=1)
    ]
    return Pagination(
        previous=_page_url(state, state.page - 1) if page.has_previous() else "",
        next=_page_url(state, state.page + 1) if page.has_next() else "",
        links=links,
    )


def _page_url(state: SearchParams, number: int) -> str:
    return state.changed(page=number).url()
