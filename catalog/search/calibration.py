"""Calibration: converts cosine similarities to matches that can be compared with each other.

A text embedding is closer to any text than to any picture of the same model (the modality gap), so
cosines of different kinds cannot be compared. Instead, a similarity is rated by how rare it is
among unrelated pairs. A match of 1 is a similarity that 1 in 1,000 unrelated pairs reach; a match
of 2/3 is reached by 1 in 100 and a match of 1/3 by 1 in 10. Unrelated pairs therefore have the same
distribution of matches under every model and for every kind of query and item.
"""

from collections.abc import Mapping
from typing import Literal

from sqlalchemy import Connection, select

from catalog.db.ttl_cache import TtlCache
from catalog.tables import metadata
from embedding.registry import Modality

QueryKind = Literal["words", "picture", "both", "product"]
"""What a query consists of: words, pictures, both in equal shares, or a product's own embedding,
which is compared with items of the same modality."""

RAREST = 1e-3
"""The share of unrelated pairs that reach a match of 1."""

STEPS = 100
TAILS: tuple[float, ...] = tuple(float(RAREST ** (step / STEPS)) for step in range(STEPS + 1))
"""Shares of unrelated pairs at which quantiles are taken, for matches of 0 to 1 in even steps."""

UNCALIBRATED: tuple[float, ...] = tuple(step / STEPS for step in range(STEPS + 1))
"""Used as quantiles until a model is calibrated: the match equals the cosine."""

TABLE = metadata.tables["calibration"]

Quantiles = tuple[float, ...]


def get_quantiles(
    connection: Connection, model: str, query: QueryKind, item: Modality, picture_share: float
) -> Quantiles:
    """The quantiles for a kind of query and of item, from `search_internal.quantiles` in SQL.

    Args:
        picture_share: the weight of the pictures in the query, 0 to 1. The result is interpolated
            between the quantiles fitted for "words", "both" and "picture".
    """
    return _queries.get(connection, f"{model} {query} {item} {picture_share!r}")


def get_fitted(
    connection: Connection, model: str
) -> Mapping[tuple[QueryKind, Modality], Quantiles]:
    """The quantiles that `embed_catalog` has fitted for `model`, by kind of query and of item."""
    return _fitted.get(connection, model)


def forget_quantiles() -> None:
    """Clear both caches; the quantiles are read again when they are next used."""
    _queries.forget()
    _fitted.forget()


def _load_query(connection: Connection, key: str) -> Quantiles:
    found = connection.exec_driver_sql(
        "SELECT search_internal.quantiles(%(model)s, %(query)s, %(item)s, %(share)s::float8)",
        dict(zip(("model", "query", "item", "share"), key.split(" "), strict=True)),
    ).scalar_one()
    return tuple(map(float, found))


def _load_fitted(
    connection: Connection, model: str
) -> Mapping[tuple[QueryKind, Modality], Quantiles]:
    rows = connection.execute(
        select(TABLE.c.query, TABLE.c.item, TABLE.c.quantiles).where(TABLE.c.model == model)
    )
    return {(row.query, row.item): tuple(row.quantiles) for row in rows}


_queries = TtlCache(_load_query)
_fitted = TtlCache(_load_fitted)
