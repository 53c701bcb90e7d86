"""What a search found: hits, why they were found, and what is true of all of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from catalog.search.filters import FacetCounts
from catalog.search.request import SearchSpec


@dataclass(frozen=True, slots=True)
class Signal:
    """One reason why a product was found.

    `name` is one of `fusion.SIGNALS`; the lexical one has neither model nor similarity.
    """

    name: str
    match: float
    """0 upwards; 1 is as close as a thousandth of unrelated pairs come, or all words borne."""
    weight: float
    model: str = ""
    similarity: float | None = None
    """The cosine."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A product found, with the picture that spoke for it, or its main one."""

    id: int
    sku: str
    title: str
    brand: str
    product_type: str
    colour: str
    price: Decimal | None
    currency: str
    in_stock: bool
    image_path: str | None
    image_width: int | None
    image_height: int | None
    score: float = 0.0
    """What it is ranked by; its scale is the fusion's own."""
    match: float | None = None
    """How well it matches, 0 to 1; None where nothing was ranked."""
    exact: bool = False
    """Whether the words are its SKU or its title."""
    variants: int = 1
    """How many variants of it were found, which it stands for."""
    colours: tuple[str, ...] = ()
    """Theirs."""
    signals: tuple[Signal, ...] = ()


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds that a search spent on encoding the query, and in the database."""

    encode: float = 0.0
    sql: float = 0.0


@dataclass(frozen=True, slots=True)
class Results:
    """One page of hits. `total` counts what can be paged through: what matches within the window,
    or the catalogue's own where nothing was looked for."""

    hits: tuple[Hit, ...]
    total: int
    spec: SearchSpec
    nearest: tuple[Hit, ...] = ()
    """Where nothing matches: what comes closest."""
    min_match: float = 0.0
    """The minimum match of a hit."""
    truncated: bool = False
    """Whether more may match than the window holds."""
    facets: FacetCounts = field(default_factory=dict)
    """For each facet its values, the most frequent first, and how many hits each would leave."""
    words: str = ""
    """What was looked for, as far as it is words; spelling corrected."""
    encoded: Mapping[tuple[str, str], np.ndarray] = field(default_factory=dict, repr=False)
    """Embeddings of these and other words, by words and model."""
    corrected: str = ""
    """The words looked for, where their spelling was corrected."""
    notes: tuple[str, ...] = ()
    """What could not be done as asked, for the one who asked."""
    timings: Timings = Timings()

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.spec.limit))
