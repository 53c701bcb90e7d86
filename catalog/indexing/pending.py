"""What is still to be embedded: a comparison of hashes, never a flag.

A row is pending where the hash beside its embedding is not that of what the product has now, so
that an edit by anyone, in any tool, makes it pending. What failed is not, until it changes.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg.sql import SQL, Composable, Identifier
from sqlalchemy import Connection

from catalog import config
from catalog.tables import embedding_table_name
from embedding.registry import Modality


@dataclass(frozen=True, slots=True)
class Pending:
    """A text or picture to embed. `id` is the product's or the picture's, as `modality` says."""

    id: int
    product_id: int
    content: str
    source: str

    @property
    def file(self) -> Path:
        """The picture's file; `content` is its path below the media folder."""
        return config.settings().media_root / self.content


@dataclass(frozen=True, slots=True)
class Selection:
    """Which products are meant: all of them, those named, those changed since a time, or one."""

    skus: tuple[str, ...] = ()
    since: datetime | None = None
    product_id: int | None = None

    def condition(self) -> str:
        """SQL, on `s.product_id`, that begins with AND; its parameters are `parameters()`."""
        parts = []
        if self.skus:
            parts.append("p.sku = ANY(%(skus)s)")
        if self.since is not None:
            parts.append("p.updated_at >= %(since)s")
        condition = ""
        if parts:
            condition = (
                f" AND s.product_id IN (SELECT p.id FROM product p WHERE {' AND '.join(parts)})"
            )
        if self.product_id is not None:
            condition += " AND s.product_id = %(product_id)s"
        return condition

    def parameters(self) -> dict[str, Any]:
        return {"skus": list(self.skus), "since": self.since, "product_id": self.product_id}


EVERYTHING = Selection()


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far a model has come with one modality, in rows; each but `total` is counted once.

    A failure counts as `failed` even if there is an older embedding.
    """

    total: int
    embedded: int
    stale: int
    missing: int
    failed: int

    @property
    def pending(self) -> int:
        return self.stale + self.missing


COUNTS = """
       count(*) AS total,
       count(*) FILTER (WHERE NOT failed AND NOT stale) AS embedded,
       count(*) FILTER (WHERE NOT failed AND stale AND embedded_at IS NOT NULL) AS stale,
       count(*) FILTER (WHERE NOT failed AND stale AND embedded_at IS NULL) AS missing,
       count(*) FILTER (WHERE failed) AS failed"""
"""The fields of `Coverage`, from the rows of `states`."""

SOURCES: dict[Modality, SQL] = {
    "text": SQL("""
        SELECT p.id, p.id AS product_id, p.document AS content, p.document_md5 AS source,
               NULL::bigint AS image_id, e.source_md5 AS embedded_source, e.embedded_at
          FROM product p LEFT JOIN {table} e ON e.product_id = p.id"""),
    "image": SQL("""
        SELECT i.id, i.product_id, i.path AS content, i.sha256 AS source,
               i.id AS image_id, e.source_sha256 AS embedded_source, e.embedded_at
          FROM product_image i LEFT JOIN {table} e ON e.image_id = i.id"""),
}
FAILED = """
    EXISTS (SELECT FROM embedding_failure f
             WHERE f.model = %(model)s AND f.product_id = s.product_id
               AND f.image_id IS NOT DISTINCT FROM s.image_id AND f.source = s.source)"""
STALE = """
    (s.embedded_source IS DISTINCT FROM s.source
     OR coalesce(s.embedded_at < %(older_than)s, false))"""


def next_pending(
    connection: Connection,
    model: str,
    modality: Modality,
    *,
    after: int,
    limit: int,
    older_than: datetime | None = None,
    selection: Selection = EVERYTHING,
) -> list[Pending]:
    """The next `limit` rows to embed with ids above `after`, by id.

    With `older_than`, embeddings made before it count as pending too, whatever their hash.
    """
    rows = connection.exec_driver_sql(
        f"SELECT s.id, s.product_id, s.content, s.source FROM ({source(model, modality)}) AS s"
        f" WHERE s.id > %(after)s AND {STALE} AND NOT {FAILED}{selection.condition()}"
        " ORDER BY s.id LIMIT %(limit)s",
        {"model": model, "after": after, "limit": limit, "older_than": older_than}
        | selection.parameters(),
    )
    return [Pending(*row) for row in rows]


def coverage(
    connection: Connection,
    model: str,
    modality: Modality,
    older_than: datetime | None = None,
    selection: Selection = EVERYTHING,
) -> Coverage:
    """Counts over the selected products, or the whole catalogue."""
    row = connection.exec_driver_sql(
        f"SELECT {COUNTS} FROM ({states(model, modality)}{selection.condition()}) AS t",
        {"model": model, "older_than": older_than} | selection.parameters(),
    ).one()
    return Coverage(*row)


def states(model: str, modality: Modality) -> str:
    """SQL that tells of each row of a source whether it is stale or has failed.

    Its parameters are `model` and `older_than`; it ends with a condition, to which a selection's
    may be added.
    """
    return (
        f"SELECT {FAILED} AS failed, {STALE} AS stale, s.embedded_at"
        f" FROM ({source(model, modality)}) AS s WHERE true"
    )


def source(model: str, modality: Modality) -> str:
    """SQL of all texts or pictures, each beside the model's embedding of it, if there is one."""
    table: Composable = Identifier(embedding_table_name(model, modality))
    return SOURCES[modality].format(table=table).as_string()
