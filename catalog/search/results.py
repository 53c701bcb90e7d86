"""The result of a search: hits with the signals that found them, total, facets and notes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from catalog.search.filters import FacetCounts
from catalog.search.ranking_sql import Sort
from catalog.search.search_spec import SearchSpec
from catalog.search.understanding import Part


@dataclass(frozen=True, slots=True)
class Signal:
    """One reason why a product was found.

    `name` is one of `fusion.SIGNALS`. The lexical signal has neither model nor similarity.
    """

    name: str
    match: float
    """0 or more. 1 is a similarity that 1 in 1,000 unrelated pairs reach, or, for the lexical
    signal, a product that contains all query terms."""
    weight: float
    model: str = ""
    similarity: float | None = None
    """The cosine similarity."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A product that was found, with the picture that matched best, or else its main picture."""

    id: int
    sku: str
    title: str
    brand: str
    product_type: str
    colour: str
    price: Decimal | None
    regular_price: Decimal | None
    """The price without the reduction; it counts only while it is higher than `price`."""
    currency: str
    in_stock: bool
    image_path: str | None
    image_width: int | None
    image_height: int | None
    score: float = 0.0
    """The value that hits are ranked by; its scale depends on the fusion."""
    match: float | None = None
    """How well the product matches, 0 to 1; None if the search did not rank."""
    exact: bool = False
    """Whether the query equals the product's SKU or title."""
    variants: int = 1
    """The number of variants found that this hit represents."""
    colours: tuple[str, ...] = ()
    """The colours of these variants."""
    signals: tuple[Signal, ...] = ()
    fulfilled: tuple[float, ...] = ()
    """The degree, 0 to 1, to which the product fulfils each wanted part of the query."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds that a search spent on understanding and encoding the query, and on ranking."""

    understand: float = 0.0
    encode: float = 0.0
    sql: float = 0.0

    @property
    def total(self) -> float:
        return self.understand + self.encode + self.sql


@dataclass(frozen=True, slots=True)
class Results:
    """One page of hits.

    `total` is the number of hits on all pages: those in the window that reach the minimum match, or
    all products that pass the filters if the search did not rank.
    """

    hits: tuple[Hit, ...]
    total: int
    spec: SearchSpec
    close: tuple[Hit, ...] = ()
    """Products to show apart, after the last hit: they lack a part of what is wanted. If there is
    no hit, the products that come closest."""
    min_match: float = 0.0
    """The minimum match of a hit."""
    truncated: bool = False
    """Whether there may be more matching products than the window contains."""
    facets: FacetCounts = field(default_factory=dict)
    """For each facet its values, most frequent first, and the number of hits each would leave, if
    the window was not truncated."""
    words: str = ""
    """The words that were searched for, with their spelling corrected."""
    encoded: Mapping[tuple[str, str], np.ndarray] = field(default_factory=dict, repr=False)
    """Embeddings of all encoded words, float32 (d,), by words and model."""
    stored_embeddings: int = 0
    """How many of these embeddings were stored before."""
    corrected: str = ""
    """The same words if their spelling was corrected, otherwise empty."""
    understood: tuple[Part, ...] = ()
    """The parts of the query's text."""
    sort: Sort = ""
    """The order of the hits: that of the spec, else that which the text asks for."""
    wanted: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)
    """The wanted kinds in the order of `Hit.fulfilled`, each with the parts that it combines."""
    given_up: tuple[str, ...] = ()
    """The kinds of wanted parts that no hit fulfils. Without hits, the type if no product has it;
    then `close` has the order `sort`."""
    notes: tuple[str, ...] = ()
    """Messages for the user about what could not be done as requested."""
    is_complete: bool = True
    """False if a model that was needed is not available, or none in use reads such queries: a later
    search may have other results."""
    timings: Timings = Timings()

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.spec.limit))
