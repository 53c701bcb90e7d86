"""Recall and time of an exact scan, of the HNSW index, and of the search's own choice.

    python -m benchmarks.filters [--products 200000] [--window 240] [--queries 40]

The first run creates a separate database with a synthetic catalogue on the embedded server. All
three methods run the same queries alternately, so that the ratios are valid on a noisy machine.
"""

import argparse
import os
import time

import numpy as np
import psycopg
from sqlalchemy import Connection

from benchmarks.synthetic import SELECTIVITY, clustered, describe, fill_synthetic
from catalog.db.connection import connect, forget_engine
from catalog.db.embedded import embedded_url
from catalog.search.calibration import UNCALIBRATED
from catalog.search.candidates import EXACT_FACTOR
from catalog.search.filters import Filters
from catalog.search.fusion import Channel
from catalog.search.ranking_sql import SETTINGS, Ranking, Statement, ranking_statement
from embedding.registry import ModelSpec, get_spec

MODEL = get_spec("fashion")
WAYS = {"exact": 1e9, "index": 0.0, "chosen": EXACT_FACTOR}
FILTERS = {
    "no filter": Filters(),
    **{name: Filters({"colour": (name,)}) for name in SELECTIVITY},
    "20 %, far": Filters({"category": tuple(f"category {n}" for n in range(4))}),
    "10 %, far": Filters({"category": ("category 3", "category 4")}),
    "5 %, far": Filters({"category": ("category 3",)}),
    "50 %, price": Filters(min_price=100),  # type: ignore[arg-type]
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
        if not filled:
            print(f"filling a catalogue of {products:,} products", flush=True)
            fill_synthetic(connection, model, products)
            if described:
                describe(connection, products)
    if described and not filled:  # the old rows would lie before the new ones
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as driver:
            driver.execute("VACUUM (FULL, ANALYZE) product")


def run(connection: Connection, statement: Statement, factor: float) -> tuple[list[int], float]:
    """The ids in ranked order, and the seconds that the statement took."""
    parameters = statement.parameters | {"exact_factor": factor}
    connection.exec_driver_sql(SETTINGS, parameters)
    started = time.perf_counter()
    rows = connection.exec_driver_sql(statement.sql, parameters).all()
    return [row.id for row in rows if row.id], time.perf_counter() - started


def measure(products: int, window: int, queries: int) -> None:
    vectors = clustered(products, MODEL.dimensions, np.random.default_rng(1)).near(queries)
    limit = min(window, 96)
    print(f"{products:,} products, window {window}, text and image fused, p50 in ms\n")
    header = "| filter | exact | index | recall@10 | recall@48 | chosen | recall@10 | short pages |"
    print(header + "\n|---|---|---|---|---|---|---|---|")
    for name, filters in FILTERS.items():
        seconds: dict[str, list[float]] = {way: [] for way in WAYS}
        recall: dict[tuple[str, int], list[float]] = {}
        short = 0
        for vector in vectors:
            channels = tuple(
                Channel(MODEL.name, modality, vector, UNCALIBRATED, 1.0)
                for modality in MODEL.modalities
            )
            statement = ranking_statement(
                Ranking(channels, filters=filters, window=window, limit=limit)
            )
            found = {}
            for way, factor in WAYS.items():
                with connect() as connection:
                    found[way], took = run(connection, statement, factor)
                seconds[way].append(took)
            for way in ("index", "chosen"):
                for k in (10, 48):
                    true = set(found["exact"][:k])
                    share = len(true & set(found[way][:k])) / max(1, len(true))
                    recall.setdefault((way, k), []).append(share)
            short += len(found["chosen"]) < len(found["exact"])
        p50 = {way: 1000 * float(np.median(times)) for way, times in seconds.items()}
        mean = {key: float(np.mean(shares)) for key, shares in recall.items()}
        index = f"{p50['index']:.1f} | {mean['index', 10]:.3f} | {mean['index', 48]:.3f}"
        chosen = f"{p50['chosen']:.1f} | {mean['chosen', 10]:.3f} | {short}"
        print(f"| {name} | {p50['exact']:.1f} | {index} | {chosen} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=200_000)
    parser.add_argument("--window", type=int, default=240)
    parser.add_argument("--queries", type=int, default=40)
    arguments = parser.parse_args()
    prepare(arguments.products)
    measure(arguments.products, arguments.window, arguments.queries)


if __name__ == "__main__":
    main()
