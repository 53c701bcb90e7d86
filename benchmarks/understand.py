"""Time to understand a query in SQL, and of the search statement with and without its structure.

    python -m benchmarks.understand [--products 200000] [--window 240] [--rounds 20]
                                    [--explain QUERY]

Uses a separate database: the synthetic catalogue of `benchmarks.filters`, whose products have
20,000 distinct facet values with the names of the starter synonyms. The functions, and the
statements of a query, run alternately, so that the ratios are valid on a noisy machine. The
statement is the shop's, as in `benchmarks.signals`. Without its structure, a query is understood,
but products are neither found nor ordered by it.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NoReturn

import numpy as np
from sqlalchemy import Connection

from benchmarks.filters import MODEL, prepare
from benchmarks.synthetic import clustered
from catalog.db.connection import connect, driver_connection
from catalog.query_log import remember
from catalog.search.pipeline import SearchSpec, rank, run_statements
from catalog.search.ranking_sql import Statement, ranking_statement
from catalog.search.understanding import parse

QUERIES: Mapping[str, tuple[str, ...]] = {
    "type": ("sneakers", "dress", "handbag"),
    "type and colour": ("red sneakers", "navy blue shirt", "black leather boots"),
    "person and occasion": (
        "running shoes for men",
        "t-shirt for boys",
        "summer dress for a wedding for women",
    ),
    "negation": (
        "sneakers not black or brown",
        "dress without stripes",
        "shirt -cotton",
        "boots but not leather for women",
    ),
    "price and age": (
        "red shoes under 60",
        "jacket between 50 and 100 euros",
        "cheap handbag",
        "sandals for a 4 year old girl",
    ),
    "other languages": (
        "rote Schuhe für Damen",
        "Winterjacke ohne Kapuze",
        "robe noire pour femme",
        "zapatillas rojas de niño",
        "scarpe da corsa da uomo",
        "czerwona sukienka",
    ),
    "brand": ("brand 77 sneakers", "series 1234", "brand 4711 black jacket for women"),
    "long": (
        "comfortable black leather ankle boots with a low heel for women for the office under 120",
        "light blue slim fit cotton shirt with long sleeves and a button down collar for men",
    ),
    "not understood": (
        "kind12 style345",
        "kind7",
        "style99 kind150",
        "qwertz asdfgh",
        "something nice for the evening",
    ),
}

FUNCTIONS = {
    "round trip": "SELECT %(text)s::text",
    "search.understand": "SELECT count(*) FROM search.understand(%(text)s)",
    "search.parse": "SELECT (search.parse(%(text)s)).words",
    "search.terms": "SELECT count(*) FROM search.terms(%(text)s)",
}
WITHOUT = ("lexical", "text", "image")


def measure_functions(connection: Connection, rounds: int) -> None:
    driver = driver_connection(connection)
    driver.execute("SET LOCAL plan_cache_mode = force_custom_plan")  # as in a search
    seconds: dict[str, dict[str, list[float]]] = {kind: {} for kind in QUERIES}
    for number in range(-1, rounds):  # the first round warms the caches
        for kind, texts in QUERIES.items():
            for text in texts:
                for name, sql in FUNCTIONS.items():
                    started = time.perf_counter()
                    driver.execute(sql, {"text": text}).fetchall()
                    if number >= 0:
                        took = time.perf_counter() - started
                        seconds[kind].setdefault(name, []).append(took)
    print(f"p50 (p95) in ms\n\n| query | {' | '.join(FUNCTIONS)} |\n|---|---|---|---|---|")
    seconds["all"] = {
        name: [one for times in seconds.values() for one in times[name]] for name in FUNCTIONS
    }
    for kind, times in seconds.items():
        print(f"| {kind} | {' | '.join(map(_percentiles, times.values()))} |", flush=True)


def measure_statements(connection: Connection, window: int, rounds: int) -> None:
    print(f"\nWindow {window}: p50 (p95) in ms\n")
    print(
        "| query | without structure | all | ratio of medians | of minima |\n|---|---|---|---|---|"
    )
    ratios: dict[bool, list[float]] = {True: [], False: []}
    for texts in QUERIES.values():
        for text in texts:
            ways = statements(connection, text, window)
            seconds: dict[str, list[float]] = {way: [] for way in ways}
            for number in range(-1, rounds):
                for way in sorted(ways, reverse=bool(number % 2)):  # warm caches help both
                    started = time.perf_counter()
                    run_statements(connection, [ways[way]])
                    if number >= 0:
                        seconds[way].append(time.perf_counter() - started)
            median, least = (_ratio(seconds, of) for of in (np.median, np.min))
            ratios[bool(parse(connection, text).kinds)].append(median)
            cells = " | ".join(_percentiles(seconds[way]) for way in ("without", "all"))
            print(f"| {text} | {cells} | {median:.2f} | {least:.2f} |", flush=True)
    for is_understood, found in ratios.items():
        name = "understood" if is_understood else "not understood"
        print(f"\n{name}: median ratio {np.median(found):.2f} of {len(found)} queries", end="")
    print()


def statements(connection: Connection, text: str, window: int) -> dict[str, Statement]:
    """The search statement of a query without and with the structure signal."""
    found = {}
    for way, signals in (("without", WITHOUT), ("all", ())):
        spec = SearchSpec(text=text, model=MODEL.name, signals=signals, verbatim=True)
        ranking, _ = rank(connection, spec, _no_encoder)
        # With a minimum match, fewer products would match without structure, and have fewer facets.
        found[way] = ranking_statement(replace(ranking, window=window, min_match=0.0))
    return found


def explain(connection: Connection, text: str, window: int) -> None:
    """Print the plan of the statement of one query."""
    statement = statements(connection, text, window)["all"]
    sql = f"EXPLAIN (ANALYZE, BUFFERS) {statement.sql}"
    for _ in range(2):  # the first run warms the cache
        rows = run_statements(connection, [replace(statement, sql=sql)])[0]
    print("\n".join(row["QUERY PLAN"] for row in rows))


def _ratio(seconds: Mapping[str, Sequence[float]], of: Callable[[Sequence[float]], float]) -> float:
    return float(of(seconds["all"]) / of(seconds["without"]))


def _percentiles(seconds: Sequence[float]) -> str:
    p50, p95 = 1000 * np.percentile(seconds, [50, 95])
    return f"{p50:.2f} ({p95:.2f})"


def _no_encoder(name: str) -> NoReturn:
    raise AssertionError(f"{name} must not be loaded: the vectors of all queries are stored")


def _remember_vectors(products: int, texts: Sequence[str]) -> None:
    """Store a vector near a product for the searched words of each query, and for avoided ones."""
    data = clustered(products, MODEL.dimensions, np.random.default_rng(1))
    with connect() as connection:
        parsed = [parse(connection, text) for text in texts]
    words = list(dict.fromkeys(filter(None, (it for p in parsed for it in (p.words, p.avoided)))))
    for word, vector in zip(words, data.near(len(words)), strict=True):
        remember(word, [(MODEL.name, vector)], 0, is_filtered=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--products", type=int, default=200_000)
    parser.add_argument("--window", type=int, default=240)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--explain", metavar="QUERY", help="print the plan of its statement")
    arguments = parser.parse_args()
    prepare(arguments.products, MODEL, described=True)
    texts = [arguments.explain] if arguments.explain else sum(QUERIES.values(), ())
    _remember_vectors(arguments.products, texts)
    with connect() as connection:
        if arguments.explain:
            explain(connection, arguments.explain, arguments.window)
        else:
            measure_functions(connection, arguments.rounds)
            measure_statements(connection, arguments.window, arguments.rounds)


if __name__ == "__main__":
    main()
