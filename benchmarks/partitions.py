"""What partitions by hash cost a search, and whether it still finds the nearest.

    python -m benchmarks.partitions [--products 2000000] [--partitions 8] [--queries 40]
                                    [--divided-only]

The same clustered random vectors of 64 dimensions are the texts of two models, one with and one
without partitions (`manage.py partition_model`), in a separate database on the embedded server.
The search's own statement runs on both in turn, exactly and as it chooses. The times are those that
the server's process has computed, which other programs change little. A second table compares the
scan of the indexes of all partitions with that of one. The first run fills the database, and builds
the indexes with an `ef_construction` of 40. `--divided-only` leaves out the model without
partitions, whose index takes longest.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from pgvector import HalfVector
from sqlalchemy import Connection

from benchmarks.filters import WAYS, Run, run, server_clock
from benchmarks.synthetic import Synthetic, clustered, copy_vectors, fill_signs
from catalog.db.connection import connect, driver_connection, forget_engine
from catalog.db.embedded import embedded_url
from catalog.indexing.hnsw import defer_index, ensure_index, has_index
from catalog.model_tables import add_model, partition_model
from catalog.search.calibration import UNCALIBRATED
from catalog.search.filters import Filters
from catalog.search.fusion import Channel
from catalog.search.ranking_sql import Ranking, Statement, ranking_statement
from catalog.tables import HNSW
from embedding.registry import get_spec

DIMENSIONS = 64
WHOLE, DIVIDED = "whole", "divided"
ENTRY = """
name = "{name}"
label = "{name}"
summary = "Random vectors."
loader = "fashion"
checkpoint = ""
dimensions = {dimensions}
modalities = ["text"]
licence = "none"
"""
FILTERS = {"no filter": Filters(), "5 %": Filters({"colour": ("rare",)})}
RECALL = 10


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--products", type=int, default=2_000_000)
    parser.add_argument("--partitions", type=int, default=8)
    parser.add_argument("--queries", type=int, default=40)
    parser.add_argument("--divided-only", action="store_true")
    options = parser.parse_args()
    with entries():
        data = clustered(options.products, DIMENSIONS, np.random.default_rng(1))
        names = (DIVIDED,) if options.divided_only else (WHOLE, DIVIDED)
        prepare(data, options.partitions, names)
        print(f"{options.products:,} products, {options.partitions} partitions, CPU time in ms\n")
        measure(data, options.queries, names)
        compare_scans(data, options.queries, names)


@contextmanager
def entries() -> Iterator[None]:
    """Entries of both models in the registry."""
    with tempfile.TemporaryDirectory() as folder:
        for name in (WHOLE, DIVIDED):
            entry = ENTRY.format(name=name, dimensions=DIMENSIONS)
            (Path(folder) / f"{name}.toml").write_text(entry)
        os.environ["EMBEDDING_REGISTRY"] = folder
        yield


def prepare(data: Synthetic, partitions: int, names: tuple[str, ...]) -> None:
    """Set `DATABASE_URL` to the benchmark's database, and fill it where it is not filled."""
    from catalog.db.migrations import migrate

    products = len(data.labels)
    os.environ["DATABASE_URL"] = embedded_url(database=f"bench_{partitions}_of_{products}")
    forget_engine()
    migrate()
    HNSW["ef_construction"] = 40
    with connect() as connection:
        for name in (WHOLE, DIVIDED):
            if add_model(connection, get_spec(name)) and name == DIVIDED:
                partition_model(connection, name, partitions)
        if not connection.exec_driver_sql("SELECT EXISTS (SELECT FROM product)").scalar():
            with stage("fill"):
                fill(connection, data)
    for name in names:
        with connect() as connection:
            is_built = has_index(connection, name, "text")
        if not is_built:
            with stage(f"index of {name}"):
                ensure_index(name, "text")


@contextmanager
def stage(name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    print(f"{name}: {time.perf_counter() - started:.0f} s", flush=True)


def fill(connection: Connection, data: Synthetic) -> None:
    """Fill the tables without triggers and indexes, which would take most of the time."""
    products = len(data.labels)
    for name in (WHOLE, DIVIDED):
        defer_index(connection, name, "text", products)
    with driver_connection(connection).cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "INSERT INTO product (id, sku, title, colour, price, in_stock, exact_keys)"
            " SELECT n, 'S' || n, 'Product ' || n,"
            " CASE WHEN n %% 20 = 0 THEN 'rare' ELSE 'other' END, n %% 500, true, '{}'"
            " FROM generate_series(1, %(products)s) AS n",
            {"products": products},
        )
        for ids, vectors in data.blocks():
            for name in (WHOLE, DIVIDED):
                target = f"{name}_text (product_id, embedding, source_md5)"
                copy_vectors(cursor, target, ids[:, None], vectors)
        for name in (WHOLE, DIVIDED):
            fill_signs(cursor, name, "text")
            cursor.execute(f"ANALYZE {name}_text, {name}_text_signs".encode())
        cursor.execute("ANALYZE product")


def measure(data: Synthetic, queries: int, names: tuple[str, ...]) -> None:
    """Run the same queries on the models in turn, and print a table."""
    print(f"| filter | tables | exact | chosen | recall@{RECALL} |\n|---|---|---|---|---|")
    for label, filters in FILTERS.items():
        seconds: dict[tuple[str, str], list[float]] = {}
        recall: dict[str, list[float]] = {name: [] for name in names}
        for vector in data.near(queries):
            exact: dict[str, list[int]] = {}
            for name in names:
                found = {}
                for way in ("exact", "chosen"):
                    found[way], took = ask(statement(name, vector, filters), way)
                    seconds.setdefault((name, way), []).append(took)
                exact[name] = found["exact"][:RECALL]
                recall[name].append(len({*exact[name]} & {*found["chosen"][:RECALL]}) / RECALL)
            assert all(it == exact[names[0]] for it in exact.values()), "exact scans disagree"
        for name in names:
            times = " | ".join(
                f"{1000 * np.median(seconds[name, way]):.1f}" for way in ("exact", "chosen")
            )
            print(f"| {label} | {name} | {times} | {np.mean(recall[name]):.3f} |", flush=True)


def compare_scans(data: Synthetic, queries: int, names: tuple[str, ...]) -> None:
    """Scan the index of one partition and those of whole models in turn, and print a table."""
    tables = [f"{DIVIDED}_text_0", *(f"{name}_text" for name in names)]
    seconds: dict[str, list[float]] = {table: [] for table in tables}
    for vector in data.near(queries):
        for table in tables:
            query = f"SELECT product_id FROM {table} ORDER BY embedding <=> %(vector)s LIMIT 240"
            with connect() as connection:
                connection.exec_driver_sql("SET LOCAL hnsw.ef_search = 480")
                for _ in range(2):  # the second one counts
                    started = server_clock(connection)
                    connection.exec_driver_sql(query, {"vector": HalfVector(vector)}).all()
                    took = server_clock(connection) - started
                seconds[table].append(took)
    print("\n| scan of | CPU time in ms |\n|---|---|")
    for table in tables:
        print(f"| {table} | {1000 * np.median(seconds[table]):.1f} |", flush=True)


def statement(model: str, vector: np.ndarray, filters: Filters) -> Statement:
    """The search's statement for a vector alone."""
    channel = Channel(model, "text", vector, UNCALIBRATED, 1.0)
    return ranking_statement(Ranking((channel,), filters=filters, window=240, limit=48))


def ask(asked: Statement, way: str) -> Run:
    """The ids that a statement finds in one of `WAYS`, and the seconds of the second run."""
    chosen = replace(asked, parameters=asked.parameters | WAYS[way])
    with connect() as connection:
        clock = partial(server_clock, connection)
        if way == "chosen":
            run(connection, chosen, clock)
        return run(connection, chosen, clock)


if __name__ == "__main__":
    main()
