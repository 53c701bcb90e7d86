"""Compares updating the HNSW index during a fill with building it afterwards.

    python -m benchmarks.index [--rows 1000 5000 20000] [--present 0]

Embeddings of 512 dimensions are written in batches, as `embed_catalog` does, into a table with
`--present` rows and an index. The same is then done without the index, which is built afterwards.
Uses a separate database.
"""

import argparse
import os
import time

import numpy as np
from tqdm import tqdm

from benchmarks.filters import prepare
from benchmarks.synthetic import clustered
from catalog.db.connection import connect
from catalog.indexing.hnsw import ensure_index, index_name
from catalog.indexing.pending import Pending
from catalog.indexing.writer import write_embeddings
from embedding.registry import get_spec

MODEL = get_spec("clip")
BATCH = 1024
EMPTY = 1
"""Number of products that `prepare` creates; they are replaced."""


def write(vectors: np.ndarray, first: int) -> float:
    """Write vectors (n, d) for the ids from `first`; returns the seconds it took."""
    rows = [Pending(first + n, first + n, "", "benchmark") for n in range(len(vectors))]
    started = time.perf_counter()
    for start in tqdm(range(0, len(rows), BATCH), leave=False):
        with connect() as connection:
            batch = slice(start, start + BATCH)
            write_embeddings(connection, MODEL.name, "text", rows[batch], vectors[batch])
    return time.perf_counter() - started


def reset(present: np.ndarray, products: int) -> None:
    """Create `products` products with an index; the first n have the vectors `present`, (n, d)."""
    with connect() as connection:
        connection.exec_driver_sql("TRUNCATE product CASCADE")
        connection.exec_driver_sql(
            "INSERT INTO product (id, sku, title) SELECT n, n, 'Shirt'"
            " FROM generate_series(1, %(products)s) AS n",
            {"products": products},
        )
    if len(present):
        write(present, 1)
    ensure_index(MODEL.name, "text")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 5000, 20_000])
    parser.add_argument("--present", type=int, default=0)
    arguments = parser.parse_args()
    prepare(EMPTY, MODEL)
    print(f"{os.cpu_count()} cores; {arguments.present:,} rows present; seconds\n")
    print("| rows | with index | without | building it | ratio |\n|---|---|---|---|---|")
    for rows in arguments.rows:
        total = arguments.present + rows
        vectors = clustered(total, MODEL.dimensions, np.random.default_rng(1)).vectors
        present, new = np.split(vectors, [arguments.present])
        reset(present, total)
        with_index = write(new, arguments.present + 1)
        reset(present, total)
        with connect() as connection:
            connection.exec_driver_sql(f"DROP INDEX {index_name(MODEL.name, 'text')}")
        without = write(new, arguments.present + 1)
        building = ensure_index(MODEL.name, "text")
        ratio = with_index / (without + building)
        print(
            f"| {rows:,} | {with_index:.1f} | {without:.1f} | {building:.1f} | {ratio:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
