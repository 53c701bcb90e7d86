"""Recall and time of an exact scan, of the HNSW index, and of the search's own choice.

    python -m benchmarks.filters [--products 200000] [--window 240] [--queries 40] [--model fashion]
                                 [--words] [--cpu] [--save FILE | --before FILE]

The first run creates a separate database with a synthetic catalogue on the embedded server. All
methods run the same queries alternately, so that the ratios are valid on a noisy machine. `--cpu`
measures the time that the server's process computed, which other processes change little.

`--save` writes the statements of this version to a file, without running them. With `--before`,
these run in turn with the statements of another version, which must work in the same database.
"""

import argparse
import os
import pickle
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path

import numpy as np
import psycopg
from sqlalchemy import Connection

from benchmarks.synthetic import SELECTIVITY, Synthetic, clustered, describe, fill_synthetic
from catalog.db.connection import connect, driver_connection, forget_engine
from catalog.db.embedded import embedded_url
from catalog.indexing.hnsw import has_index
from catalog.search.calibration import UNCALIBRATED
from catalog.search.candidates import EXACT_FACTOR
from catalog.search.filters import Filters
from catalog.search.fusion import WEIGHTS, Channel
from catalog.search.ranking_sql import SETTINGS, Ranking, Statement, ranking_statement
from catalog.search.vocabulary import refresh_vocabulary
from embedding.registry import ModelSpec, get_spec

MODEL = get_spec("fashion")
EVERYTHING = 1_000_000_000
WAYS = {
    "exact": {"exact_factor": 1e9, "min_scanned": EVERYTHING},
    "index": {"exact_factor": 0.0},
    "chosen": {"exact_factor": EXACT_FACTOR},
}
"""The parameters of each method."""
DEPTH = 96
"""The number of hits that are read."""
RECALLS = (10, 24)
FILTERS = {
    "no filter": Filters(),
    **{name: Filters({"colour": (name,)}) for name in SELECTIVITY},
    "20 %, far": Filters({"category": tuple(f"category {n}" for n in range(4))}),
    "10 %, far": Filters({"category": ("category 3", "category 4")}),
    "5 %, far": Filters({"category": ("category 3",)}),
    "50 %, price": Filters(min_price=Decimal(100)),
    "20 %, price": Filters(max_price=Decimal(41)),
    "5 %, price": Filters(max_price=Decimal(11)),
}


def prepare(products: int, model: ModelSpec = MODEL, *, described: bool = False) -> None:
    """Set `DATABASE_URL` to the benchmark's database, migrate it, and fill it if it is empty.

    There is a separate database for products that are `described`, with all kinds of facets.
    """
    from catalog.db.migrations import migrate
    from catalog.model_tables import add_model

    name = f"bench_{'facets_' if described else ''}{model.name}_{products}"
    os.environ["DATABASE_URL"] = embedded_url(database=name)
    forget_engine()
    migrate()
    with connect() as connection:
        add_model(connection, model)
        filled = connection.exec_driver_sql("SELECT EXISTS (SELECT FROM product)").scalar()
        if filled and not has_index(connection, model.name, "image"):
            raise SystemExit(f"{name} was filled in part: drop this database")
        if not filled:
            print(f"filling a catalogue of {products:,} products", flush=True)
            fill_synthetic(connection, model, products)
            if described:
                describe(connection, products)
            else:
                refresh_vocabulary(connection)  # otherwise all words count as rare
    if not filled:  # otherwise autovacuum would, while times are measured
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as driver:
            if described:  # the old rows lie before the new ones
                driver.execute("VACUUM FULL product")
            driver.execute("VACUUM (ANALYZE)")


Statements = dict[str, list[Statement]]
"""The statements of all queries, by name of the filter."""

Run = tuple[list[int], float]


def statements(
    data: Synthetic, model: ModelSpec, window: int, count: int, words: bool
) -> Statements:
    weights = WEIGHTS["words"]
    found: Statements = {name: [] for name in FILTERS}
    for vector, text in zip(data.near(count), data.words(count), strict=True):
        channels = tuple(
            Channel(model.name, it, vector, UNCALIBRATED, weights[it]) for it in model.modalities
        )
        ranking = Ranking(channels, window=window, limit=min(window, DEPTH))
        if words:
            ranking = replace(ranking, words=text, lexical_weight=weights["lexical"])
        for name, filters in FILTERS.items():
            found[name].append(ranking_statement(replace(ranking, filters=filters)))
    return found


def run(connection: Connection, statement: Statement, clock: Callable[[], float]) -> Run:
    """The ids in ranked order, and the seconds that the statement took."""
    connection.exec_driver_sql(SETTINGS, statement.parameters)
    started = clock()
    rows = connection.exec_driver_sql(statement.sql, statement.parameters).all()
    return [row.id for row in rows if row.id], clock() - started


def server_clock(connection: Connection) -> float:
    """The seconds that the server's process has computed."""
    return computed_by(driver_connection(connection).info.backend_pid)


def computed_by(process: int) -> float:
    """The seconds that a process of one thread has computed; on Linux, on the same machine."""
    return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e9


def measure(found: Statements, before: Statements, *, cpu: bool) -> None:
    ways = [*WAYS, *(["before"] if before else [])]
    header = " | ".join(f"{way}, p50 (p95)" for way in ways)
    recalls = " | ".join(f"{way}@{k}" for way in ways[1:] for k in RECALLS)
    print(f"| filter | {header} | {recalls} |\n|{'---|' * (1 + len(ways) + 2 * len(ways[1:]))}")
    for name, own in found.items():
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        recall: dict[tuple[str, int], list[float]] = {}
        for number, statement in enumerate(own):
            each = {
                way: replace(statement, parameters=statement.parameters | parameters)
                for way, parameters in WAYS.items()
            }
            if before:
                each["before"] = before[name][number]
            ids = {}
            for way in sorted(ways, reverse=bool(number % 2)):  # warm caches help both
                with connect() as connection:
                    clock = partial(server_clock, connection) if cpu else time.perf_counter
                    ids[way], took = run(connection, each[way], clock)
                seconds[way].append(took)
            for way in ways[1:]:
                for k in RECALLS:
                    true = set(ids["exact"][:k])
                    share = len(true & set(ids[way][:k])) / max(1, len(true))
                    recall.setdefault((way, k), []).append(share)
        times = " | ".join(_percentiles(seconds[way]) for way in ways)
        means = " | ".join(f"{np.mean(shares):.3f}" for shares in recall.values())
        print(f"| {name} | {times} | {means} |", flush=True)


def _percentiles(seconds: list[float]) -> str:
    p50, p95 = 1000 * np.percentile(seconds, [50, 95])
    return f"{p50:.1f} ({p95:.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--products", type=int, default=200_000)
    parser.add_argument("--window", type=int, default=240)
    parser.add_argument("--queries", type=int, default=40)
    parser.add_argument("--model", default=MODEL.name)
    parser.add_argument("--words", action="store_true", help="search for words too")
    parser.add_argument("--cpu", action="store_true", help="measure the server's CPU time")
    parser.add_argument("--save", type=Path, help="write the statements to this file")
    parser.add_argument("--before", type=Path, help="compare with the statements in this file")
    arguments = parser.parse_args()
    model = get_spec(arguments.model)
    data = clustered(arguments.products, model.dimensions, np.random.default_rng(1))
    found = statements(data, model, arguments.window, arguments.queries, arguments.words)
    if arguments.save:
        arguments.save.write_bytes(pickle.dumps(found))
        return
    before: Statements = pickle.loads(arguments.before.read_bytes()) if arguments.before else {}
    if any(len(before[name]) != arguments.queries for name in before):
        parser.error(f"{arguments.before} has other queries: save them with the same --queries")
    prepare(arguments.products, model)
    clock = "CPU" if arguments.cpu else "elapsed"
    print(f"{arguments.products:,} products, window {arguments.window}, {clock} time in ms\n")
    measure(found, before, cpu=arguments.cpu)


if __name__ == "__main__":
    main()
