"""Runs the judged queries through the search and records hits, metrics and times."""

import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import Connection

from catalog.evaluation.judgments import Judgment, JudgmentError
from catalog.evaluation.metrics import NAMES, Estimate, Values, estimate, measure
from catalog.search.pipeline import Hit, Results
from catalog.search.search_spec import SearchError, SearchSpec
from embedding.image_decoding import ImageError

Search = Callable[[Connection, SearchSpec], Results]

PAGE = 24
"""Hits on the first page. Threshold figures count the relevant ones among them."""

DECIMALS = 9
"""Scores are rounded to this many decimals, so that rounding errors do not break ties."""

SHOWN = 10
"""Hits that are kept for the report."""


@dataclass(frozen=True, slots=True)
class Setup:
    """A configuration of the search; "" and () mean its defaults."""

    model: str = ""
    signals: tuple[str, ...] = ()
    fusion: str = ""

    @property
    def model_name(self) -> str:
        return self.model or "default model"

    @property
    def signals_name(self) -> str:
        return " + ".join(self.signals) or "all signals"

    @property
    def fusion_name(self) -> str:
        return self.fusion or "default fusion"

    def __str__(self) -> str:
        return " · ".join((self.model_name, self.signals_name, self.fusion_name))

    def spec(self, judgment: Judgment, depth: int, picture: bytes | None) -> SearchSpec:
        """The judgment's query, without a minimum match and without grouping variants."""
        return SearchSpec(
            text=judgment.text,
            images=() if picture is None else (picture,),
            like=judgment.like,
            filters=judgment.filters,
            model=self.model,
            signals=self.signals,
            fusion=self.fusion,
            min_match=0.0,
            group_variants=False,
            limit=depth,
        )


@dataclass(frozen=True, slots=True)
class Ranking:
    """The result of one query.

    `values` are the metrics, float64 (len(NAMES),), None for nonsense queries; `best` is the
    highest match, None without hits; `found` are the matches of the relevant products among the
    first `PAGE` hits; `first` is the rank, from 1, of the first relevant hit. Times are in seconds.
    """

    judgment: Judgment
    values: Values | None
    best: float | None
    found: tuple[float, ...]
    first: int | None
    shown: tuple[Hit, ...]
    seconds: float
    encode: float
    sql: float


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
        return list(dict.fromkeys(each.judgment.kind for each in self._answered()))

    def estimates(self, kind: str) -> dict[str, Estimate]:
        """The mean metrics of one kind of query, by name."""
        values = [
            each.values
            for each in self._answered()
            if each.judgment.kind == kind and each.values is not None
        ]
        return dict(zip(NAMES, estimate(np.array(values)), strict=True))

    def of_kind(self, kind: str) -> list[Ranking]:
        """The results of one kind of query."""
        return [each for each in self.rankings if each.judgment.kind == kind]

    @property
    def speed(self) -> Speed:
        encode = _percentiles([each.encode for each in self.rankings])
        sql = _percentiles([each.sql for each in self.rankings])
        seconds = sum(each.seconds for each in self.rankings)
        return Speed(len(self.rankings) / seconds, *encode, *sql)

    def _answered(self) -> list[Ranking]:
        return [each for each in self.rankings if not each.judgment.is_nonsense]


def run_judgments(
    connection: Connection,
    judgments: Sequence[Judgment],
    setup: Setup,
    search: Search,
    depth: int,
    progress: Callable[[], Any] = lambda: None,
) -> SetupResult:
    """Run every query, one after the other, and record the first `depth` hits.

    The first query is run twice, and the first run is not recorded: it loads the models. `progress`
    is called after every query.

    Raises:
        JudgmentError: the search cannot run a query, or not exactly as asked.
    """
    rankings: list[Ranking] = []
    for judgment in (judgments[0], *judgments):
        try:
            picture = judgment.image.read_bytes() if judgment.image else None
            spec = setup.spec(judgment, depth, picture)
            started = time.perf_counter()
            results = search(connection, spec)
            seconds = time.perf_counter() - started
            if results.notes:  # the search changed the query, so the figures would be wrong
                raise SearchError("; ".join(results.notes))
        except (SearchError, ImageError, OSError) as error:
            raise JudgmentError(judgment.line, f"{setup}: {error}") from error
        rankings.append(_ranking(judgment, results, seconds))
        progress()
    return SetupResult(setup, rankings[1:])


def _ranking(judgment: Judgment, results: Results, seconds: float) -> Ranking:
    hits = [hit for hit in results.hits if hit.sku not in judgment.exclude]
    relevant = judgment.relevant
    ranks = [rank for rank, hit in enumerate(hits, start=1) if hit.sku in relevant]
    return Ranking(
        judgment,
        measure(relevant, [(hit.sku, _sort_key(hit)) for hit in hits]) if relevant else None,
        best=max((hit.match or 0.0 for hit in hits), default=None),
        found=tuple(hit.match or 0.0 for hit in hits[:PAGE] if hit.sku in relevant),
        first=ranks[0] if ranks else None,
        shown=tuple(hits[:SHOWN]),
        seconds=seconds,
        encode=results.timings.encode,
        sql=results.timings.sql,
    )


def _percentiles(seconds: list[float]) -> list[float]:
    return [1000 * float(part) for part in np.percentile(seconds, (50, 95))]


def _sort_key(hit: Hit) -> Hashable:
    return hit.exact, round(hit.score, DECIMALS)
