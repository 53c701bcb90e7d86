"""Runs the judged queries through the search and records hits, metrics and times."""

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from catalog.evaluation.explanation import explain
from catalog.evaluation.judgments import Judgment, JudgmentError
from catalog.evaluation.metrics import measure
from catalog.evaluation.product_lookup import Product
from catalog.evaluation.setup_result import SHOWN, Ranking, Setup, SetupResult
from catalog.evaluation.variant_grades import grade_cards
from catalog.search.results import Hit, Results
from catalog.search.search_spec import SearchError, SearchSpec
from embedding.image_decoding import ImageError

Search = Callable[[Connection, SearchSpec], Results]

PAGE = 24
"""Hits on the first page. Threshold figures count the relevant ones among them."""

DECIMALS = 9
"""Scores are rounded to this many decimals, so that rounding errors do not break ties."""


def run_judgments(
    connection: Connection,
    judgments: Sequence[Judgment],
    setup: Setup,
    search: Search,
    depth: int,
    products: Mapping[str, Product],
    progress: Callable[[], Any] = lambda: None,
) -> SetupResult:
    """Run every query, one after the other, and record the first `depth` hits.

    The first query is run twice, and the first run is not recorded: it loads the models.

    Args:
        products: all products by SKU, with their groups of variants.
        progress: called after every query.

    Raises:
        JudgmentError: the search cannot run a query, or, except for pages, not exactly as asked.
    """
    rankings: list[Ranking] = []
    for judgment in (judgments[0], *judgments):
        try:
            picture = judgment.image.read_bytes() if judgment.image else None
            spec = setup.spec(judgment, depth, picture)
            started = time.perf_counter()
            results = search(connection, spec)
            seconds = time.perf_counter() - started
            # The figures would be those of another query.
            if not (results.is_complete or setup.page):
                raise SearchError("; ".join(results.notes))
        except (SearchError, ImageError, OSError) as error:
            raise JudgmentError(judgment.line, f"{setup}: {error}", judgment.file) from error
        rankings.append(_ranking(judgment, results, products if setup.page else None, seconds))
        progress()
    return SetupResult(setup, rankings[1:])


def _ranking(
    judgment: Judgment,
    results: Results,
    grouped: Mapping[str, Product] | None,
    seconds: float,
) -> Ranking:
    hits = [hit for hit in results.hits if hit.sku not in judgment.exclude]
    relevant = judgment.relevant
    if grouped is not None:
        relevant = grade_cards(relevant, [hit.sku for hit in hits], grouped)
    return Ranking(
        judgment,
        relevant,
        measure(relevant, [(hit.sku, _sort_key(hit)) for hit in hits]) if relevant else None,
        best=max((hit.match or 0.0 for hit in hits), default=None),
        found=tuple(hit.match or 0.0 for hit in hits[:PAGE] if hit.sku in relevant),
        ranks={hit.sku: rank for rank, hit in enumerate(hits, start=1) if hit.sku in relevant},
        shown=tuple((hits or results.close)[:SHOWN]),
        explanation=explain(results),
        seconds=seconds,
        encode=results.timings.encode,
        sql=results.timings.sql,
    )


def _sort_key(hit: Hit) -> Hashable:
    return hit.exact, round(hit.score, DECIMALS)
