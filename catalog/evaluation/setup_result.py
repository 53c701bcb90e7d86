"""The setups to compare, and the results of all queries with each of them."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from catalog.evaluation.explanation import Explanation
from catalog.evaluation.judgments import Judgment
from catalog.evaluation.metrics import NAMES, Estimate, Values, estimate
from catalog.search.results import Hit
from catalog.search.search_spec import SearchSpec

SHOWN = 10
"""Hits that are kept for the report."""


@dataclass(frozen=True, slots=True)
class Setup:
    """A configuration of the search; "" and () mean its defaults.

    With `page`, variants are grouped and the minimum match applies, as on the shop's page. Without,
    only the order of the products is measured.
    """

    model: str = ""
    signals: tuple[str, ...] = ()
    fusion: str = ""
    page: bool = False

    def __str__(self) -> str:
        model, signals = self.model or "default model", " + ".join(self.signals) or "all signals"
        return " · ".join((model, signals, self.fusion or "default fusion"))

    def spec(self, judgment: Judgment, depth: int, picture: bytes | None) -> SearchSpec:
        """The judgment's query, for the first `depth` hits."""
        return SearchSpec(
            text=judgment.text,
            images=() if picture is None else (picture,),
            like=judgment.like,
            filters=judgment.filters,
            model=self.model,
            signals=self.signals,
            fusion=self.fusion,
            min_match=None if self.page else 0.0,
            group_variants=self.page,
            in_stock_first=self.page and bool(judgment.like),
            limit=depth,
        )


@dataclass(frozen=True, slots=True)
class Ranking:
    """The result of one query.

    `relevant` are the grades that count: those of the judgment, or one for each group of variants.
    `values` are the metrics, float64 (len(NAMES),), None for nonsense queries; `best` is the
    highest match, None without hits; `found` are the matches of the relevant products on the first
    page; `ranks` are the ranks, from 1, of the relevant products found. `shown` are the first hits,
    or the nearest products if there is no hit. Times are in seconds.
    """

    judgment: Judgment
    relevant: Mapping[str, int]
    values: Values | None
    best: float | None
    found: tuple[float, ...]
    ranks: Mapping[str, int]
    shown: tuple[Hit, ...]
    explanation: Explanation
    seconds: float
    encode: float
    sql: float

    @property
    def is_answered(self) -> bool:
        """Whether the query has hits."""
        return self.best is not None

    @property
    def first(self) -> int | None:
        """The rank of the first relevant hit."""
        return min(self.ranks.values(), default=None)

    @property
    def missed(self) -> list[str]:
        """The SKUs of the relevant products that are not among the `SHOWN` first hits: the highest
        grade first, then in order of rank."""
        last = {sku: self.ranks.get(sku, sys.maxsize) for sku in self.relevant}
        late = [sku for sku in self.relevant if last[sku] > SHOWN]
        return sorted(late, key=lambda sku: (-self.relevant[sku], last[sku]))


@dataclass(frozen=True, slots=True)
class Speed:
    """Queries per second, run one after the other, and times in milliseconds."""

    per_second: float
    encode_p50: float
    encode_p95: float
    sql_p50: float
    sql_p95: float


@dataclass(frozen=True, slots=True)
class SetupResult:
    """The results of all queries with one setup."""

    setup: Setup
    rankings: list[Ranking] = field(repr=False)

    @property
    def kinds(self) -> list[str]:
        """The kinds of queries, without nonsense queries."""
        return list(dict.fromkeys(each.judgment.kind for each in self.of_kind()))

    @property
    def nonsense(self) -> list[Ranking]:
        """The results of the nonsense queries."""
        return [each for each in self.rankings if each.judgment.is_nonsense]

    def estimates(self, kind: str | None = None) -> dict[str, Estimate]:
        """The mean metrics of one kind of query, or of all queries, by name."""
        values = [each.values for each in self.of_kind(kind) if each.values is not None]
        return dict(zip(NAMES, estimate(np.array(values)), strict=True))

    def of_kind(self, kind: str | None = None) -> list[Ranking]:
        """The results of one kind of query, or of all queries, without nonsense queries."""
        return [
            each
            for each in self.rankings
            if not each.judgment.is_nonsense and kind in (None, each.judgment.kind)
        ]

    @property
    def speed(self) -> Speed:
        encode = _percentiles([each.encode for each in self.rankings])
        sql = _percentiles([each.sql for each in self.rankings])
        seconds = sum(each.seconds for each in self.rankings)
        return Speed(len(self.rankings) / seconds, *encode, *sql)


def _percentiles(seconds: list[float]) -> list[float]:
    return [1000 * float(part) for part in np.percentile(seconds, (50, 95))]
