"""What the start page of the admin shows: embeddings, workers, searches, disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from sqlalchemy import Connection

from catalog.db.connection import connect
from catalog.db.ttl_cache import TtlCache
from catalog.indexing.coverage_report import catalogue_coverage, disk_usage
from catalog.indexing.heartbeat import running_workers
from catalog.query_statistics import (
    PopularQuery,
    SlowQuery,
    popular_queries,
    slow_queries,
    unanswered_queries,
)
from shop.admin.synonyms import may_edit_synonyms, synonym_choices

LISTED = 8
"""The number of queries in each list."""

WIDTH, HEIGHT = 84, 20
"""The size of a sparkline, in SVG units."""


@dataclass(frozen=True, slots=True)
class Trend:
    """A popular query, its change against the week before in percent, and a line of its days."""

    query: PopularQuery
    points: str
    """The attribute `points` of an SVG polyline."""

    @property
    def change(self) -> int | None:
        before = self.query.week_before
        return round(100 * (self.query.this_week - before) / before) if before else None

    @property
    def direction(self) -> str:
        if self.change is None:
            return "new"
        return "up" if self.change > 0 else "down" if self.change < 0 else "same"


def start_page(request: HttpRequest) -> dict[str, Any]:
    """The context of the start page, for staff who may see the products."""
    if not request.user.has_perm("shop.view_product"):
        return {}
    with connect() as connection:
        coverage = catalogue_coverage(connection)
        popular, slow = _searches.get(connection)
        context: dict[str, Any] = {
            "coverage": coverage,
            "pending": sum(it.counts.pending for it in coverage),
            "workers": running_workers(connection),
            "popular": [Trend(it, sparkline(it.days)) for it in popular],
            "slow": slow,
            "unanswered": unanswered_queries(connection, LISTED),
            "disk": disk_usage(connection),
            "sparkline": (WIDTH, HEIGHT),
            "may_edit_synonyms": may_edit_synonyms(request),
        }
    return context | (synonym_choices() if context["may_edit_synonyms"] else {})


def _count_searches(
    connection: Connection, _key: str
) -> tuple[list[PopularQuery], list[SlowQuery]]:
    return popular_queries(connection, LISTED), slow_queries(connection, LISTED)


_searches = TtlCache(_count_searches)


def sparkline(counts: Sequence[int]) -> str:
    """The points of a line from 0 to the highest count."""
    highest = max(*counts, 1)
    step = WIDTH / (len(counts) - 1)
    return " ".join(
        f"{place * step:.1f},{1 + (HEIGHT - 2) * (1 - count / highest):.1f}"
        for place, count in enumerate(counts)
    )
