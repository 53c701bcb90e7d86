"""The request of a search: a frozen value, validated on creation."""

from dataclasses import dataclass, field

from catalog.search.filters import Filters
from catalog.search.fusion import FUSIONS, SIGNALS
from catalog.search.ranking_sql import ORDERS, Sort
from catalog.search.weights import AllWeights
from catalog.text import normalize_space
from embedding.errors import UserFacingError

MAX_LIMIT = 1000
MAX_TEXT = 10_000
DEFAULT_WITHOUT_WEIGHT = 0.4


class SearchError(UserFacingError, ValueError):
    """The search cannot be run as requested; the message is for the user."""


class NotUnderstood(SearchError):
    """No model in use understands the query."""


class UnknownProduct(SearchError):
    """No product has the requested SKU."""


@dataclass(frozen=True, slots=True)
class SearchSpec:
    """What to search for. Without `text`, `images` and `like`, the search lists the catalogue."""

    text: str = ""
    """As typed into the search box; see `catalog.search.understanding`."""
    images: tuple[bytes, ...] = field(default=(), repr=False)
    """Encoded pictures to search for. They are averaged, together with the product `like`."""
    like: str = ""
    """SKU of a product to find similar products for, with or without additional words."""
    without: str = ""
    """Words for what to avoid, in addition to those in `text`."""
    without_images: tuple[bytes, ...] = field(default=(), repr=False)
    """Pictures of what to avoid."""
    blend: float = 0.5
    """Total weight of the pictures and the product if there are also words: 0 to 1."""
    without_weight: float = DEFAULT_WITHOUT_WEIGHT
    """Weight of what to avoid, relative to a weight of 1 for what to search for."""
    filters: Filters = field(default_factory=Filters)
    model: str = ""
    """The name of a registry entry, or several joined as in "a+b". "" is the first model in use
    that understands the query, starting with the default model."""
    signals: tuple[str, ...] = ()
    """Which of `fusion.SIGNALS` to use; all of them if empty."""
    fusion: str = ""
    """One of `fusion.FUSIONS`; "" is the default."""
    min_match: float | None = None
    """The minimum match of a hit, 0 to 1. None stands for that of the weights, or for the setting
    `SEARCH_MIN_MATCH`, or else for `fusion.MIN_MATCH` or, for pictures without words,
    `picture_floor.picture_min_match`."""
    weights: AllWeights | None = field(default=None, hash=False, repr=False)
    """Weights by kind of query, to see their effect before they are stored. None stands for those
    that are in use."""
    verbatim: bool = False
    """Search for the words as typed, without correcting their spelling."""
    group_variants: bool = True
    """Show the variants of a product as one."""
    in_stock_first: bool = False
    """Show hits that are out of stock after all others, unless a sort order is chosen."""
    diversity: float = 0.0
    """0 orders hits by relevance alone, 1 by their difference from the hits before them."""
    sort: Sort = ""
    """"" is the order that the text asks for, else the best match first."""
    limit: int = 24
    page: int = 1

    def __post_init__(self) -> None:
        for name in ("text", "without"):
            object.__setattr__(self, name, normalize_space(getattr(self, name))[:MAX_TEXT])
        for name in ("blend", "without_weight", "diversity"):
            if not 0 <= getattr(self, name) <= 1:
                raise SearchError(f"{name} must be between 0 and 1, not {getattr(self, name)}")
        if self.min_match is not None and not 0 <= self.min_match <= 1:
            raise SearchError(f"min_match must be between 0 and 1, not {self.min_match}")
        if not 1 <= self.limit <= MAX_LIMIT:
            raise SearchError(f"limit must be between 1 and {MAX_LIMIT}, not {self.limit}")
        if self.page < 1:
            raise SearchError(f"page must be at least 1, not {self.page}")
        if self.sort not in ORDERS:
            raise SearchError(f"unknown sort order {self.sort!r}; choose {_either(ORDERS)}")
        if self.fusion and self.fusion not in FUSIONS:
            raise SearchError(f"unknown fusion {self.fusion!r}; choose {_either(FUSIONS)}")
        if unknown := set(self.signals) - set(SIGNALS):
            raise SearchError(f"unknown signal {min(unknown)!r}; choose {_either(SIGNALS)}")

    @property
    def ranks(self) -> bool:
        """Whether there is anything to rank products by."""
        return bool(self.text or self.images or self.like)

    def counts(self, signal: str) -> bool:
        """Whether a signal is used."""
        return not self.signals or signal in self.signals


def _either(names: object) -> str:
    return " or ".join(repr(name) for name in names)  # type: ignore[attr-defined]
