"""The database of `benchmarks.embed`: products with a picture each, in a database of its own."""

import os
import time
from pathlib import Path

from sqlalchemy import Table

from catalog.database import connect, forget_engine
from catalog.tables import EMBEDDINGS, metadata
from embedding.registry import ModelSpec


def prepare(spec: ModelSpec, files: list[Path], rows: int) -> None:
    """Point the process at a catalogue of `rows` pictures, which share `files`, without index."""
    from catalog.server import embedded_url  # not needed where there is no database

    os.environ["DATABASE_URL"] = embedded_url(database="bench_embed")
    forget_engine()
    with connect() as connection:
        connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS vector")
    forget_engine()  # connections learn of the type as they are made
    with connect() as connection:
        metadata.drop_all(connection)
        metadata.create_all(connection)
        for index in image_table(spec).indexes:
            if index.name == hnsw_name(spec):
                index.drop(connection)
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


def image_table(spec: ModelSpec) -> Table:
    return EMBEDDINGS[spec.name]["image"]


def hnsw_name(spec: ModelSpec) -> str:
    return f"{image_table(spec).name}_embedding_hnsw"


def empty(spec: ModelSpec) -> None:
    """As before the first run."""
    with connect() as connection:
        connection.exec_driver_sql(f"TRUNCATE {image_table(spec).name}")


def build_index(spec: ModelSpec) -> float:
    """Seconds that the HNSW index takes over what is there."""
    (index,) = [index for index in image_table(spec).indexes if index.name == hnsw_name(spec)]
    started = time.perf_counter()
    with connect() as connection:
        index.create(connection)
    return time.perf_counter() - started
