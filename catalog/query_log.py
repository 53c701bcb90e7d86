"""The query log: what shoppers search for, how often, and whether anything was found.

The table `query_embedding` also keeps each query's embedding (`catalog.search.text_encoder`). It
is bounded: the queries that were used longest ago are deleted.
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
"""Characters of words that are remembered: longer ones are hardly looked for twice."""

PRUNED = 0.01
"""Of the searches, those after which the oldest words are forgotten."""

TRIES = 3
"""Attempts before a request is set aside; catalog/sqlapi/sql/embed.sql has the same number."""

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

FORGET = """
DELETE FROM query_embedding q
 USING (SELECT text, model FROM query_embedding ORDER BY used_at DESC OFFSET %(size)s) AS old
 WHERE (q.text, q.model) = (old.text, old.model)
"""


def remember(
    words: str, encoded: Iterable[tuple[str, np.ndarray | None]], found: int, is_filtered: bool
) -> None:
    """Note that a shopper looked for `words`, and how many products were found.

    A page is worth more than a note: what goes wrong here is logged, not raised.

    Args:
        words: what was looked for, spelling corrected.
        encoded: the models asked, each with its embedding of the words; without one, it is a
            request for a worker.
        found: hits on all pages.
        is_filtered: if so, finding nothing says nothing of the words.
    """
    size = config.query_log()
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
        if random.random() < PRUNED:
            forget_oldest(size)
    except DBAPIError as error:
        logger.warning("%r was not remembered: %s", words, error.orig)


def forget_oldest(size: int) -> None:
    """Keep the `size` texts that were used last."""
    with connect() as connection:
        connection.exec_driver_sql(FORGET, {"size": size})


def forget_embeddings(connection: Connection, model: str) -> None:
    """Have all words embedded anew, because the model is another one now."""
    connection.exec_driver_sql(
        "UPDATE query_embedding SET embedding = NULL, embedded_at = NULL, attempts = 0,"
        " claimed_at = NULL WHERE model = %(model)s",
        {"model": model},
    )
