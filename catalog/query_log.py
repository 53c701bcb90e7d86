"""The query log, which counts what shoppers search for, and the embeddings of queries.

The table `query_log` counts each query by day. It keeps the most frequent queries, for a limited
time. The table `query_embedding` keeps the embeddings of these queries, and those that analysts
request (catalog/sqlapi/sql/request.sql); nothing that an analyst does changes the log.
"""

import logging
import random
from collections.abc import Iterable

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
VALUES (%(text)s, %(misspelt)s, 1, %(unanswered)s, %(results)s, %(ms)s, %(ms)s)
    ON CONFLICT (text, misspelt, day) DO UPDATE
   SET searches = l.searches + 1,
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


def remember(
    words: str,
    encoded: Iterable[tuple[str, np.ndarray | None]],
    found: int,
    is_filtered: bool,
    misspelt: str = "",
    seconds: float = 0.0,
) -> None:
    """Log that a shopper searched for `words` and how many products were found.

    Database errors are logged and not raised, so that they never cost the shopper a page.

    Args:
        words: what was searched for, with spelling corrected.
        encoded: for each model its embedding of the words, float32 (d,), or None to request one
            from an embedding worker.
        found: the number of hits on all pages.
        is_filtered: whether filters were set; if so, a search without hits does not count as
            unanswered.
        misspelt: the whole query as typed, if its spelling was corrected.
        seconds: how long the search took.
    """
    size = config.settings().query_log
    if not size or not words or len(words) > MAX_LENGTH:
        return
    try:
        with connect() as connection:
            driver = driver_connection(connection)
            with driver.pipeline():
                driver.execute(NEED_NOT_LAST)
                driver.execute(
                    COUNT,
                    {
                        "text": words,
                        "misspelt": misspelt[:MAX_LENGTH],
                        "unanswered": int(found == 0 and not is_filtered),
                        "results": found,
                        "ms": round(1000 * seconds),
                    },
                )
                for model, vector in encoded:
                    driver.execute(
                        STORE,
                        {
                            "text": words,
                            "model": model,
                            "embedding": None if vector is None else HalfVector(vector),
                            "is_embedded": vector is not None,
                        },
                    )
        if random.random() < PRUNE_SHARE:
            prune()
    except (DBAPIError, psycopg.Error) as error:
        logger.warning("could not log the query %r: %s", words, getattr(error, "orig", error))


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
