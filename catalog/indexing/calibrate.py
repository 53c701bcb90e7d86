"""Fitting the calibration of a model (`catalog.search.calibration`) to the catalogue."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import LiteralString

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, delete, func, insert, select

from catalog.db.connection import compose
from catalog.search.calibration import TABLE, TAILS, QueryKind, forget_quantiles
from catalog.tables import EMBEDDINGS
from embedding.encoder import Encoder
from embedding.registry import Modality, ModelSpec

Matrix = NDArray[np.float32]

QUERIES = 256
ITEMS = 1024
"""Products drawn as queries, and as what is compared with them, at most."""

FEWEST = 20
"""Products that must have a kind of embedding before its similarities say anything: their 380 pairs
are hardly enough for the thousandth that is a match of 1."""

GROWTH = 1.2
"""How many times as many as when it was fitted may have a kind of embedding before it is due."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Products drawn: what tells whether two are related, and a vector each, a matrix (n, d)."""

    titles: list[str]
    kinds: list[str]
    vectors: Matrix


def is_due(connection: Connection, model: str) -> bool:
    """Whether a kind of item has never been calibrated, or has grown by a fifth since."""
    rows = connection.execute(
        select(TABLE.c.item, func.max(TABLE.c.products).label("products"))
        .where(TABLE.c.model == model)
        .group_by(TABLE.c.item)
    )
    fitted = {row.item: row.products for row in rows}
    return any(
        embedded >= FEWEST and embedded >= GROWTH * fitted.get(item, 0)
        for item, embedded in _embedded(connection, model).items()
    )


def calibrate(connection: Connection, encoder: Encoder, seed: int = 0) -> int:
    """Fit a model's similarities anew, from products drawn at random; returns how many there are.

    Each kind of item and of query is fitted from the products that have it: some may have no
    picture. A kind that fewer than `FEWEST` have is left out, and judged by the nearest there is
    (`search.quantiles`); where all are left out, nothing changes.
    """
    model = encoder.spec
    items = _draw_each(connection, model, ITEMS, seed)
    queries = _draw_each(connection, model, QUERIES, seed + 1)
    embedded = _embedded(connection, model.name)
    asked = list(_query_vectors(queries, encoder))
    rows = []
    for item, compared in items.items():
        for kind, drawn in [*asked, ("product", queries[item])]:
            similarities = (drawn.vectors @ compared.vectors.T)[_unrelated(drawn, compared)]
            if similarities.size:
                rows.append(
                    {
                        "model": model.name,
                        "query": kind,
                        "item": item,
                        "quantiles": fit_quantiles(similarities),
                        "pairs": similarities.size,
                        "products": embedded[item],
                    }
                )
    if not rows:
        return 0
    connection.execute(delete(TABLE).where(TABLE.c.model == model.name))
    connection.execute(insert(TABLE), rows)
    forget_quantiles()
    return max(embedded.values())


def fit_quantiles(similarities: NDArray[np.float32]) -> list[float]:
    """The similarities that a share of `TAILS` exceeds, strictly ascending."""
    levels = np.quantile(similarities.astype(np.float64), [1 - tail for tail in TAILS])
    return [float(level) + 1e-9 * step for step, level in enumerate(np.maximum.accumulate(levels))]


def _query_vectors(
    samples: dict[Modality, Sample], encoder: Encoder
) -> Iterator[tuple[QueryKind, Sample]]:
    """Queries of each kind that the model understands, from products that have what they take."""
    pictured = samples.get("image")
    if pictured:
        yield "picture", pictured
    if "text" not in encoder.spec.modalities or not samples:
        return
    titles = list(dict.fromkeys(title for drawn in samples.values() for title in drawn.titles))
    encoded = dict(zip(titles, encoder.encode_texts(titles), strict=True))
    words = {
        kind: np.stack([encoded[it] for it in drawn.titles]) for kind, drawn in samples.items()
    }
    titled: Modality = "text" if "text" in samples else "image"
    yield "words", replace(samples[titled], vectors=words[titled])
    if pictured:
        both = words["image"] + pictured.vectors
        both /= np.linalg.norm(both, axis=1, keepdims=True)
        yield "both", replace(pictured, vectors=both)


def _unrelated(queries: Sample, items: Sample) -> NDArray[np.bool_]:
    """Which pairs are of different kinds of thing; in a shop of one kind, of different titles."""
    unrelated = np.array(queries.kinds)[:, None] != np.array(items.kinds)[None, :]
    if not unrelated.any():
        unrelated = np.array(queries.titles)[:, None] != np.array(items.titles)[None, :]
    return unrelated


def _draw_each(
    connection: Connection, model: ModelSpec, count: int, seed: int
) -> dict[Modality, Sample]:
    """For each of the model's kinds of embedding that enough products have, some that do."""
    drawn = {
        modality: _draw(connection, model, modality, count, seed) for modality in model.modalities
    }
    return {modality: found for modality, found in drawn.items() if found is not None}


def _draw(
    connection: Connection, model: ModelSpec, modality: Modality, count: int, seed: int
) -> Sample | None:
    """Embedded products, in an order that only `seed` decides; None if there are too few."""
    joined: LiteralString = {
        "text": "JOIN {table} e ON e.product_id = p.id",
        "image": "JOIN product_image i ON i.product_id = p.id AND i.position = 0"
        " JOIN {table} e ON e.image_id = i.id",
    }[modality]
    query = compose(
        "SELECT p.title, coalesce(nullif(p.product_type, ''), p.category) AS kind, e.embedding"
        f" FROM product p {joined} ORDER BY md5(p.id::text || %(seed)s) LIMIT %(count)s",
        table=EMBEDDINGS[model.name][modality].name,
    )
    rows = connection.exec_driver_sql(query, {"seed": str(seed), "count": count}).all()
    if len(rows) < FEWEST:
        return None
    vectors = np.stack([row.embedding.to_numpy() for row in rows]).astype(np.float32)
    return Sample([row.title for row in rows], [row.kind for row in rows], vectors)


def _embedded(connection: Connection, model: str) -> dict[Modality, int]:
    """How many products have an embedding of each kind."""
    return {
        modality: connection.exec_driver_sql(
            compose("SELECT count(DISTINCT product_id) FROM {table}", table=table.name)
        ).scalar_one()
        for modality, table in EMBEDDINGS[model].items()
    }
