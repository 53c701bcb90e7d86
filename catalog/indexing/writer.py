"""The writer: one binary COPY and one upsert per batch."""

from datetime import datetime
from typing import LiteralString

import numpy as np
from pgvector import HalfVector
from sqlalchemy import Connection

from catalog.db.connection import compose, connect, driver_connection
from catalog.indexing.encoding import Encoded
from catalog.indexing.pending import EVERYTHING, Pending, Selection
from catalog.indexing.reader import Failure
from catalog.media.folders import media
from catalog.tables import embedding_table_name
from embedding.image_decoding import UNREADABLE
from embedding.registry import Modality

# Rows are locked in a fixed order, which prevents deadlocks.
STATEMENTS: dict[Modality, tuple[LiteralString, LiteralString]] = {
    "text": (
        """
        CREATE TEMP TABLE staging ON COMMIT DROP AS
        SELECT product_id, embedding, source_md5 FROM {table} LIMIT 0
        """,
        """
        INSERT INTO {table} (product_id, embedding, source_md5, version)
        SELECT s.*, %(version)s FROM staging s JOIN product parent ON parent.id = s.product_id
         ORDER BY parent.id FOR KEY SHARE OF parent
            ON CONFLICT (product_id) DO UPDATE
           SET embedding = excluded.embedding, source_md5 = excluded.source_md5,
               version = excluded.version, embedded_at = now()
        """,
    ),
    "image": (
        """
        CREATE TEMP TABLE staging ON COMMIT DROP AS
        SELECT image_id, product_id, embedding, source_sha256 FROM {table} LIMIT 0
        """,
        """
        INSERT INTO {table} (image_id, product_id, embedding, source_sha256, version)
        SELECT s.*, %(version)s FROM staging s JOIN product_image parent ON parent.id = s.image_id
         ORDER BY parent.id FOR KEY SHARE OF parent
            ON CONFLICT (image_id) DO UPDATE
           SET embedding = excluded.embedding, source_sha256 = excluded.source_sha256,
               version = excluded.version, embedded_at = now()
        """,
    ),
}
"""For each modality, the statements that create the staging table and write its rows."""

VERSION = b"""
SELECT number FROM embedding_version WHERE model = %(model)s AND modality = %(modality)s
"""


def write(model: str, modality: Modality, encoded: Encoded) -> None:
    """Write one batch, its embeddings and failures, in one transaction."""
    with connect() as connection:
        write_embeddings(connection, model, modality, encoded.rows, encoded.vectors)
        record_failures(connection, model, modality, encoded.failures)


def write_embeddings(
    connection: Connection,
    model: str,
    modality: Modality,
    rows: list[Pending],
    vectors: np.ndarray,
) -> None:
    """Upsert `vectors`, float32 (n, d), through a binary COPY into a staging table.

    They belong to the current version (`catalog.indexing.versions`).

    Rows whose product or picture has been deleted in the meantime are skipped.
    """
    if not rows:
        return
    table = embedding_table_name(model, modality)
    create, upsert = (compose(statement, table=table) for statement in STATEMENTS[modality])
    with driver_connection(connection).cursor() as cursor:
        cursor.execute(create.encode())
        with cursor.copy("COPY staging FROM STDIN (FORMAT binary)") as copy:
            ids = ["int8"] if modality == "text" else ["int8", "int8"]
            copy.set_types([*ids, "halfvec", "text"])
            for row, vector in zip(rows, vectors, strict=True):
                own = (row.id,) if modality == "text" else (row.id, row.product_id)
                copy.write_row((*own, HalfVector(vector), row.source))
        number = cursor.execute(VERSION, {"model": model, "modality": modality}).fetchone()
        cursor.execute(upsert.encode(), {"version": number[0] if number else None})
        cursor.execute(
            "DELETE FROM embedding_failure WHERE model = %(model)s AND "
            + ("image_id IS NULL AND product_id" if modality == "text" else "image_id")
            + " = ANY(%(ids)s)",
            {"model": model, "ids": [row.id for row in rows]},
        )


def record_failures(
    connection: Connection, model: str, modality: Modality, failures: list[Failure]
) -> None:
    """Record the rows that failed, so that they are skipped until their content changes."""
    for row, reason in failures:
        connection.exec_driver_sql(
            "INSERT INTO embedding_failure (model, product_id, image_id, source, reason)"
            " SELECT %(model)s, p.id, i.id, %(source)s, %(reason)s"
            " FROM product p LEFT JOIN product_image i ON i.id = %(image)s"
            " WHERE p.id = %(product)s AND (i.id IS NOT NULL OR %(image)s IS NULL)"
            " ON CONFLICT (model, product_id, image_id) DO UPDATE"
            " SET source = excluded.source, reason = excluded.reason, failed_at = now()",
            {
                "model": model,
                "product": row.product_id,
                "image": row.id if modality == "image" else None,
                "source": row.source,
                "reason": reason,
            },
        )


def forget_failures(
    connection: Connection, model: str, modality: Modality, selection: Selection = EVERYTHING
) -> None:
    """Delete the recorded failures of a modality, so that its rows are tried again."""
    kind = "image_id IS NULL" if modality == "text" else "image_id IS NOT NULL"
    connection.exec_driver_sql(
        f"DELETE FROM embedding_failure AS s WHERE model = %(model)s AND {kind}"
        + selection.condition(),
        {"model": model} | selection.parameters(),
    )


_last_looked_at: dict[str, int] = {}
"""The last failure that `forget_restored_pictures` has looked at, by model."""


def forget_restored_pictures(
    connection: Connection, model: str, *, limit: int | None = None
) -> None:
    """Delete the failures of pictures whose file was missing and now is there, or was written
    since.

    Args:
        limit: how many failures to look at; calls take turns. None looks at all.
    """
    failed = connection.exec_driver_sql(
        "SELECT f.id, f.reason, f.failed_at, i.path"
        "  FROM embedding_failure f JOIN product_image i ON i.id = f.image_id"
        " WHERE f.model = %(model)s ORDER BY f.id <= %(last)s, f.id LIMIT %(limit)s",
        {"model": model, "last": _last_looked_at.get(model, 0), "limit": limit},
    ).all()
    if limit and failed:
        _last_looked_at[model] = failed[-1].id
    if restored := [row.id for row in failed if _is_restored(*row[1:])]:
        connection.exec_driver_sql(
            "DELETE FROM embedding_failure WHERE id = ANY(%(ids)s)", {"ids": restored}
        )


def _is_restored(reason: str, failed_at: datetime, path: str) -> bool:
    changed_at = media.changed_at(path)
    if changed_at is None:
        return False
    return reason.startswith(UNREADABLE) or changed_at > failed_at.timestamp()
