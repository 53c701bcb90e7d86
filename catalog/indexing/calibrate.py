"""Fits the calibration of a model (`catalog.search.calibration`) to the catalogue."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, LiteralString

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, delete, func, insert, select

from catalog.db.connection import compose, connect
from catalog.indexing.versions import current_version, is_rebuilding
from catalog.search.calibration import TABLE, TAILS, QueryKind, forget_quantiles
from catalog.tables import embedding_table, embedding_table_name
from embedding.encoder import Encoder
from embedding.registry import Modality, ModelSpec, get_spec

Matrix = NDArray[np.float32]

QUERIES = 256
ITEMS = 1024
"""Maximum numbers of products sampled as queries and as items to compare with them."""

MIN_PRODUCTS = 20
"""Minimum number of products with an embedding of a modality for it to be calibrated. They have 380
pairs, hardly enough to estimate the 1 in 1,000 that defines a match of 1."""

GROWTH = 1.2
"""Factor by which the number of embedded products must grow for a new calibration to be due."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Sampled products: titles and kinds, to tell whether two are related, and vectors (n, d)."""

    titles: list[str]
    kinds: list[str]
    vectors: Matrix


@dataclass(frozen=True, slots=True)
class Samples:
    """Products as items and as queries, by modality, and the numbers of embedded products."""

    items: dict[Modality, Sample]
    queries: dict[Modality, Sample]
    embedded: dict[Modality, int]


def is_due(connection: Connection, model: str) -> bool:
    """Whether a modality has never been calibrated, has grown by a factor of `GROWTH` since, or has
    been embedded again in a new version."""
    rows = connection.execute(
        select(
            TABLE.c.item,
            func.max(TABLE.c.products).label("products"),
            func.min(TABLE.c.fitted_at).label("fitted_at"),
        )
        .where(TABLE.c.model == model)
        .group_by(TABLE.c.item)
    )
    fitted = {row.item: row for row in rows}
    spec = get_spec(model)
    for item, embedded in _embedded(connection, spec).items():
        if embedded < MIN_PRODUCTS:
            continue
        if item not in fitted or embedded >= GROWTH * fitted[item].products:
            return True
        owner = spec.owner(item)
        if fitted[item].fitted_at < current_version(
            connection, owner, item
        ).started_at and not is_rebuilding(connection, owner, item):
            return True
    return False


def calibrate(encoder: Encoder) -> int:
    """Fit the quantiles of a model to randomly sampled products and store them.

    Each kind of item and of query is fitted to the products that have it, because some products
    have no picture. A kind that fewer than `MIN_PRODUCTS` have is omitted; the closest kind that is
    fitted is used instead (`search_internal.quantiles`). If all are omitted, the stored quantiles
    stay as they are.

    Returns the number of embedded products, or 0 if nothing was fitted.
    """
    with connect() as connection:
        samples = draw_samples(connection, encoder.spec)
    rows = fit(samples, encoder)  # between transactions, since encoding takes a while
    with connect() as connection:
        store(connection, encoder.spec.name, rows)
    return max(samples.embedded.values()) if rows else 0


def draw_samples(connection: Connection, model: ModelSpec, seed: int = 0) -> Samples:
    """Sample the products that a model is calibrated with."""
    return Samples(
        _draw_each(connection, model, ITEMS, seed),
        _draw_each(connection, model, QUERIES, seed + 1),
        _embedded(connection, model),
    )


def fit(samples: Samples, encoder: Encoder) -> list[dict[str, Any]]:
    """The rows of the table `calibration` for the model of `encoder`."""
    rows = []
    asked = list(_query_vectors(samples.queries, encoder))
    for item, compared in samples.items.items():
        for kind, drawn in [*asked, ("product", samples.queries[item])]:
            similarities = (drawn.vectors @ compared.vectors.T)[_unrelated(drawn, compared)]
            if similarities.size:
                rows.append(
                    {
                        "model": encoder.spec.name,
                        "query": kind,
                        "item": item,
                        "quantiles": fit_quantiles(similarities),
                        "pairs": similarities.size,
                        "products": samples.embedded[item],
                    }
                )
    return rows


def store(connection: Connection, model: str, rows: list[dict[str, Any]]) -> None:
    """Replace the quantiles of a model, unless there are no rows."""
    if rows:
        connection.execute(delete(TABLE).where(TABLE.c.model == model))
        connection.execute(insert(TABLE), rows)
        forget_quantiles()


def fit_quantiles(similarities: NDArray[np.float32]) -> list[float]:
    """The similarities that each share in `TAILS` of the pairs exceeds, strictly ascending."""
    levels = np.quantile(similarities.astype(np.float64), [1 - tail for tail in TAILS])
    return [float(level) + 1e-9 * step for step, level in enumerate(np.maximum.accumulate(levels))]


def _query_vectors(
    samples: dict[Modality, Sample], encoder: Encoder
) -> Iterator[tuple[QueryKind, Sample]]:
    """Yield queries of each kind that the model understands, from products with the needed data."""
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
    """A mask (queries, items) of pairs that differ in kind, or in title if all kinds are equal."""
    unrelated = np.array(queries.kinds)[:, None] != np.array(items.kinds)[None, :]
    if not unrelated.any():
        unrelated = np.array(queries.titles)[:, None] != np.array(items.titles)[None, :]
    result: NDArray[np.bool_] = unrelated
    return result


def _draw_each(
    connection: Connection, model: ModelSpec, count: int, seed: int
) -> dict[Modality, Sample]:
    """Sample products for each modality of the model that enough products have embeddings of."""
    drawn = {
        modality: _draw(connection, model, modality, count, seed) for modality in model.modalities
    }
    return {modality: found for modality, found in drawn.items() if found is not None}


def _draw(
    connection: Connection, model: ModelSpec, modality: Modality, count: int, seed: int
) -> Sample | None:
    """Sample embedded products in an order that depends on `seed`; None if there are too few."""
    joined: LiteralString = {
        "text": "JOIN {table} e ON e.product_id = p.id",
        "image": "JOIN product_image i ON i.product_id = p.id AND i.position = 0"
        " JOIN {table} e ON e.image_id = i.id",
    }[modality]
    query = compose(
        "SELECT p.title, coalesce(nullif(p.product_type, ''), p.category) AS kind, e.embedding"
        f" FROM product p {joined} ORDER BY md5(p.id::text || %(seed)s) LIMIT %(count)s",
        table=embedding_table_name(model.name, modality),
    )
    rows = connection.exec_driver_sql(query, {"seed": str(seed), "count": count}).all()
    if len(rows) < MIN_PRODUCTS:
        return None
    vectors = np.stack([row.embedding.to_numpy() for row in rows]).astype(np.float32)
    return Sample([row.title for row in rows], [row.kind for row in rows], vectors)


def _embedded(connection: Connection, model: ModelSpec) -> dict[Modality, int]:
    """The number of products that have an embedding of each modality."""
    tables = {it: embedding_table(model.name, it) for it in model.modalities}
    return {
        modality: connection.execute(select(func.count(table.c.product_id.distinct()))).scalar_one()
        for modality, table in tables.items()
    }
