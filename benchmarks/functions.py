"""Compares the SQL functions with the statements that the storefront runs.

    python -m benchmarks.functions [--products 200000] [--queries 60]

Uses the synthetic catalogue of `benchmarks.signals`. `search.products` is called as an analyst
calls it; the storefront's statement fetches all hits of its window. Both run the same queries
alternately, so that the ratio is valid on a noisy machine, and must return the same SKUs.
"""

import argparse
import time
from typing import NoReturn

import numpy as np
from sqlalchemy import Connection

from benchmarks.filters import prepare
from benchmarks.signals import FILTERS, MODEL
from benchmarks.synthetic import clustered
from catalog.db.connection import connect
from catalog.query_log import remember
from catalog.search.filters import Filters
from catalog.search.pipeline import SearchSpec, run_statements
from catalog.search.pipeline import rank as rank_spec
from catalog.search.ranking_sql import ranking_statement


def measure(connection: Connection, phrases: list[str]) -> None:
    print("| filter | statement, p50 ms (p95) | search.products, p50 ms (p95) | ratio |")
    print("|---|---|---|---|")
    for phrase in phrases:  # warm the cache, so that the order of the methods does not matter
        connection.exec_driver_sql(*_call(phrase, Filters())).all()
    for name, filters in FILTERS.items():
        seconds: dict[str, list[float]] = {"statement": [], "function": []}
        for phrase in phrases:
            spec = SearchSpec(
                text=phrase, model=MODEL.name, filters=filters, limit=240, verbatim=True
            )
            ranking, _ = rank_spec(connection, spec, _no_encoder)
            started = time.perf_counter()
            rows = run_statements(connection, [ranking_statement(ranking)])[0]
            seconds["statement"].append(time.perf_counter() - started)
            started = time.perf_counter()
            found = connection.exec_driver_sql(*_call(phrase, filters)).all()
            seconds["function"].append(time.perf_counter() - started)
            expected = [row["sku"] for row in rows if row["id"] and row["matches"]]
            assert [row.sku for row in found] == expected, phrase
        p50, p95 = (
            {way: 1000 * np.percentile(each, q) for way, each in seconds.items()} for q in (50, 95)
        )
        cells = " | ".join(f"{p50[way]:.1f} ({p95[way]:.1f})" for way in seconds)
        print(f"| {name} | {cells} | {p50['function'] / p50['statement']:.2f} |", flush=True)


def _call(phrase: str, filters: Filters) -> tuple[str, dict[str, object]]:
    (colour,) = filters.values.get("colour", (None,))
    return (
        "SELECT * FROM search.products(%(phrase)s, %(model)s, colour => %(colour)s)",
        {"phrase": phrase, "model": MODEL.name, "colour": colour},
    )


def _no_encoder(name: str) -> NoReturn:
    raise AssertionError(f"{name} must not be loaded: the vectors of all phrases are stored")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--products", type=int, default=200_000)
    parser.add_argument("--queries", type=int, default=60)
    arguments = parser.parse_args()
    prepare(arguments.products, MODEL)
    data = clustered(arguments.products, MODEL.dimensions, np.random.default_rng(1))
    phrases = data.words(arguments.queries)
    for phrase, vector in zip(phrases, data.near(arguments.queries), strict=True):
        remember(phrase, [(MODEL.name, vector)], 0, is_filtered=True)
    with connect() as connection:
        measure(connection, phrases)


if __name__ == "__main__":
    main()
