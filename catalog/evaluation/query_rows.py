"""The queries that the HTML report shows, with their first hits and the products they missed."""

from collections.abc import Mapping
from dataclasses import dataclass

from catalog.evaluation.metrics import NAMES
from catalog.evaluation.product_lookup import Product
from catalog.evaluation.report_pictures import (
    HitPicture,
    Picture,
    hit_picture,
    product_picture,
    thumbnail,
)
from catalog.evaluation.setup_result import Ranking, SetupResult

BAD = 0.8
"""Queries with a lower nDCG@10 are shown."""

MOST = 40
"""Maximum number of bad queries shown of each kind; it limits the size of the report."""

MISSED = 6
"""Number of missed products shown of each query."""

_NDCG, _MAP = NAMES.index("nDCG@10"), NAMES.index("mAP")


@dataclass(frozen=True, slots=True)
class Missed:
    """A relevant product that is not among the first hits; `rank` is None if it was not found."""

    picture: Picture
    grade: int
    rank: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """A query, its picture or product, its first hits, and the first of its missed products."""

    ranking: Ranking
    query: Picture | None
    hits: list[HitPicture]
    missed: list[Missed]
    missed_count: int
    ndcg: float | None


def bad_rankings(measured: SetupResult) -> list[Ranking]:
    """Results with an nDCG@10 below `BAD`, worst first, then the lowest mAP first: at most `MOST`
    of each kind."""
    chosen = [
        ranking
        for kind in measured.kinds
        for ranking in sorted(measured.of_kind(kind), key=_quality)[:MOST]
        if _quality(ranking)[0] < BAD
    ]
    return sorted(chosen, key=_quality)


def query_row(ranking: Ranking, products: Mapping[str, Product]) -> Row:
    """The row of a query, with its pictures."""
    judgment = ranking.judgment
    query = None
    if judgment.image:
        query = Picture(judgment.image.name, thumbnail(judgment.image))
    elif judgment.like:
        query = product_picture(products[judgment.like])
    return Row(
        ranking,
        query,
        [hit_picture(hit, ranking.judgment.relevant.get(hit.sku, 0)) for hit in ranking.shown],
        [
            Missed(product_picture(products[sku]), ranking.relevant[sku], ranking.ranks.get(sku))
            for sku in ranking.missed[:MISSED]
        ],
        len(ranking.missed),
        None if ranking.values is None else float(ranking.values[_NDCG]),
    )


def _quality(ranking: Ranking) -> tuple[float, float]:
    assert ranking.values is not None, "nonsense queries have no measures"
    return float(ranking.values[_NDCG]), float(ranking.values[_MAP])
