"""The query log, which counts what shoppers search for, and the embeddings of queries.

The table `query_log` counts each query by day. It keeps the most frequent queries, for a limited
time. The table `query_embedding` keeps the embeddings of these queries, and those that analysts
request (catalog/sqlapi/sql/request.sql); nothing that an analyst does changes the log.
"""

import logging
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from pgvector import HalfVector
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from catalog import config
from catalog.db.connection import connect, driver_connection
from catalog.search.vocabulary import refresh_view

MAX_LENGTH = 500
"""Longest text to log, in characters: longer ones are rarely searched for twice."""

PRUNE_SHARE = 0.01
"""Share of searches after which the query log and the embeddings are pruned."""

TRIES = 3
"""Maximum attempts at embedding a text; catalog/sqlapi/sql/embed.sql has the same number."""

MAX_REQUESTED = 10_000
"""How many embeddings of texts are kept that are not in the query log, the last used ones."""

MAX_WAITING = 1_000
"""How many texts of one database user may wait for their embeddings."""

MAX_REQUESTS = 10_000
"""How many texts one database user may request in an hour, with those requested again."""

logger = logging.getLogger(__name__)

# The page does not wait for the disk. If the server crashes, the last searches are not counted.
NEED_NOT_LAST = "SET LOCAL synchronous_commit = off"

COUNT = """
INSERT INTO query_log AS l (text, misspelt, searches, unanswered, results, total_ms, slowest_ms)
VALUES (%(text)s, %(misspelt)s, %(searches)s, %(unanswered)s, %(results)s, %(total_ms)s,
        %(slowest_ms)s)
    ON CONFLICT (text, misspelt, day) DO UPDATE
   SET searches = l.searches + excluded.searches,
       unanswered = l.unanswered + excluded.unanswered,
       results = excluded.results,
       total_ms = l.total_ms + excluded.total_ms,
       slowest_ms = greatest(l.slowest_ms, excluded.slowest_ms),
       searched_at = now()
"""

STORE = """
INSERT INTO query_embedding AS q (text, model, embedding, embedded_at)
VALUES (%(text)s, %(model)s, %(embedding)s, CASE WHEN %(is_embedded)s THEN now() END)
    ON CONFLICT ON CONSTRAINT query_embedding_pkey DO UPDATE
   SET embedding = coalesce(q.embedding, excluded.embedding),
       embedded_at = coalesce(q.embedded_at, excluded.embedded_at),
       used_at = now()
"""

DELETE_OLD = "DELETE FROM query_log WHERE day <= current_date - %(days)s::integer"

DELETE_RARE = """
DELETE FROM query_log l
 USING (SELECT key
          FROM query_log
         GROUP BY key
         ORDER BY sum(searches) DESC, max(searched_at) DESC
        OFFSET %(size)s) AS rare
 WHERE l.key = rare.key
"""

# The same number for each database user, so that nobody displaces what others use.
DELETE_UNUSED = """
DELETE FROM query_embedding q
 USING (SELECT e.text, e.model
          FROM query_embedding e
         WHERE NOT EXISTS (SELECT FROM query_log l WHERE l.text = e.text)
         ORDER BY row_number() OVER (PARTITION BY e.requested_by ORDER BY e.used_at DESC),
                  e.used_at DESC
        OFFSET %(requested)s) AS unused
 WHERE (q.text, q.model) = (unused.text, unused.model)
"""


@dataclass(frozen=True, slots=True)
class LoggedSearch:
    """A search to log."""

    words: str
    """What was searched for, with spelling corrected."""
    encoded: tuple[tuple[str, np.ndarray | None], ...]
    """For each model its embedding of the words, float32 (d,), or None to request one from an
    embedding worker."""
    found: int
    """The number of hits on all pages."""
    is_filtered: bool
    """Whether filters were set; if so, a search without hits does not count as unanswered."""
    misspelt: str = ""
    """The whole query as typed, if its spelling was corrected."""
    seconds: float = 0.0
    """How long the search took."""


def remember(
    words: str,
    encoded: Iterable[tuple[str, np.ndarray | None]],
    found: int,
    is_filtered: bool,
    misspelt: str = "",
    seconds: float = 0.0,
) -> None:
    """Log one search; see `LoggedSearch` and `remember_all`."""
    remember_all([LoggedSearch(words, tuple(encoded), found, is_filtered, misspelt, seconds)])


def remember_all(searches: Sequence[LoggedSearch]) -> None:
    """Log that shoppers searched, in one transaction. Equal searches are counted together.

    Database errors are logged and not raised, so that they never cost the shopper a page.
    """
    size = config.settings().query_log
    logged = [it for it in searches if size and it.words and len(it.words) <= MAX_LENGTH]
    if not logged:
        return
    try:
        _write(logged)
    except (DBAPIError, psycopg.Error) as error:
        cause = getattr(error, "orig", error)
        is_away = isinstance(cause, psycopg.OperationalError) and cause.sqlstate is None
        if is_away or len(logged) == 1:
            logger.warning("could not log the query %r: %s", logged[0].words, cause)
            return
        for search in logged:  # one of them is at fault
            remember_all([search])
        return
    if any(random.random() < PRUNE_SHARE for _ in logged):
        try:
            prune()
        except (DBAPIError, psycopg.Error) as error:
            logger.warning("could not prune the query log: %s", getattr(error, "orig", error))


def _write(searches: Sequence[LoggedSearch]) -> None:
    with connect() as connection:
        driver = driver_connection(connection)
        with driver.pipeline():
            driver.execute(NEED_NOT_LAST)
            for counts in _counts(searches):
                driver.execute(COUNT, counts)
            for embedding in _embeddings(searches):
                driver.execute(STORE, embedding)


# Other processes count the same queries, so all write them in the same order: they wait for each
# other, but never in a circle.


def _counts(searches: Iterable[LoggedSearch]) -> list[dict[str, Any]]:
    """The parameters of `COUNT` for each query, in order."""
    counted: dict[tuple[str, str], dict[str, Any]] = {}
    for search in searches:
        key = search.words, search.misspelt[:MAX_LENGTH]
        nothing = {"searches": 0, "unanswered": 0, "total_ms": 0, "slowest_ms": 0}
        counts = counted.setdefault(
            key, dict(zip(("text", "misspelt"), key, strict=True)) | nothing
        )
        milliseconds = round(1000 * search.seconds)
        counts["searches"] += 1
        counts["unanswered"] += search.found == 0 and not search.is_filtered
        counts["results"] = search.found
        counts["total_ms"] += milliseconds
        counts["slowest_ms"] = max(counts["slowest_ms"], milliseconds)
    return [counted[key] for key in sorted(counted)]


def _embeddings(searches: Iterable[LoggedSearch]) -> list[dict[str, Any]]:
    """The parameters of `STORE` for each text and model, in order."""
    vectors: dict[tuple[str, str], np.ndarray | None] = {}
    for search in searches:
        for model, vector in search.encoded:
            key = search.words, model
            vectors[key] = vector if vectors.get(key) is None else vectors[key]
    return [
        {
            "text": text,
            "model": model,
            "embedding": None if vector is None else HalfVector(vector),
            "is_embedded": vector is not None,
        }
        for (text, model), vector in sorted(vectors.items(), key=lambda it: it[0])
    ]


def prune() -> None:
    """Delete old and rare queries from the query log, and the embeddings that are not needed.
    Then choose the queries to suggest to shoppers again.

    Of more than `QUERY_LOG` queries, the most frequent ones are kept, for `QUERY_LOG_DAYS` days.
    """
    size, days = config.settings().query_log, config.settings().query_log_days
    with connect() as connection:
        if size:
            connection.exec_driver_sql(DELETE_OLD, {"days": days})
            connection.exec_driver_sql(DELETE_RARE, {"size": size})
        connection.exec_driver_sql(DELETE_UNUSED, {"requested": MAX_REQUESTED})
        refresh_view(connection, "suggested_query")


def forget_embeddings(connection: Connection, model: str) -> None:
    """Delete the stored query embeddings of `model`, so that they are computed again."""
    connection.exec_driver_sql(
        "UPDATE query_embedding SET embedding = NULL, embedded_at = NULL, attempts = 0,"
        " claimed_at = NULL WHERE model = %(model)s",
        {"model": model},
    )
