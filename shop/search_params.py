"""The parameters of a search page: converted to a `SearchSpec`, and to an address."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from catalog.search.filters import Filters
from catalog.search.pipeline import SearchSpec
from catalog.search.ranking_sql import Sort

LIMITS = (12, 24, 48, 96)
DEFAULT_LIMIT = 24
DEFAULT_BLEND = 0.5
MAX_PICTURES = 4
NO_FILTERS = Filters()

OWN_PARAMETERS = frozenset(
    {
        *(
            "q",
            "picture",
            "like",
            "blend",
            "model",
            "sort",
            "min_match",
            "verbatim",
            "default_min_match",
        ),
        *("group_variants", "diversity", "limit", "page", "min_price", "max_price", "in_stock"),
        "refused",
        *("cursor", "explain", "picture_url", "file"),  # of the API
        *("column", "column_model", "column_signals", "column_fusion", "column_min_match"),
    }
)
"""The parameters that are not facets, on the search page, the one that compares, or of the API."""

FACET_PREFIX = "facet_"


def parameter(facet: str) -> str:
    """The parameter of an address with the values of a facet: its name, with a prefix where another
    parameter has this name."""
    taken = facet in OWN_PARAMETERS or facet.startswith(FACET_PREFIX)
    return FACET_PREFIX + facet if taken else facet


@cache
def search_url() -> str:
    """The address of the search page, of which a page contains many."""
    return reverse("search")


@dataclass(frozen=True, slots=True)
class SearchParams:
    """A search as its address describes it; the address contains no default values.

    `pictures` are the names of stored query pictures or of parts of them, see `query_pictures`; see
    `SearchSpec` for the others.
    """

    text: str = ""
    pictures: tuple[str, ...] = ()
    like: str = ""
    blend: float = DEFAULT_BLEND
    model: str = ""
    limit: int = DEFAULT_LIMIT
    page: int = 1
    filters: Filters = NO_FILTERS
    sort: Sort = ""
    min_match: int | None = None
    """The minimum match of a hit, in percent; None means the default."""
    verbatim: bool = False
    group_variants: bool = True
    diversity: float = 0.0

    @property
    def ranks(self) -> bool:
        """Whether the search has a query, so that results are ranked."""
        return bool(self.text or self.pictures or self.like)

    @property
    def is_home(self) -> bool:
        """Whether this is the front page: no query, no filters, first page."""
        return not self.ranks and not self.filters and self.page == 1

    @property
    def is_indexed(self) -> bool:
        """Whether search engines list it: pages of the whole catalogue, but no searches."""
        return self == SearchParams(page=self.page)

    def spec(self, images: tuple[bytes, ...] = ()) -> SearchSpec:
        """The same search as a `SearchSpec`; `images` are the contents of the query pictures."""
        return SearchSpec(
            text=self.text,
            images=images,
            like=self.like,
            blend=self.blend,
            filters=self.filters,
            model=self.model,
            limit=self.limit,
            page=self.page,
            sort=self.sort,
            min_match=None if self.min_match is None else self.min_match / 100,
            verbatim=self.verbatim,
            group_variants=self.group_variants,
            in_stock_first=bool(self.like),
            diversity=self.diversity,
        )

    def query(self) -> str:
        """The query string: all parameters that differ from their defaults."""
        return urlencode(list(self._parameters()))

    def url(self) -> str:
        query = self.query()
        return search_url() + (f"?{query}" if query else "")

    def changed(self, **values: Any) -> "SearchParams":
        """The same search with other values; it starts at the first page unless `page` is given."""
        return replace(self, **({"page": 1} | values))

    def with_picture(self, name: str) -> "SearchParams":
        """The same search with one more picture; the oldest is removed if there are too many."""
        kept = [known for known in self.pictures if known != name]
        return self.changed(pictures=tuple([*kept, name][-MAX_PICTURES:]))

    def without_picture(self, name: str) -> "SearchParams":
        return self.changed(pictures=tuple(it for it in self.pictures if it != name))

    def with_part(self, name: str, part: str) -> "SearchParams":
        """The same search with another part of a picture, in its place."""
        changed = (part if it == name else it for it in self.pictures)
        return self.changed(pictures=tuple(dict.fromkeys(changed)))

    def filtered(self, **values: Any) -> "SearchParams":
        """The same search with changed filters."""
        return self.changed(filters=replace(self.filters, **values))

    def without(self, facet: str, value: str) -> "SearchParams":
        """The same search without one value of a facet."""
        kept = [known for known in self.filters.values.get(facet, ()) if known != value]
        return self.changed(filters=self.filters.choose(facet, kept))

    def _parameters(self) -> Iterator[tuple[str, str]]:
        if self.text:
            yield "q", self.text
        for picture in self.pictures:
            yield "picture", picture
        if self.like:
            yield "like", self.like
        if self.blend != DEFAULT_BLEND:
            yield "blend", f"{self.blend:g}"
        for facet, values in self.filters.values.items():
            for value in values:
                yield parameter(facet), value
        for name in ("min_price", "max_price"):
            price: Decimal | None = getattr(self.filters, name)
            if price is not None:
                yield name, f"{price:f}"
        if self.filters.in_stock:
            yield "in_stock", "1"
        if self.model:
            yield "model", self.model
        if self.sort:
            yield "sort", self.sort
        if self.min_match is not None:
            yield "min_match", str(self.min_match)
        if self.verbatim:
            yield "verbatim", self.text
        if not self.group_variants:
            yield "group_variants", "0"
        if self.diversity:
            yield "diversity", f"{self.diversity:g}"
        if self.limit != DEFAULT_LIMIT:
            yield "limit", str(self.limit)
        if self.page != 1:
            yield "page", str(self.page)
