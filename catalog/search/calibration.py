"""Calibration: what a cosine similarity means, told by how close unrelated products come.

A model's text lies nearer to any text than to any picture, so cosines of different kinds cannot be
compared. What can is how rare a similarity is among unrelated pairs: a match of 1 is one that a
thousandth of them reach, of 2/3 a hundredth, of 1/3 a tenth. So unrelated pairs have the same
distribution of matches under every model, and for every kind of query and item.
"""

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

Quantiles = dict[tuple[QueryKind, Modality], tuple[float, ...]]


def get_quantiles(connection: Connection, model: str) -> Quantiles:
    """What has been fitted for `model`; nothing before `embed_catalog` has done so."""
    return _cache.get(connection, model)


def _load(connection: Connection, model: str) -> Quantiles:
    rows = connection.execute(
        select(TABLE.c.query, TABLE.c.item, TABLE.c.quantiles).where(TABLE.c.model == model)
    )
    return {(row.query, row.item): tuple(row.quantiles) for row in rows}


def forget_quantiles() -> None:
    """Read them anew at the next use."""
    _cache.forget()


_cache = TtlCache(_load)


def match(
    similarity: NDArray[np.float64] | float, quantiles: tuple[float, ...]
) -> NDArray[np.float64]:
    """Matches of similarities, as the SQL function `search.match` computes them."""
    values, levels = np.asarray(similarity, np.float64), np.asarray(quantiles)
    inside = np.interp(values, levels, np.linspace(0, 1, len(levels)))
    slope = 0.1 / max(levels[-1] - levels[-1 - len(levels) // 10], 0.001)
    return np.where(values > levels[-1], 1 + (values - levels[-1]) * slope, inside)
