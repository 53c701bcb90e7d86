"""Calibration: what a cosine similarity means, told by how close unrelated products come.

A model's text lies nearer to any text than to any picture, so cosines of different kinds cannot be
compared. What can is how rare a similarity is among unrelated pairs: a match of 1 is one that a
thousandth of them reach, of 2/3 a hundredth, of 1/3 a tenth. So unrelated pairs have the same
distribution of matches under every model, and for every kind of query and item.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from catalog.db.ttl_cache import TtlCache
from catalog.tables import metadata
from embedding.registry import Modality

Matrix = NDArray[np.float32]

QueryKind = Literal["words", "picture", "both", "product"]
"""What a query is made of: words, pictures, half of each, or a product's own embedding of the same
kind as the item's."""

RAREST = 1e-3
"""The share of unrelated pairs that reach a match of 1."""

STEPS = 100
TAILS: tuple[float, ...] = tuple(float(RAREST ** (step / STEPS)) for step in range(STEPS + 1))
"""Shares of unrelated pairs at which quantiles are taken, for matches of 0 to 1 in even steps."""

UNCALIBRATED: tuple[float, ...] = tuple(step / STEPS for step in range(STEPS + 1))
"""In place of quantiles until a model has some: the match is the cosine."""

TABLE = metadata.tables["calibration"]

Quantiles = tuple[float, ...]


def get_quantiles(
    connection: Connection, model: str, query: QueryKind, item: Modality, picture_share: float
) -> Quantiles:
    """The quantiles of unrelated pairs for a kind of query and of item, from `search.quantiles`.

    Args:
        picture_share: the weight of the pictures in the query, 0 to 1; what is fitted for words,
            for both and for pictures is interpolated.
    """
    return _queries.get(connection, f"{model} {query} {item} {picture_share!r}")


def get_fitted(
    connection: Connection, model: str
) -> Mapping[tuple[QueryKind, Modality], Quantiles]:
    """What `embed_catalog` has fitted for `model`, by kind of query and of item."""
    return _fitted.get(connection, model)


def forget_quantiles() -> None:
    """Read them again at the next use."""
    _queries.forget()
    _fitted.forget()


def _load_query(connection: Connection, key: str) -> Quantiles:
    found = connection.exec_driver_sql(
        "SELECT search.quantiles(%(model)s, %(query)s, %(item)s, %(share)s::float8)",
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


def match(
    similarity: NDArray[np.float64] | float, quantiles: tuple[float, ...]
) -> NDArray[np.float64]:
    """Matches of similarities, as the SQL function `search.match` computes them."""
    values, levels = np.asarray(similarity, np.float64), np.asarray(quantiles)
    inside = np.interp(values, levels, np.linspace(0, 1, len(levels)))
    slope = 0.1 / max(levels[-1] - levels[-1 - len(levels) // 10], 0.001)
    return np.where(values > levels[-1], 1 + (values - levels[-1]) * slope, inside)
