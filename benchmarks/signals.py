"""Time of the search statement with all signals fused, and with single signals.

    python -m benchmarks.signals [--products 200000] [--window 240] [--queries 100] [--explain]

Uses the synthetic catalogue of `benchmarks.filters`. The variants of a query run one after the
other, so that the ratios are valid on a noisy machine. The statement is the shop's: it returns a
page with its signals, the number of matches and the facets, over an open connection.
"""

import argparse
import time
from dataclasses import replace

import numpy as np
from sqlalchemy import Connection

from benchmarks.filters import prepare
from benchmarks.synthetic import clustered
from catalog.db.connection import connect
from catalog.search.calibration import UNCALIBRATED
from catalog.search.filters import Filters
from catalog.search.fusion import WEIGHTS, Channel
from catalog.search.pipeline import run_statements
from catalog.search.ranking_sql import Ranking, ranking_statement
from embedding.registry import Modality, get_spec

MODEL = get_spec("clip")
"""Chosen for its 512 dimensions; nothing is encoded."""

FILTERS = {
    "no filter": Filters(),
    "90 %": Filters({"colour": ("90 %",)}),
    "5 %": Filters({"colour": ("5 %",)}),
    "0.4 %": Filters({"colour": ("0.4 %",)}),
}


def rankings(vector: np.ndarray, words: str, window: int) -> dict[str, Ranking]:
    """The variants of one query, by name."""
    weights = WEIGHTS["words"]

    def channel(modality: Modality) -> Channel:
        return Channel(MODEL.name, modality, vector, UNCALIBRATED, weights[modality])

    text, image = channel("text"), channel("image")
    return {
        "text": Ranking((text,), window=window),
        "image": Ranking((image,), window=window),
        "text + image": Ranking((text, image), window=window),
        "all": Ranking((text, image), words, weights["lexical"], window=window),
    }


def measure(connection: Connection, products: int, window: int, queries: int) -> None:
    data = clustered(products, MODEL.dimensions, np.random.default_rng(1))
    pairs = list(zip(data.near(queries), data.words(queries), strict=True))
    print(
        f"{products:,} products, {MODEL.dimensions} dimensions, window {window}: p50 (p95) in ms\n"
    )
    print(
        "| filter | text | image | text + image | all | all / single |\n|---|---|---|---|---|---|"
    )
    for vector, words in pairs:  # warm the cache, so that the order of the variants does not matter
        run_statements(connection, [ranking_statement(rankings(vector, words, window)["all"])])
    for name, filters in FILTERS.items():
        seconds: dict[str, list[float]] = {}
        for vector, words in pairs:
            for way, ranking in rankings(vector, words, window).items():
                statement = ranking_statement(replace(ranking, filters=filters))
                started = time.perf_counter()
                run_statements(connection, [statement])
                seconds.setdefault(way, []).append(time.perf_counter() - started)
        p50, p95 = (
            {way: 1000 * np.percentile(each, q) for way, each in seconds.items()} for q in (50, 95)
        )
        cells = " | ".join(f"{p50[way]:.1f} ({p95[way]:.1f})" for way in seconds)
        single = max(p50["text"], p50["image"])
        print(f"| {name} | {cells} | {p50['all'] / single:.2f} |", flush=True)


def explain(connection: Connection, products: int, window: int) -> None:
    """Print the plan of one fused statement."""
    data = clustered(products, MODEL.dimensions, np.random.default_rng(1))
    ranking = rankings(data.near(1)[0], data.words(1)[0], window)["all"]
    statement = ranking_statement(ranking)
    sql = f"EXPLAIN (ANALYZE, BUFFERS) {statement.sql}"
    for _ in range(2):  # the first run warms the cache
        rows = run_statements(connection, [replace(statement, sql=sql)])[0]
    print("\n".join(row["QUERY PLAN"] for row in rows))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--products", type=int, default=200_000)
    parser.add_argument("--window", type=int, default=240)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument(
        "--explain", action="store_true", help="print the plan of a fused statement"
    )
    arguments = parser.parse_args()
    prepare(arguments.products, MODEL)
    with connect() as connection:
        if arguments.explain:
            explain(connection, arguments.products, arguments.window)
        else:
            measure(connection, arguments.products, arguments.window, arguments.queries)


if __name__ == "__main__":
    main()
