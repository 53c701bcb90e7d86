"""Compares cosine distance and inner product on unit vectors: build time, query time, recall.

    python -m benchmarks.operators [--vectors 50000] [--queries 200]

Both indexes are built on copies of the same table and run the same queries alternately.
"""

import argparse
import os
import time

import numpy as np
import psycopg
from pgvector import HalfVector
from pgvector.psycopg import register_vector

from benchmarks.synthetic import clustered
from catalog.db.embedded import embedded_url

CLASSES = {"cosine": ("halfvec_cosine_ops", "<=>"), "inner product": ("halfvec_ip_ops", "<#>")}
DIMENSIONS = 384
LIMIT = 48


def build(connection: psycopg.Connection, name: str, vectors: np.ndarray) -> float:
    """Fill a table and build its index; returns the seconds of the build."""
    table, (ops, _) = name.replace(" ", "_"), CLASSES[name]
    connection.execute(f"CREATE TEMP TABLE {table} (id int8, embedding halfvec({DIMENSIONS}))")
    with connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(["int8", "halfvec"])
        for number, vector in enumerate(vectors):
            copy.write_row((number, HalfVector(vector)))
    started = time.perf_counter()
    connection.execute(f"CREATE INDEX ON {table} USING hnsw (embedding {ops})")
    connection.execute(f"ANALYZE {table}")
    return time.perf_counter() - started


def search(connection: psycopg.Connection, name: str, vector: np.ndarray) -> tuple[set[int], float]:
    """The ids found for a vector (d,), and the seconds it took."""
    table, (_, operator) = name.replace(" ", "_"), CLASSES[name]
    query = f"SELECT id FROM {table} ORDER BY embedding {operator} %s LIMIT {LIMIT}"
    started = time.perf_counter()
    rows = connection.execute(query, [HalfVector(vector)], binary=True).fetchall()
    return {row[0] for row in rows}, time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, default=50_000)
    parser.add_argument("--queries", type=int, default=200)
    arguments = parser.parse_args()
    rng = np.random.default_rng(2)
    vectors = clustered(arguments.vectors, DIMENSIONS, rng).vectors
    near = vectors[rng.integers(len(vectors), size=arguments.queries)]
    queries = near + 0.5 * rng.normal(size=near.shape) / DIMENSIONS**0.5
    queries = (queries / np.linalg.norm(queries, axis=1, keepdims=True)).astype(np.float32)
    url = os.environ.get("DATABASE_URL") or embedded_url()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        register_vector(connection)
        # Indexes on temporary tables are not built in parallel, which makes the times more stable.
        built = {name: build(connection, name, vectors) for name in CLASSES}
        connection.execute("SET hnsw.ef_search = 100")
        seconds: dict[str, list[float]] = {name: [] for name in CLASSES}
        recall: dict[str, list[float]] = {name: [] for name in CLASSES}
        for number, vector in enumerate(queries):
            true = set(np.argsort(-(vectors @ vector))[:LIMIT].tolist())
            # Alternate the order, so that warm caches help both.
            for name in sorted(CLASSES, reverse=bool(number % 2)):
                found, took = search(connection, name, vector)
                seconds[name].append(took)
                recall[name].append(len(found & true) / LIMIT)
    print(f"| {len(vectors):,} vectors of {DIMENSIONS} | build | p50 | p95 | recall@{LIMIT} |")
    print("|---|---|---|---|---|")
    for name in CLASSES:
        p50, p95 = 1000 * np.percentile(seconds[name], [50, 95])
        mean = np.mean(recall[name])
        print(f"| {name} | {built[name]:.1f} s | {p50:.2f} ms | {p95:.2f} ms | {mean:.3f} |")


if __name__ == "__main__":
    main()
