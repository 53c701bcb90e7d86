"""The controls around the results: the filter panel, the chips of active filters, pagination."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.core.paginator import Paginator
from django.utils.translation import gettext, gettext_lazy, ngettext

from catalog.search.facets import Facet
from catalog.search.filters import FacetCounts
from embedding.registry import ModelSpec
from shop.facet_labels import facet_label
from shop.forms import Tandem, needed_modalities, usable_models, with_tandems
from shop.search_params import SearchParams, parameter
from shop.templatetags.storefront import amount

SORTS = {
    "": gettext_lazy("Best match"),
    "price": gettext_lazy("Price, low to high"),
    "-price": gettext_lazy("Price, high to low"),
    "newest": gettext_lazy("Newest"),
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
MAX_OPTIONS = 600
"""The maximum number of values in the panel, besides the chosen ones and the `VALUES_SHOWN` most
frequent ones of each facet. The facets that come first in the panel get theirs first."""
UNCLEAR_ALONE = ("other", "size")
"""The kinds of facets whose chips also show the facet: "Heel height: 5"."""
FACETS_SHOWN = 8
"""The number of facets that are visible before "more filters" is opened."""


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    count: int | None
    chosen: bool


@dataclass(frozen=True, slots=True)
class FacetGroup:
    """One facet in the panel. `rest` contains values that are not chosen and is collapsed."""

    facet: Facet
    parameter: str
    shown: list[Option]
    rest: list[Option]

    @property
    def more(self) -> str:
        """The label of the collapsed values."""
        number = len(self.rest)
        return ngettext("%(number)s more", "%(number)s more", number) % {"number": number}

    @property
    def is_chosen(self) -> bool:
        return any(option.chosen for option in self.shown)


@dataclass(frozen=True, slots=True)
class Chip:
    """An active filter, and the address of the search without it."""

    label: str
    url: str
    colour: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """The facets of the panel. `rest` is collapsed and contains no chosen values."""

    shown: list[FacetGroup]
    rest: list[FacetGroup]

    @property
    def more(self) -> str:
        """The label of the collapsed facets."""
        number = len(self.rest)
        label = ngettext("%(number)s more filter", "%(number)s more filters", number)
        return label % {"number": number}


def facet_panel(state: SearchParams, facets: Iterable[Facet], counts: FacetCounts) -> Panel:
    """The facets with a choice: at least two values, or a chosen one."""
    groups = []
    listed = 0
    for facet in facets:
        chosen = set(state.filters.values.get(facet.name, ()))
        limit = min(MAX_VALUES_LISTED, max(VALUES_SHOWN, MAX_OPTIONS - listed))
        options = [
            Option(found.value, found.count, found.value in chosen)
            for place, found in enumerate(counts.get(facet.name, ()))
            if place < limit or found.value in chosen
        ]
        if len(options) > 1 or chosen:
            groups.append(_group(facet, options))
            listed += len(options)
    shown, others = groups[:FACETS_SHOWN], groups[FACETS_SHOWN:]
    return Panel(
        shown + [group for group in others if group.is_chosen],
        [group for group in others if not group.is_chosen],
    )


def _group(facet: Facet, options: list[Option]) -> FacetGroup:
    frequent, others = options[:VALUES_SHOWN], options[VALUES_SHOWN:]
    chosen = [option for option in others if option.chosen]
    rest = [option for option in others if not option.chosen]
    return FacetGroup(facet, parameter(facet.name), frequent + chosen, rest)


def chips(state: SearchParams, facets: Iterable[Facet], currency: str = "") -> Iterator[Chip]:
    """Yield a chip for each active filter; prices are shown in `currency`, if it is not empty."""
    filters = state.filters
    for facet in facets:
        for value in filters.values.get(facet.name, ()):
            is_unclear = facet.kind in UNCLEAR_ALONE
            label = f"{facet_label(facet.label)}: {value}" if is_unclear else value
            colour = value if facet.kind == "colour" else ""
            yield Chip(label, state.without(facet.name, value).url(), colour)
    if filters.min_price is not None:
        label = gettext("from %(price)s") % {"price": amount(filters.min_price, currency)}
        yield Chip(label, state.filtered(min_price=None).url())
    if filters.max_price is not None:
        label = gettext("up to %(price)s") % {"price": amount(filters.max_price, currency)}
        yield Chip(label, state.filtered(max_price=None).url())
    if filters.in_stock:
        yield Chip(gettext("In stock"), state.filtered(in_stock=False).url())


def sorts(state: SearchParams, has_prices: bool) -> dict[str, str]:
    """The sort orders to choose from, with their labels; without prices, none by price."""
    return {
        order: str(label)
        for order, label in SORTS.items()
        if has_prices or not order.endswith("price") or order == state.sort
    }


def selectable_models(state: SearchParams, in_use: list[str]) -> list[ModelSpec | Tandem]:
    """The models `in_use` that can encode the query, then each two of them in tandem."""
    return with_tandems(usable_models(in_use, needed_modalities(state.text, state.pictures)))


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


def pagination(state: SearchParams, total: int, or_more: bool = False) -> Pagination | None:
    """Links to the pages around the current one; None if there is only one page.

    Args:
        or_more: whether there may be more than `total` hits, so that a full last page is followed
            by another one.
    """
    if or_more and total == state.page * state.limit:
        total += 1
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
