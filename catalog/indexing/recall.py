"""Measures how many of the nearest embeddings the HNSW index of a model finds.

The queries are those of shoppers whose embeddings are stored, the last used ones. Each is compared
with a table of embeddings twice: by the index, with the settings of a search, and by an exact scan.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from catalog.active_models import models_in_use
from catalog.db.connection import connect
from catalog.indexing.hnsw import has_index
from catalog.search.candidates import BINARY_FACTOR
from catalog.search.ranking_sql import MAX_EF_SEARCH, SETTINGS
from catalog.search.weights import smallest_window
from catalog.tables import MODEL, embedding_table_name, nearby
from embedding.registry import Modality, get_spec

QUERIES = """
SELECT embedding FROM query_embedding
 WHERE model = %(model)s AND embedding IS NOT NULL
 ORDER BY used_at DESC, text
 LIMIT %(queries)s
"""

STORE = """
INSERT INTO index_recall AS r (model, modality, recall, nearest, queries)
VALUES (%(model)s, %(modality)s, %(recall)s, %(nearest)s, %(queries)s)
    ON CONFLICT (model, modality) DO UPDATE
   SET recall = excluded.recall, nearest = excluded.nearest, queries = excluded.queries,
       measured_at = now()
"""


@dataclass(frozen=True, slots=True)
class MeasuredRecall:
    """The recall of one index, 0 to 1: of `nearest` embeddings, for a number of `queries`."""

    model: str
    modality: Modality
    recall: float
    nearest: int
    queries: int


@dataclass(frozen=True, slots=True)
class StoredRecall:
    """The last measured recall of one index, and when it was measured."""

    model: str
    modality: str
    recall: float
    measured_at: datetime


def measure_recall(
    queries: int, nearest: int, on_query: Callable[[int], None] = lambda done: None
) -> Iterator[MeasuredRecall]:
    """Measure and store the recall of every index that searches by words use.

    Indexes that are missing, and models without stored queries, are left out.

    Args:
        queries: the maximum number of stored queries per model.
        nearest: how many of the nearest embeddings the index should find for each.
        on_query: called with 1 after each query.
    """
    with connect() as connection:
        names = [it for it in models_in_use(connection) if "text" in get_spec(it).modalities]
    for name in names:
        spec = get_spec(name)
        for modality in spec.modalities:
            shares = list(_shares(name, spec.owner(modality), modality, queries, nearest, on_query))
            if shares:
                recall = sum(shares) / len(shares)
                found = MeasuredRecall(name, modality, recall, nearest, len(shares))
                _store(found)
                yield found


def stored_recalls(connection: Connection) -> list[StoredRecall]:
    """The last measured recall of each index."""
    rows = connection.exec_driver_sql(
        "SELECT model, modality, recall, measured_at FROM index_recall ORDER BY model, modality"
    )
    return [StoredRecall(*row) for row in rows]


def _shares(
    model: str,
    owner: str,
    modality: Modality,
    queries: int,
    nearest: int,
    on_query: Callable[[int], None],
) -> Iterator[float]:
    """For each stored query of `model`, the share of the nearest embeddings that the index finds.

    A transaction for each query: vacuum does not wait for the whole measurement.
    """
    with connect() as connection:
        if not has_index(connection, owner, modality):
            return
        columns = select(MODEL.c.dimensions, MODEL.c.binary).where(MODEL.c.name == owner)
        dimensions, binary = connection.execute(columns).one()
        asked = {"model": model, "queries": queries}
        vectors = connection.exec_driver_sql(QUERIES, asked).scalars().all()
    near = nearby(dimensions, binary, "%(vector)s")
    by_index = _statement(
        f"SELECT e.embedding <=> %(vector)s AS distance"
        f" FROM {embedding_table_name(owner, modality)} e ORDER BY {near}"
        f" LIMIT %(nearest)s{f' * {BINARY_FACTOR}' if binary else ''}"
    )
    exactly = _statement(
        f"SELECT e.embedding <=> %(vector)s AS distance"
        f" FROM {embedding_table_name(owner, modality)} e"
    )
    for vector in vectors:
        values = {"vector": vector, "nearest": nearest}
        with connect() as connection:
            found = _distances(connection, by_index, values, "off")
            best = _distances(connection, exactly, values, "on")
        if best:
            # By distance: of embeddings that are equally near, any will do.
            yield sum(distance <= best[-1] for distance in found) / len(best)
        on_query(1)


def _statement(candidates: str) -> str:
    # `+ 0` keeps the planner from using the HNSW index for this sort.
    return f"SELECT distance FROM ({candidates}) AS c ORDER BY distance + 0 LIMIT %(nearest)s"


def _distances(
    connection: Connection, statement: str, values: dict[str, Any], seqscan: str
) -> list[float]:
    ef_search = min(MAX_EF_SEARCH, 2 * smallest_window(connection))
    connection.exec_driver_sql(SETTINGS, {"ef_search": str(ef_search)})
    connection.exec_driver_sql(f"SET LOCAL enable_seqscan = {seqscan}")
    return list(connection.exec_driver_sql(statement, values).scalars())


def _store(found: MeasuredRecall) -> None:
    with connect() as connection:
        connection.exec_driver_sql(
            STORE,
            {
                "model": found.model,
                "modality": found.modality,
                "recall": found.recall,
                "nearest": found.nearest,
                "queries": found.queries,
            },
        )
