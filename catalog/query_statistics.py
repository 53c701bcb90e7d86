"""What shoppers searched for in the last two weeks, from the query log."""

from dataclasses import dataclass

from sqlalchemy import Connection

WEEK = 7
"""Days of a week; the week before is compared with the last one."""

# An index finds the days, so that the length of the whole log does not matter.
COUNTED = f"""
SELECT key, (array_agg(text ORDER BY searches DESC, searched_at DESC, text))[1] AS query,
       sum(searches)::bigint AS searches,
       coalesce(sum(searches) FILTER (WHERE day > current_date - {WEEK}), 0)::bigint AS this_week,
       coalesce(sum(searches) FILTER (WHERE day <= current_date - {WEEK}), 0)::bigint
           AS week_before,
       sum(unanswered)::bigint AS unanswered,
       (array_agg(results ORDER BY searched_at DESC))[1] AS results,
       sum(total_ms)::float8 / nullif(sum(searches) FILTER (WHERE total_ms > 0), 0) AS mean_ms,
       max(slowest_ms) AS slowest_ms, max(searched_at) AS searched_at
  FROM query_log
 WHERE day > current_date - {2 * WEEK}
 GROUP BY key
"""

DAYS = f"""
SELECT l.key, array_agg(l.searches ORDER BY l.ago DESC)
  FROM (SELECT wanted.key, ago, coalesce(sum(q.searches), 0)::bigint AS searches
          FROM unnest(%(keys)s::text[]) AS wanted (key)
               CROSS JOIN generate_series(0, {2 * WEEK - 1}) AS ago
               LEFT JOIN query_log q ON q.key = wanted.key AND q.day = current_date - ago
         GROUP BY wanted.key, ago) AS l
 GROUP BY l.key
"""

UNANSWERED = f"""
SELECT c.query, c.unanswered, c.searches,
       (SELECT string_agg(s.meaning, ', ' ORDER BY s.meaning) FROM synonym s
         WHERE s.enabled AND s.phrase_key = public.phrase_key(c.query)) AS meanings
  FROM ({COUNTED}) AS c
 WHERE c.unanswered > 0 AND c.results = 0
 ORDER BY c.unanswered DESC, c.searched_at DESC, c.key
 LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class PopularQuery:
    """A query and its searches on each of the last 14 days, the oldest first."""

    query: str
    this_week: int
    week_before: int
    results: int
    """The number of products that the last search found."""
    days: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class UnansweredQuery:
    """A query that found nothing without filters, also when it was last searched for."""

    query: str
    unanswered: int
    searches: int
    meanings: str | None
    """What synonyms say that it means; None if no synonym has it as its phrase."""


@dataclass(frozen=True, slots=True)
class SlowQuery:
    """A query and its times, in milliseconds."""

    query: str
    mean_ms: float
    slowest_ms: int
    searches: int


def popular_queries(connection: Connection, limit: int) -> list[PopularQuery]:
    """The most frequent queries of the last week."""
    rows = connection.exec_driver_sql(
        f"SELECT key, query, this_week, week_before, results FROM ({COUNTED}) AS c"
        " WHERE this_week > 0 ORDER BY this_week DESC, searches DESC, key LIMIT %(limit)s",
        {"limit": limit},
    ).all()
    found = connection.exec_driver_sql(DAYS, {"keys": [row.key for row in rows]})
    days = {key: tuple(counts) for key, counts in found}
    return [
        PopularQuery(row.query, row.this_week, row.week_before, row.results, days[row.key])
        for row in rows
    ]


def unanswered_queries(connection: Connection, limit: int) -> list[UnansweredQuery]:
    """Queries that find nothing, the most frequent first."""
    rows = connection.exec_driver_sql(UNANSWERED, {"limit": limit})
    return [UnansweredQuery(*row) for row in rows]


def slow_queries(connection: Connection, limit: int) -> list[SlowQuery]:
    """The queries whose searches took longest."""
    rows = connection.exec_driver_sql(
        f"SELECT query, mean_ms, slowest_ms, searches FROM ({COUNTED}) AS c"
        " WHERE slowest_ms > 0 ORDER BY slowest_ms DESC, key LIMIT %(limit)s",
        {"limit": limit},
    )
    return [SlowQuery(*row) for row in rows]
