"""The writer: one binary COPY and one upsert per batch."""

import numpy as np
from pgvector import HalfVector
from sqlalchemy import Connection

from catalog.db.connection import connect, driver_connection
from catalog.indexing.encoding import Encoded
from catalog.indexing.pending import Pending
from catalog.indexing.reader import Failure
from catalog.tables import embedding_table_name
from embedding.registry import Modality


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

    Rows whose product or picture has been deleted in the meantime are skipped.
    """
    if not rows:
        return
    table = embedding_table_name(model, modality)
    keys = "product_id" if modality == "text" else "image_id, product_id"
    key = keys.split(",")[0]
    source = "source_md5" if modality == "text" else "source_sha256"
    parent = "product" if modality == "text" else "product_image"
    driver = driver_connection(connection)
    with driver.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMP TABLE staging ON COMMIT DROP AS"
            f" SELECT {keys}, embedding, {source} FROM {table} LIMIT 0"
        )
        with cursor.copy("COPY staging FROM STDIN (FORMAT binary)") as copy:
            ids = ["int8"] if modality == "text" else ["int8", "int8"]
            copy.set_types([*ids, "halfvec", "text"])
            for row, vector in zip(rows, vectors, strict=True):
                own = (row.id,) if modality == "text" else (row.id, row.product_id)
                copy.write_row((*own, HalfVector(vector), row.source))
        cursor.execute(
            f"INSERT INTO {table} ({keys}, embedding, {source})"
            f" SELECT s.* FROM staging s JOIN {parent} parent ON parent.id = s.{key}"
            f" ORDER BY parent.id FOR KEY SHARE OF parent"  # a fixed order prevents deadlocks
            f" ON CONFLICT ({key}) DO UPDATE SET embedding = excluded.embedding,"
            f" {source} = excluded.{source}, embedded_at = now()"
        )
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


def forget_failures(connection: Connection, model: str, modality: Modality) -> None:
    """Delete the recorded failures of a modality, so that its rows are tried again."""
    kind = "image_id IS NULL" if modality == "text" else "image_id IS NOT NULL"
    connection.exec_driver_sql(
        f"DELETE FROM embedding_failure WHERE model = %(model)s AND {kind}", {"model": model}
    )
