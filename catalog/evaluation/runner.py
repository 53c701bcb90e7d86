"""Judgments through the search: what is found, how well it is ranked, and how long that takes."""

import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import Connection

from catalog.evaluation.judgments import Judgment, JudgmentError
from catalog.evaluation.metrics import NAMES, Estimate, Values, estimate, measure
from catalog.search.pipeline import Hit, Results
from catalog.search.request import SearchError, SearchSpec
from embedding.image_decoding import ImageError

Search = Callable[[Connection, SearchSpec], Results]

PAGE = 24
"""Hits of which a threshold should keep the relevant ones: what a shopper sees at first."""

DECIMALS = 9
"""To which scores are compared: sums of the same parts in another order are a tie."""

SHOWN = 10
"""Hits kept for showing."""


@dataclass(frozen=True, slots=True)
class Setup:
    """One way to search: "" and () are the search's own defaults."""

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
        """The judgment's query, every product ranked by itself and none below a threshold."""
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
    """What one query found. `values` are the measures, float64 (len(NAMES),), none for nonsense.

    `best` is the highest match, None without a hit; `found` the matches of the relevant among the
    first `PAGE` hits; `first` the rank from 1 of the first relevant hit; times are in seconds.
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
    """Queries a second, one after the other, and the parts of a query in milliseconds."""

    per_second: float
    encode_p50: float
    encode_p95: float
    sql_p50: float
    sql_p95: float


@dataclass(frozen=True, slots=True)
class Measured:
    """A setup's rankings of all judgments."""

    setup: Setup
    rankings: list[Ranking] = field(repr=False)

    @property
    def kinds(self) -> list[str]:
        """The kinds of the queries that have an answer."""
        return list(dict.fromkeys(each.judgment.kind for each in self._answered()))

    def estimates(self, kind: str) -> dict[str, Estimate]:
        """The mean measures of one kind of query, by name."""
        values = [
            each.values
            for each in self._answered()
            if each.judgment.kind == kind and each.values is not None
        ]
        return dict(zip(NAMES, estimate(np.array(values)), strict=True))

    def of_kind(self, kind: str) -> list[Ranking]:
        return [each for each in self.rankings if each.judgment.kind == kind]

    @property
    def speed(self) -> Speed:
        encode = _percentiles([each.encode for each in self.rankings])
        sql = _percentiles([each.sql for each in self.rankings])
        seconds = sum(each.seconds for each in self.rankings)
        return Speed(len(self.rankings) / seconds, *encode, *sql)

    def _answered(self) -> list[Ranking]:
        return [each for each in self.rankings if not each.judgment.is_nonsense]


def run(
    connection: Connection,
    judgments: Sequence[Judgment],
    setup: Setup,
    search: Search,
    depth: int,
    progress: Callable[[], Any] = lambda: None,
) -> Measured:
    """Search for every judgment's query, one after the other, and look at the first `depth` hits.

    The first query is run once before, unmeasured: models load when they are first used.

    Raises:
        JudgmentError: the search cannot run a judgment's query as asked, or does something else
            in its place.
    """
    rankings: list[Ranking] = []
    for judgment in (judgments[0], *judgments):
        try:
            picture = judgment.image.read_bytes() if judgment.image else None
            spec = setup.spec(judgment, depth, picture)
            started = time.perf_counter()
            results = search(connection, spec)
            seconds = time.perf_counter() - started
            if results.notes:  # not done as asked: the figures would be another search's
                raise SearchError("; ".join(results.notes))
        except (SearchError, ImageError, OSError) as error:
            raise JudgmentError(judgment.line, f"{setup}: {error}") from error
        rankings.append(_ranking(judgment, results, seconds))
        progress()
    return Measured(setup, rankings[1:])


def _ranking(judgment: Judgment, results: Results, seconds: float) -> Ranking:
    hits = [hit for hit in results.hits if hit.sku not in judgment.exclude]
    relevant = judgment.relevant
    places = [place for place, hit in enumerate(hits, start=1) if hit.sku in relevant]
    return Ranking(
        judgment,
        measure(relevant, [(hit.sku, _ranked_by(hit)) for hit in hits]) if relevant else None,
        best=max((hit.match or 0.0 for hit in hits), default=None),
        found=tuple(hit.match or 0.0 for hit in hits[:PAGE] if hit.sku in relevant),
        first=places[0] if places else None,
        shown=tuple(hits[:SHOWN]),
        seconds=seconds,
        encode=results.timings.encode,
        sql=results.timings.sql,
    )


def _percentiles(seconds: list[float]) -> list[float]:
    return [1000 * float(part) for part in np.percentile(seconds, (50, 95))]


def _ranked_by(hit: Hit) -> Hashable:
    return hit.exact, round(hit.score, DECIMALS)
