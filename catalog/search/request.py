"""What can be asked of the search: a frozen value, checked where it is made."""

from dataclasses import dataclass, field

from catalog.search.filters import Filters
from catalog.search.fusion import FUSIONS, SIGNALS
from catalog.search.ranking_sql import ORDERS, Sort
from catalog.text import normalize_space

MAX_LIMIT = 1000
MAX_TEXT = 10_000


class SearchError(ValueError):
    """A search that cannot be run as asked; the message is for the one who asked."""


class NotUnderstood(SearchError):
    """No model in use can do what is asked."""


class UnknownProduct(SearchError):
    """No product has the SKU that was asked for."""


@dataclass(frozen=True, slots=True)
class SearchSpec:
    """What is looked for. Without `text`, `images` and `like`, the catalogue itself."""

    text: str = ""
    """As typed in the box; see `query_syntax.parse_text` for `-word` and `without …`."""
    images: tuple[bytes, ...] = field(default=(), repr=False)
    """Encoded pictures, whose mean is looked for, that of `like` among them."""
    like: str = ""
    """SKU of a product whose like are wanted, with or without words beside it."""
    without: str = ""
    """Words for what to keep away from, besides those in `text`."""
    without_images: tuple[bytes, ...] = field(default=(), repr=False)
    """Pictures of what to keep away from."""
    blend: float = 0.5
    """Share of the pictures and the product together, where there are words too: 0 to 1."""
    without_weight: float = 0.4
    """Weight of what to keep away from, where what is looked for has 1."""
    filters: Filters = field(default_factory=Filters)
    model: str = ""
    """A registry entry's name, or two in tandem, as in "a+b"; "" is the first in use that can do
    what is asked, the default one before all."""
    signals: tuple[str, ...] = ()
    """Which of `fusion.SIGNALS` count; all of them if none is named."""
    fusion: str = ""
    """One of `fusion.FUSIONS`; "" is the default one."""
    min_match: float | None = None
    """The minimum match of a hit, 0 to 1; None: `SEARCH_MINIMUM`, or `fusion.MIN_MATCH`."""
    verbatim: bool = False
    """Look for the words as they are, without correcting their spelling."""
    group_variants: bool = True
    """Show the variants of a product as one."""
    diversity: float = 0.0
    """From 0, the best first, to 1, each as unlike those before it as can be."""
    sort: Sort = ""
    limit: int = 24
    page: int = 1

    def __post_init__(self) -> None:
        for name in ("text", "without"):
            object.__setattr__(self, name, normalize_space(getattr(self, name))[:MAX_TEXT])
        for name in ("blend", "without_weight", "diversity"):
            if not 0 <= getattr(self, name) <= 1:
                raise SearchError(f"the {name} must lie between 0 and 1, not {getattr(self, name)}")
        if self.min_match is not None and not 0 <= self.min_match <= 1:
            raise SearchError(f"min_match must be between 0 and 1, not {self.min_match}")
        if not 1 <= self.limit <= MAX_LIMIT:
            raise SearchError(f"the number of results must be from 1 to {MAX_LIMIT}")
        if self.page < 1:
            raise SearchError(f"pages count from 1, not {self.page}")
        if self.sort not in ORDERS:
            raise SearchError(f"there is no order {self.sort!r}; choose {_either(ORDERS)}")
        if self.fusion and self.fusion not in FUSIONS:
            raise SearchError(f"there is no fusion {self.fusion!r}; choose {_either(FUSIONS)}")
        if unknown := set(self.signals) - set(SIGNALS):
            raise SearchError(f"there is no signal {min(unknown)!r}; choose {_either(SIGNALS)}")

    @property
    def ranks(self) -> bool:
        """Whether there is something to rank by."""
        return bool(self.text or self.images or self.like)

    def counts(self, signal: str) -> bool:
        """Whether a signal is to count."""
        return not self.signals or signal in self.signals


def _either(names: object) -> str:
    return " or ".join(repr(name) for name in names)  # type: ignore[attr-defined]
