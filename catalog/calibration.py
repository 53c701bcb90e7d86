"""Calibration: what a cosine similarity means, told by how close unrelated products come.

A model's text lies nearer to any text than to any picture, so cosines of different kinds cannot be
compared. What can is how rare a similarity is among unrelated pairs: a match of 1 is one that a
thousandth of them reach, of 2/3 a hundredth, of 1/3 a tenth. So unrelated pairs have the same
distribution of matches under every model, and for every kind of query and item.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, delete, insert, select, text

from catalog.snapshots import Snapshots
from catalog.tables import EMBEDDINGS, metadata
from embedding.encoder import Encoder
from embedding.registry import Modality, ModelSpec

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

QUERIES = 256
ITEMS = 1024
"""Products drawn as queries, and as what is compared with them, at most."""

FEWEST = 20
"""Products that must be embedded before their similarities say anything."""

GROWTH = 1.2
"""How much larger than when it was fitted a catalogue may be before it is done again."""

TABLE = metadata.tables["calibration"]

Quantiles = dict[tuple[QueryKind, Modality], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Sample:
    """Embedded products: what tells whether two are related, and a matrix (n, d) a modality."""

    titles: list[str]
    kinds: list[str]
    vectors: dict[Modality, Matrix]

    def __len__(self) -> int:
        return len(self.titles)


def get_quantiles(connection: Connection, model: str) -> Quantiles:
    """What has been fitted for `model`; nothing before `embed_catalog` has done so."""
    return _snapshots.get(connection, model)


def _load(connection: Connection, model: str) -> Quantiles:
    rows = connection.execute(
        select(TABLE.c.query, TABLE.c.item, TABLE.c.quantiles).where(TABLE.c.model == model)
    )
    return {(row.query, row.item): tuple(row.quantiles) for row in rows}


_snapshots = Snapshots(_load)


def is_due(connection: Connection, model: str) -> bool:
    """Whether a model has never been calibrated, or the catalogue has grown by a fifth since."""
    fitted = connection.execute(
        select(TABLE.c.products).where(TABLE.c.model == model).limit(1)
    ).scalar()
    embedded = _embedded(connection, model)
    return embedded >= FEWEST and (fitted is None or embedded >= GROWTH * fitted)


def calibrate(connection: Connection, encoder: Encoder, seed: int = 0) -> int:
    """Fit a model's similarities anew, from products drawn at random; returns how many there are.

    Nothing is stored while fewer than `FEWEST` products have all of the model's embeddings.
    """
    model = encoder.spec
    items = _draw(connection, model, ITEMS, seed)
    if len(items) < FEWEST:
        return 0
    queries = _draw(connection, model, QUERIES, seed + 1)
    embedded = _embedded(connection, model.name)
    unrelated = np.array(queries.kinds)[:, None] != np.array(items.kinds)[None, :]
    if not unrelated.any():  # a shop of one kind of thing: all pairs but a product with itself
        unrelated = np.array(queries.titles)[:, None] != np.array(items.titles)[None, :]
    rows = []
    for kind, item, vectors in _query_vectors(queries, encoder):
        similarities = (vectors @ items.vectors[item].T)[unrelated]
        rows.append(
            {
                "model": model.name,
                "query": kind,
                "item": item,
                "quantiles": fit_quantiles(similarities),
                "pairs": similarities.size,
                "products": embedded,
            }
        )
    connection.execute(delete(TABLE).where(TABLE.c.model == model.name))
    connection.execute(insert(TABLE), rows)
    _snapshots.forget()
    return embedded


def fit_quantiles(similarities: NDArray[np.float32]) -> list[float]:
    """The similarities that a share of `TAILS` exceeds, strictly ascending."""
    levels = np.quantile(similarities.astype(np.float64), [1 - tail for tail in TAILS])
    return [float(level) + 1e-9 * step for step, level in enumerate(np.maximum.accumulate(levels))]


def match(
    similarity: NDArray[np.float64] | float, quantiles: tuple[float, ...]
) -> NDArray[np.float64]:
    """Matches of similarities, as the SQL function `search.match` computes them."""
    values, levels = np.asarray(similarity, np.float64), np.asarray(quantiles)
    inside = np.interp(values, levels, np.linspace(0, 1, len(levels)))
    slope = 0.1 / max(levels[-1] - levels[-1 - len(levels) // 10], 0.001)
    return np.where(values > levels[-1], 1 + (values - levels[-1]) * slope, inside)


def _query_vectors(
    sample: Sample, encoder: Encoder
) -> Iterator[tuple[QueryKind, Modality, Matrix]]:
    """Queries of each kind that the model understands, for each kind of item that it has."""
    words = encoder.encode_texts(sample.titles) if "text" in encoder.spec.modalities else None
    pictures = sample.vectors.get("image")
    made: dict[QueryKind, Matrix] = {}
    if words is not None:
        made["words"] = words
    if pictures is not None:
        made["picture"] = pictures
    if words is not None and pictures is not None:
        both = words + pictures
        made["both"] = both / np.linalg.norm(both, axis=1, keepdims=True)
    for modality, vectors in sample.vectors.items():
        for kind, queries in made.items():
            yield kind, modality, queries
        yield "product", modality, vectors


def _draw(connection: Connection, model: ModelSpec, count: int, seed: int) -> Sample:
    """Products that have all of the model's embeddings, in an order that only `seed` decides."""
    tables = EMBEDDINGS[model.name]
    joins = {
        "text": "JOIN {0} ON {0}.product_id = p.id",
        "image": "JOIN product_image i ON i.product_id = p.id AND i.position = 0"
        " JOIN {0} ON {0}.image_id = i.id",
    }
    columns = "".join(
        f", {table.name}.embedding AS {modality}" for modality, table in tables.items()
    )
    joined = " ".join(joins[modality].format(table.name) for modality, table in tables.items())
    rows = connection.execute(
        text(
            f"SELECT p.title, coalesce(nullif(p.product_type, ''), p.category) AS kind{columns}"
            f" FROM product p {joined} ORDER BY md5(p.id::text || :seed) LIMIT :count"
        ),
        {"seed": str(seed), "count": count},
    ).all()
    vectors = {modality: _matrix(rows, modality) for modality in tables} if rows else {}
    return Sample([row.title for row in rows], [row.kind for row in rows], vectors)


def _matrix(rows: Sequence[Row], column: str) -> Matrix:
    return np.stack([getattr(row, column).to_numpy() for row in rows]).astype(np.float32)


def _embedded(connection: Connection, model: str) -> int:
    """Products with an embedding of each kind, as far as the scarcer kind tells."""
    counts = [
        connection.execute(
            text(f"SELECT count(DISTINCT product_id) FROM {table.name}")
        ).scalar_one()
        for table in EMBEDDINGS[model].values()
    ]
    return int(min(counts))
