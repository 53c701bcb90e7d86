"""Measures what smaller vectors cost in quality: reduced ones, and indexes of signs.

The stored vectors of a model are reduced to each size in a temporary table with an index of its
own. The judged queries search in it as they would with a model that is stored like this
(`add_model --dims`, `--binary`). Filters of judgments are not applied.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from pgvector import HalfVector
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex

from catalog.db.connection import compose, driver_connection
from catalog.evaluation.judgments import Judgment
from catalog.evaluation.metrics import NAMES, measure
from catalog.evaluation.setup_result import Setup
from catalog.indexing.fit_reduction import MIN_SAMPLE, SAMPLE_FACTOR
from catalog.search.candidates import BINARY_FACTOR, FAN_OUT
from catalog.search.pipeline import rank
from catalog.search.ranking_sql import MAX_EF_SEARCH, SETTINGS
from catalog.search.weights import smallest_window
from catalog.tables import embedding_table, embedding_table_name, nearby
from embedding.errors import UserFacingError
from embedding.reduction import Matrix, Reduction, fit
from embedding.registry import Modality, ModelSpec

TOP = 10
"""Number of hits that are compared."""

DEPTH = 2 * TOP
"""Number of hits that are read; a judgment may exclude some."""

MAX_ROWS = 50_000
"""Maximum number of embeddings of a modality; of more, a random sample is measured."""

TOLERANCE = 1e-6
"""Products whose similarities differ by less are equally near."""

TABLE = "measured"
"""The temporary table."""


class SizeError(UserFacingError, ValueError):
    """A size cannot be measured; the message says why."""


@dataclass(frozen=True, slots=True)
class Size:
    """The length of stored vectors, and whether the index contains only their signs."""

    dimensions: int
    binary: bool = False

    def __str__(self) -> str:
        return f"{self.dimensions}{', binary index' if self.binary else ''}"


@dataclass(frozen=True, slots=True)
class SizeResult:
    """The quality and cost of one size for one modality.

    `recall` is the share of the `TOP` nearest products, by the exact similarity of the stored
    vectors, that are found. Bytes are those of the table and its index, per product with an
    embedding; an exact scan has no index. `per_second` are queries of the database alone.
    """

    modality: Modality
    size: str
    recall: float
    ndcg: float
    bytes_per_product: float
    index_bytes: int
    per_second: float | None


@dataclass(frozen=True, slots=True)
class _Query:
    judgment: Judgment
    vector: np.ndarray


@dataclass(frozen=True, slots=True)
class _Stored:
    """All embeddings of one modality: product ids (n,), unit vectors (n, d), SKUs by id."""

    products: np.ndarray
    vectors: Matrix
    skus: dict[int, str]


def measure_sizes(
    connection: Connection,
    spec: ModelSpec,
    judgments: Sequence[Judgment],
    sizes: Sequence[Size],
    progress: Callable[[], object] = lambda: None,
) -> Iterator[SizeResult]:
    """Yield the results of an exact scan and of each size, for each modality of the model.

    Args:
        progress: called once for each judgment, and once for each result.

    Raises:
        SizeError: the model has too few embeddings or dimensions, or understands no query.
    """
    for size in sizes:
        if size.dimensions > spec.dimensions:
            raise SizeError(
                f"{spec.name} has {spec.dimensions} dimensions: {size.dimensions} is more"
            )
    queries = _queries(connection, spec, judgments, progress)
    stored = {it: _read(connection, spec.name, it) for it in spec.modalities}
    reductions = _reductions(spec, sizes, list(stored.values()))
    for modality, found in stored.items():
        if not queries.get(modality) or not len(found.products):
            continue
        yield _measure_exactly(modality, found, queries[modality])
        progress()
        for size in sizes:
            reduction = reductions[size.dimensions]
            yield _measure(connection, modality, size, reduction, found, queries[modality])
            progress()


def _queries(
    connection: Connection,
    spec: ModelSpec,
    judgments: Sequence[Judgment],
    progress: Callable[[], object],
) -> dict[Modality, list[_Query]]:
    """The judged queries as the search would compare them with the embeddings of each modality."""
    queries: dict[Modality, list[_Query]] = {}
    setup = Setup(spec.name)
    for judgment in judgments:
        progress()
        if judgment.is_nonsense:
            continue
        picture = judgment.image.read_bytes() if judgment.image else None
        ranking, _ = rank(connection, setup.spec(judgment, TOP, picture))
        for channel in ranking.channels:
            if channel.model == spec.name:
                queries.setdefault(channel.modality, []).append(_Query(judgment, channel.vector))
    if not queries:
        raise SizeError(f"{spec.name} understands none of the queries")
    return queries


def _read(connection: Connection, model: str, modality: Modality) -> _Stored:
    rows = connection.exec_driver_sql(
        compose(
            "SELECT e.product_id, e.embedding, p.sku FROM {table} e"
            " JOIN product p ON p.id = e.product_id"
            " ORDER BY md5(e.product_id::text) LIMIT %(rows)s",
            table=embedding_table_name(model, modality),
        ),
        {"rows": MAX_ROWS},
    ).all()
    vectors = np.array([row.embedding.to_numpy() for row in rows], np.float32)
    return _Stored(
        np.array([row.product_id for row in rows], np.int64),
        vectors,
        {row.product_id: row.sku for row in rows},
    )


def _reductions(
    spec: ModelSpec, sizes: Sequence[Size], stored: Sequence[_Stored]
) -> dict[int, Reduction]:
    """The reduction to each number of dimensions, fitted as one that is stored."""
    reductions = {}
    for dimensions in {size.dimensions for size in sizes}:
        if spec.matryoshka or dimensions == spec.dimensions:
            reductions[dimensions] = Reduction(dimensions)
            continue
        count = max(MIN_SAMPLE, SAMPLE_FACTOR * dimensions) // len(stored)
        sample = np.concatenate([it.vectors[:count] for it in stored if len(it.vectors)])
        if len(sample) < dimensions:
            raise SizeError(
                f"{spec.name} has {len(sample)} embeddings: a reduction to {dimensions} dimensions"
                f" needs at least {dimensions}"
            )
        reductions[dimensions] = fit(sample, dimensions)
    return reductions


def _measure_exactly(modality: Modality, stored: _Stored, queries: Sequence[_Query]) -> SizeResult:
    gains = [
        _gain(query.judgment, stored.skus, list(_nearest(stored, query).items()))
        for query in queries
    ]
    products = len(stored.skus)
    width = stored.vectors.shape[1]
    used = 2 * width * len(stored.products) / products
    label = f"{width}, exact scan"
    return SizeResult(modality, label, 1.0, float(np.mean(gains)), used, 0, None)


def _measure(
    connection: Connection,
    modality: Modality,
    size: Size,
    reduction: Reduction,
    stored: _Stored,
    queries: Sequence[_Query],
) -> SizeResult:
    _create(connection, size, stored.products, reduction.apply(stored.vectors))
    window = smallest_window(connection)
    connection.exec_driver_sql(SETTINGS, {"ef_search": str(min(MAX_EF_SEARCH, 2 * window))})
    statement = _statement(size, modality)
    found: list[dict[int, float]] = []
    seconds = 0.0
    for query in (queries[0], *queries):  # the first one reads the pages into memory
        vector = HalfVector(reduction.apply(query.vector[None])[0])
        started = time.perf_counter()
        rows = connection.exec_driver_sql(statement, {"vector": vector, "window": window}).all()
        seconds = time.perf_counter() - started + (seconds if found else 0.0)
        found.append({row.product_id: 1 - row.distance for row in rows})
    table_bytes, index_bytes = connection.exec_driver_sql(
        f"SELECT pg_table_size('{TABLE}'), pg_indexes_size('{TABLE}')"
    ).one()
    connection.exec_driver_sql(f"DROP TABLE {TABLE}")
    hits = [(query, list(each.items())) for query, each in zip(queries, found[1:], strict=True)]
    return SizeResult(
        modality,
        str(size),
        float(np.mean([_recall(stored, query, each) for query, each in hits])),
        float(np.mean([_gain(query.judgment, stored.skus, each) for query, each in hits])),
        (table_bytes + index_bytes) / len(stored.skus),
        index_bytes,
        len(queries) / seconds,
    )


def _create(connection: Connection, size: Size, products: np.ndarray, vectors: Matrix) -> None:
    """A temporary table like that of a model, with its index."""
    connection.exec_driver_sql(
        f"CREATE TEMP TABLE {TABLE} (product_id bigint, embedding halfvec({size.dimensions}))"
        " ON COMMIT DROP"
    )
    with (
        driver_connection(connection).cursor() as cursor,
        cursor.copy(f"COPY {TABLE} FROM STDIN (FORMAT binary)".encode()) as copy,
    ):
        copy.set_types(["int8", "halfvec"])
        for product, vector in zip(products, vectors, strict=True):
            copy.write_row((int(product), HalfVector(vector)))
    table = embedding_table("", "text", size.dimensions, binary=size.binary)
    index = next(it for it in table.indexes if it.dialect_options["postgresql"]["using"] == "hnsw")
    sql = str(CreateIndex(index).compile(dialect=postgresql.dialect()))
    connection.exec_driver_sql(sql.replace(f" ON {table.name} ", f" ON {TABLE} ", 1))
    connection.exec_driver_sql(f"ANALYZE {TABLE}")
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")


def _statement(size: Size, modality: Modality) -> str:
    """The nearest products, found as `catalog.search.candidates.vector_candidates` does."""
    factor = (FAN_OUT if modality == "image" else 1) * (BINARY_FACTOR if size.binary else 1)
    return f"""
    SELECT product_id, distance
      FROM (SELECT DISTINCT ON (product_id) product_id, distance
              FROM (SELECT e.product_id, e.embedding <=> %(vector)s AS distance
                      FROM {TABLE} e
                     ORDER BY {nearby(size.dimensions, size.binary, "%(vector)s")}
                     LIMIT %(window)s * {factor}) AS found
             ORDER BY product_id, distance) AS nearest
     ORDER BY distance, product_id
     LIMIT {DEPTH}"""


def _similarities(stored: _Stored, query: _Query) -> dict[int, float]:
    """The similarity of each product's nearest embedding, by product id."""
    ids, places = np.unique(stored.products, return_inverse=True)
    best = np.full(len(ids), -np.inf, np.float32)
    np.maximum.at(best, places, stored.vectors @ query.vector)
    return dict(zip(ids.tolist(), best.tolist(), strict=True))


def _nearest(stored: _Stored, query: _Query) -> dict[int, float]:
    """The `DEPTH` nearest products with their similarities."""
    similarities = _similarities(stored, query)
    first = sorted(similarities, key=lambda product: -similarities[product])[:DEPTH]
    return {product: similarities[product] for product in first}


def _recall(stored: _Stored, query: _Query, hits: Sequence[tuple[int, float]]) -> float:
    """The share of the nearest products found; of equally near ones, any will do."""
    similarities = _similarities(stored, query)
    nearest = sorted(similarities.values(), reverse=True)[:TOP]
    found = sum(similarities[product] >= nearest[-1] - TOLERANCE for product, _ in hits[:TOP])
    return min(1.0, found / len(nearest))


def _gain(judgment: Judgment, skus: dict[int, str], hits: Sequence[tuple[int, float]]) -> float:
    """nDCG@10 of the hits."""
    ranking = [
        (sku, similarity)
        for product, similarity in hits
        if (sku := skus[product]) not in judgment.exclude
    ]
    return float(measure(judgment.relevant, ranking)[NAMES.index("nDCG@10")])
