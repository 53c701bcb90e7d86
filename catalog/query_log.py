"""The query log: what shoppers search for, how often, and whether anything was found.

The table `query_embedding` also keeps each query's embedding (`catalog.search.text_encoder`). It
has a maximum size: the least recently used queries are deleted.
"""

import logging
import random
from collections.abc import Iterable

import numpy as np
from pgvector import HalfVector
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from catalog import config
from catalog.db.connection import connect

MAX_LENGTH = 500
"""Longest text to log, in characters: longer ones are rarely searched for twice."""

PRUNE_SHARE = 0.01
"""Share of searches after which the least recently used queries are deleted."""

TRIES = 3
"""Maximum attempts at embedding a text; catalog/sqlapi/sql/embed.sql has the same number."""

logger = logging.getLogger(__name__)

STORE = """
INSERT INTO query_embedding AS q
       (text, model, embedding, embedded_at, searches, unanswered, results)
VALUES (%(text)s, %(model)s, %(embedding)s, CASE WHEN %(is_embedded)s THEN now() END, 1,
        %(unanswered)s, %(results)s)
    ON CONFLICT ON CONSTRAINT query_embedding_pkey DO UPDATE
   SET embedding = coalesce(q.embedding, excluded.embedding),
       embedded_at = coalesce(q.embedded_at, excluded.embedded_at),
       searches = q.searches + 1,
       unanswered = q.unanswered + excluded.unanswered,
       results = excluded.results,
       used_at = now()
"""

DELETE_OLDEST = """
DELETE FROM query_embedding q
 USING (SELECT text, model FROM query_embedding ORDER BY used_at DESC OFFSET %(size)s) AS old
 WHERE (q.text, q.model) = (old.text, old.model)
"""


def remember(
    words: str, encoded: Iterable[tuple[str, np.ndarray | None]], found: int, is_filtered: bool
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
    """
    size = config.settings().query_log
    if not size or not words or len(words) > MAX_LENGTH:
        return
    try:
        with connect() as connection:
            for model, vector in encoded:
                connection.exec_driver_sql(
                    STORE,
                    {
                        "text": words,
                        "model": model,
                        "embedding": None if vector is None else HalfVector(vector),
                        "is_embedded": vector is not None,
                        "unanswered": int(found == 0 and not is_filtered),
                        "results": found,
                    },
                )
        if random.random() < PRUNE_SHARE:
            forget_oldest(size)
    except DBAPIError as error:
        logger.warning("could not log the query %r: %s", words, error.orig)


def forget_oldest(size: int) -> None:
    """Delete all but the `size` most recently used texts."""
    with connect() as connection:
        connection.exec_driver_sql(DELETE_OLDEST, {"size": size})


def forget_embeddings(connection: Connection, model: str) -> None:
    """Delete the stored query embeddings of `model`, so that they are computed again."""
    connection.exec_driver_sql(
        "UPDATE query_embedding SET embedding = NULL, embedded_at = NULL, attempts = 0,"
        " claimed_at = NULL WHERE model = %(model)s",
        {"model": model},
    )
