"""Finds rows that must be embedded, by comparing hashes and versions.

A row is pending if the hash stored with its embedding differs from the hash of its current content,
so an edit with any tool makes it pending, and if the embedding is of an earlier version
(`catalog.indexing.versions`). Failed rows are not pending until they change.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg.sql import SQL, Composable, Identifier, Literal
from sqlalchemy import Connection

from catalog import config
from catalog.tables import embedding_table_name
from embedding.registry import Modality


@dataclass(frozen=True, slots=True)
class Pending:
    """A text or picture to embed. `id` is the id of the product or the picture, by modality."""

    id: int
    product_id: int
    content: str
    source: str

    @property
    def file(self) -> Path:
        """The file of the picture; `content` is its path relative to the media folder."""
        return config.settings().media_root / self.content


@dataclass(frozen=True, slots=True)
class Selection:
    """A selection of products: all, by SKU, by time of the last change, or by ids."""

    skus: tuple[str, ...] = ()
    since: datetime | None = None
    product_ids: tuple[int, ...] | None = None

    def condition(self) -> str:
        """An SQL condition on `s.product_id` that begins with AND; see `parameters`."""
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
        if self.product_ids is not None:
            condition += " AND s.product_id = ANY(%(product_ids)s)"
        return condition

    def parameters(self) -> dict[str, Any]:
        return {
            "skus": list(self.skus),
            "since": self.since,
            "product_ids": list(self.product_ids or ()),
        }


EVERYTHING = Selection()


@dataclass(frozen=True, slots=True)
class Coverage:
    """Row counts of a model and modality by state; `total` is their sum.

    A failed row counts as `failed` even if it has an older embedding.
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
"""SQL that counts the rows of `states`: the fields of `Coverage`."""

SOURCES: dict[Modality, SQL] = {
    "text": SQL("""
        SELECT p.id, p.id AS product_id, p.document AS content, p.document_md5 AS source,
               NULL::bigint AS image_id, e.source_md5 AS embedded_source, e.embedded_at, e.version,
               {current} AS current_version
          FROM product p LEFT JOIN {table} e ON e.product_id = p.id"""),
    "image": SQL("""
        SELECT i.id, i.product_id, i.path AS content, i.sha256 AS source,
               i.id AS image_id, e.source_sha256 AS embedded_source, e.embedded_at, e.version,
               {current} AS current_version
          FROM product_image i LEFT JOIN {table} e ON e.image_id = i.id"""),
}
FAILED = """
    EXISTS (SELECT FROM embedding_failure f
             WHERE f.model = %(model)s AND f.product_id = s.product_id
               AND f.image_id IS NOT DISTINCT FROM s.image_id AND f.source = s.source)"""
CURRENT = SQL("""
    (SELECT v.number FROM embedding_version v
      WHERE v.model = {model} AND v.modality = {modality})""")
OUTDATED = "coalesce(s.version < s.current_version, false)"
STALE = f"(s.embedded_source IS DISTINCT FROM s.source OR {OUTDATED})"


def next_pending(
    connection: Connection,
    model: str,
    modality: Modality,
    *,
    after: int,
    limit: int,
    selection: Selection = EVERYTHING,
) -> list[Pending]:
    """The next `limit` pending rows with ids above `after`, ordered by id."""
    rows = connection.exec_driver_sql(
        f"SELECT s.id, s.product_id, s.content, s.source FROM ({source(model, modality)}) AS s"
        f" WHERE s.id > %(after)s AND {STALE} AND NOT {FAILED}{selection.condition()}"
        " ORDER BY s.id LIMIT %(limit)s",
        {"model": model, "after": after, "limit": limit} | selection.parameters(),
    )
    return [Pending(*row) for row in rows]


def coverage(
    connection: Connection,
    model: str,
    modality: Modality,
    selection: Selection = EVERYTHING,
) -> Coverage:
    """Count the rows of the selected products by state."""
    row = connection.exec_driver_sql(
        f"SELECT {COUNTS} FROM ({states(model, modality)}{selection.condition()}) AS t",
        {"model": model} | selection.parameters(),
    ).one()
    return Coverage(*row)


def states(model: str, modality: Modality) -> str:
    """SQL that returns the product of each row, whether it is stale, whether it failed, and when it
    was embedded.

    Its parameter is `model`. It ends with a WHERE clause, so the condition of a
    selection can be appended.
    """
    return (
        f"SELECT s.product_id, {FAILED} AS failed, {STALE} AS stale, s.embedded_at"
        f" FROM ({source(model, modality)}) AS s WHERE true"
    )


def source(model: str, modality: Modality) -> str:
    """SQL that returns all texts or pictures with the state of their embedding, if there is one."""
    table: Composable = Identifier(embedding_table_name(model, modality))
    current = CURRENT.format(model=Literal(model), modality=Literal(modality))
    return SOURCES[modality].format(table=table, current=current).as_string()
