"""Embeds stored queries with another model before it becomes the default.

SQL reads the embeddings of words from `query_embedding`. Without this, saved SQL would fail after
the switch until somebody had embedded its words again.
"""

from collections.abc import Callable

from pgvector import HalfVector
from sqlalchemy import Connection

from catalog.db.connection import connect
from catalog.search.text_encoder import MAX_UNREAD
from embedding.encoder import Encoder

BATCH = 256

MAX_QUERIES = 10_000
"""How many stored queries are embedded before a switch, unless another number is asked for."""

# Shoppers' queries first, the most frequent ones before others, and then what SQL asked for last.
MISSING = """
SELECT e.text
  FROM query_embedding e
       LEFT JOIN (SELECT query, max(searches) AS searches
                    FROM search.popular_queries GROUP BY query) AS popular
         ON popular.query = e.text
 WHERE e.embedding IS NOT NULL
   AND NOT EXISTS (SELECT FROM query_embedding own
                    WHERE own.text = e.text AND own.model = %(model)s
                      AND own.embedding IS NOT NULL)
 GROUP BY e.text
 ORDER BY max(popular.searches) DESC NULLS LAST, max(e.used_at) DESC, e.text
 LIMIT %(limit)s
"""
STORE = """
INSERT INTO query_embedding AS q (text, model, embedding, embedded_at)
VALUES (%(text)s, %(model)s, %(embedding)s, now())
    ON CONFLICT ON CONSTRAINT query_embedding_pkey DO UPDATE
   SET embedding = excluded.embedding, embedded_at = now(), attempts = 0, reason = ''
"""


def missing_queries(connection: Connection, model: str, limit: int) -> list[str]:
    """The texts that other models have embedded and `model` has not, the most frequent first."""
    found = connection.exec_driver_sql(MISSING, {"model": model, "limit": limit})
    return list(found.scalars())


def embed_queries(
    texts: list[str], encoder: Encoder, progress: Callable[[int], None] = lambda rows: None
) -> int:
    """Store the embeddings of texts; returns their number.

    Texts that the model cannot read are left out, as in searches. Each batch is committed.
    """
    embedded = 0
    for start in range(0, len(texts), BATCH):
        batch = texts[start : start + BATCH]
        readable = [text for text in batch if encoder.unread_share(text) <= MAX_UNREAD]
        vectors = encoder.encode_texts(readable)
        with connect() as connection:
            for text, vector in zip(readable, vectors, strict=True):
                connection.exec_driver_sql(
                    STORE,
                    {"text": text, "model": encoder.spec.name, "embedding": HalfVector(vector)},
                )
        embedded += len(readable)
        progress(len(batch))
    return embedded
