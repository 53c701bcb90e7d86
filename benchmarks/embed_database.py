"""The separate database of `benchmarks.embed` and `benchmarks.memory`: one picture per product."""

import os
from pathlib import Path

from sqlalchemy import insert

from catalog.db.connection import connect, forget_engine
from catalog.tables import EMBEDDING_VERSION, embedding_table, metadata
from embedding.registry import ModelSpec


def prepare(spec: ModelSpec, files: list[Path], rows: int) -> None:
    """Set `DATABASE_URL` to a new catalogue of `rows` pictures, which share `files`; no index."""
    from catalog.db.embedded import embedded_url  # not imported with --no-database

    os.environ["DATABASE_URL"] = embedded_url(database="bench_embed")
    forget_engine()
    with connect() as connection:
        # The whole schema: runs with other registries may have left other tables.
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
        connection.exec_driver_sql("CREATE EXTENSION vector")
    forget_engine()  # new connections register the type `vector`
    with connect() as connection:
        metadata.create_all(connection)
        for modality in spec.modalities:
            embedding_table(spec.name, modality, spec.dimensions).create(connection)
            connection.execute(insert(EMBEDDING_VERSION).values(model=spec.name, modality=modality))
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
    """Delete all image vectors of the model."""
    with connect() as connection:
        connection.exec_driver_sql(f"TRUNCATE {spec.name}_image")
