"""Computes the embeddings of a reduced model from the stored ones of the model that it reduces.

Nothing is encoded again. What the other model has not embedded is left to the pipeline.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import LiteralString

import numpy as np
from pgvector import HalfVector
from sqlalchemy import Connection

from catalog.active_models import stored_models
from catalog.db.connection import compose, connect, retry_transient
from catalog.indexing.pending import EVERYTHING, Pending, Selection, next_pending
from catalog.indexing.versions import has_changed
from catalog.indexing.writer import write_embeddings
from catalog.tables import embedding_table_name
from embedding.encoder import Encoder
from embedding.reduction import Matrix, ReducedEncoder
from embedding.registry import Modality, ModelSpec, get_spec

PAGE = 2048
"""Number of rows per transaction."""

CURRENT: LiteralString = """
SELECT e.{key}, e.embedding
  FROM {table} e JOIN unnest(%(ids)s::bigint[], %(sources)s::text[]) AS wanted (id, source)
       ON wanted.id = e.{key} AND wanted.source = e.{source}
 WHERE e.version >= coalesce((SELECT v.number FROM embedding_version v
                               WHERE v.model = %(owner)s AND v.modality = %(modality)s), 0)
"""

COLUMNS: dict[Modality, tuple[str, str]] = {
    "text": ("product_id", "source_md5"),
    "image": ("image_id", "source_sha256"),
}
"""The key of a table of embeddings, and the hash of what was embedded."""


@dataclass(frozen=True, slots=True)
class Derived:
    """The number of embeddings computed, and the seconds it took."""

    rows: int = 0
    seconds: float = 0.0


def derive(
    encoder: Encoder,
    modality: Modality,
    limit: int | None = None,
    selection: Selection = EVERYTHING,
    progress: Callable[[int], None] = lambda rows: None,
    stop: Event | None = None,
) -> Derived:
    """Reduce the current embeddings of another model; see `catalog.indexing.job.fill`.

    Does nothing for a model that reduces no other one, or while the files of the other model are
    not those of its embeddings.
    """
    if not isinstance(encoder, ReducedEncoder) or encoder.spec.loader != "reduced":
        return Derived()
    base = get_spec(encoder.spec.checkpoint)
    owner = get_spec(base.owner(modality))
    with connect() as connection:
        if owner.name not in stored_models(connection) or has_changed(connection, owner, modality):
            return Derived()
    started = time.perf_counter()
    rows, after = 0, 0
    while (limit is None or rows < limit) and not (stop is not None and stop.is_set()):
        count = PAGE if limit is None else min(PAGE, limit - rows)
        page = partial(_derive_page, encoder, owner, modality, after, count, selection)
        written, last = retry_transient(page)
        if last is None:
            break
        after, rows = last, rows + written
        progress(written)
    return Derived(rows, time.perf_counter() - started)


def _derive_page(
    encoder: ReducedEncoder,
    owner: ModelSpec,
    modality: Modality,
    after: int,
    count: int,
    selection: Selection,
) -> tuple[int, int | None]:
    """The number of embeddings written, and the last id of the page; None if there is no page."""
    assert encoder.reduction is not None
    model = encoder.spec.name
    with connect() as connection:
        pending = next_pending(
            connection, model, modality, after=after, limit=count, selection=selection
        )
        if not pending:
            return 0, None
        rows, vectors = _embedded(connection, owner, modality, pending)
        if rows:
            reduced = encoder.reduction.apply(vectors)
            write_embeddings(connection, model, modality, rows, reduced)
        return len(rows), pending[-1].id


def _embedded(
    connection: Connection, owner: ModelSpec, modality: Modality, pending: list[Pending]
) -> tuple[list[Pending], Matrix]:
    """Those of the pending rows that the other model has embedded, with its vectors, (n, d)"""
    key, source = COLUMNS[modality]
    table = embedding_table_name(owner.name, modality)
    stored = connection.exec_driver_sql(
        compose(CURRENT, key=key, source=source, table=table),
        {
            "ids": [row.id for row in pending],
            "sources": [row.source for row in pending],
            "owner": owner.name,
            "modality": modality,
        },
    )
    found: dict[int, HalfVector] = {row[0]: row[1] for row in stored}
    rows = [row for row in pending if row.id in found]
    return rows, np.array([found[row.id].to_numpy() for row in rows], np.float32)
