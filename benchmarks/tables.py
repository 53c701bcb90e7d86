"""The database of `benchmarks.embed`: products with a picture each, in a database of its own."""

import os
from pathlib import Path

from catalog.db.connection import connect, forget_engine
from catalog.tables import metadata
from embedding.registry import ModelSpec


def prepare(spec: ModelSpec, files: list[Path], rows: int) -> None:
    """Point the process at a catalogue of `rows` pictures, which share `files`, without index."""
    from catalog.db.embedded import embedded_url  # not needed where there is no database

    os.environ["DATABASE_URL"] = embedded_url(database="bench_embed")
    forget_engine()
    with connect() as connection:
        # Also of tables that a run with another registry has left.
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
        connection.exec_driver_sql("CREATE EXTENSION vector")
    forget_engine()  # connections learn of the type as they are made
    with connect() as connection:
        metadata.create_all(connection)
        connection.exec_driver_sql(f"DROP INDEX {spec.name}_image_embedding_hnsw")
        connection.exec_driver_sql(
            "INSERT INTO product (sku, title) SELECT n, 'Shirt ' || n"
            " FROM generate_series(1, %(rows)s) AS n",
            {"rows": rows},
        )
        connection.exec_driver_sql(
            "INSERT INTO product_image (product_id, position, path, sha256, width, height)"
            " SELECT id, 0, (%(paths)s::text[])[1 + id %% %(files)s],"
            " encode(sha256(sku::bytea), 'hex'), 640, 800 FROM product",
            {"paths": [file.name for file in files], "files": len(files)},
        )
        connection.exec_driver_sql("ANALYZE product, product_image")


def empty(spec: ModelSpec) -> None:
    """As before the first run."""
    with connect() as connection:
        connection.exec_driver_sql(f"TRUNCATE {spec.name}_image")
