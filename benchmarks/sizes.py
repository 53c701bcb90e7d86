"""What a search costs in catalogues of several sizes, and whether it still finds the best.

    python -m benchmarks.sizes [--products 200000 1000000] [--queries 40] [--rounds 2]
                               [--exact 20] [--warming 100] [--window 240] [--model fashion]
                               [--filters "5 %" …]
    python -m benchmarks.sizes --explain "5 %"

The first run fills a database for each size with the synthetic catalogue of `benchmarks.filters`.
The statement has both channels and words. Each query asks all sizes in turn, so that the ratios are
valid on a noisy machine. CPU time is what the server's process computed; elapsed time depends on
what else runs. Planning is the CPU time of an EXPLAIN. The last size is divided by the first.
"""

import argparse
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from sqlalchemy import Connection

from benchmarks.filters import (
    FILTERS,
    MODEL,
    WAYS,
    Statements,
    prepare,
    run,
    server_clock,
    statements,
)
from benchmarks.synthetic import clustered
from catalog.db.connection import connect
from catalog.search.ranking_sql import Statement
from embedding.registry import get_spec

RECALL = 10


@dataclass
class Figures:
    """What was measured behind one filter in one catalogue; milliseconds and shares."""

    cpu: list[float] = field(default_factory=list)
    elapsed: list[float] = field(default_factory=list)
    planning: list[float] = field(default_factory=list)
    recalls: list[float] = field(default_factory=list)


def measure(
    connections: dict[int, Connection],
    asked: dict[int, Statements],
    filters: list[str],
    exact: int,
    rounds: int,
    warming: int,
) -> None:
    """Run the same queries on all sizes in turn, and print a table.

    The first queries, as many as `warming`, are not measured: they fill the server's buffers.
    """
    small, *_, large = connections
    sizes = " | ".join(f"{it:,}: CPU, p50 (p95) | planning | elapsed" for it in connections)
    recalls = " | ".join(f"recall@{RECALL}, {it:,}" for it in connections)
    print(f"| filter | {sizes} | ratio of CPU, p50 | p95 | of elapsed, p50 | p95 | {recalls} |")
    print(f"|{'---|' * (5 + 4 * len(connections))}")
    for products, connection in connections.items():
        for statement in asked[products]["no filter"][:warming]:
            run(connection, statement, time.perf_counter)
    for name in filters:
        figures = {products: Figures() for products in connections}
        queries = len(asked[small][name]) - warming
        for turn in range(rounds * queries):
            number = warming + turn % queries
            for products in sorted(connections, reverse=bool(turn % 2)):
                statement = asked[products][name][number]
                one = figures[products]
                ids = _timed(connections[products], statement, one)
                if turn < exact:
                    every = replace(statement, parameters=statement.parameters | WAYS["exact"])
                    true, _ = run(connections[products], every, time.perf_counter)
                    found = set(true[:RECALL]) & set(ids[:RECALL])
                    one.recalls.append(len(found) / max(1, len(true[:RECALL])))
        each = " | ".join(
            f"{_percentiles(it.cpu)} | {np.median(it.planning):.1f} | {_percentiles(it.elapsed)}"
            for it in figures.values()
        )
        ratios = " | ".join(
            f"{np.percentile(of, q) / np.percentile(to, q):.2f}"
            for of, to in (
                (figures[large].cpu, figures[small].cpu),
                (figures[large].elapsed, figures[small].elapsed),
            )
            for q in (50, 95)
        )
        shares = " | ".join(
            f"{np.mean(it.recalls):.3f}" if it.recalls else "" for it in figures.values()
        )
        print(f"| {name} | {each} | {ratios} | {shares} |", flush=True)


def _timed(connection: Connection, statement: Statement, figures: Figures) -> list[int]:
    """The ids that a statement finds; adds to `figures` what it took."""
    clock = partial(server_clock, connection)
    planned = replace(statement, sql=f"EXPLAIN {statement.sql}")
    started = clock()
    connection.exec_driver_sql(planned.sql, planned.parameters).all()
    figures.planning.append(1000 * (clock() - started))
    began = time.perf_counter()
    ids, cpu = run(connection, statement, clock)
    figures.elapsed.append(1000 * (time.perf_counter() - began))
    figures.cpu.append(1000 * cpu)
    return ids


def _percentiles(milliseconds: list[float]) -> str:
    p50, p95 = np.percentile(milliseconds, [50, 95])
    return f"{p50:.1f} ({p95:.1f})"


def explain(connections: dict[int, Connection], asked: dict[int, Statements], name: str) -> None:
    """Print the plans of a query of median CPU time behind one filter."""
    for products, connection in connections.items():
        clock = partial(server_clock, connection)
        took = [run(connection, it, clock)[1] for it in asked[products][name]]
        statement = asked[products][name][int(np.argsort(took)[len(took) // 2])]
        rows = connection.exec_driver_sql(
            f"EXPLAIN (ANALYZE, BUFFERS) {statement.sql}", statement.parameters
        )
        print(f"\n{products:,} products, {name}\n")
        print("\n".join(row[0] for row in rows))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--products", type=int, nargs="+", default=[200_000, 1_000_000])
    parser.add_argument("--window", type=int, default=240)
    parser.add_argument("--queries", type=int, default=40)
    parser.add_argument("--warming", type=int, default=100, help="queries that come before")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--exact", type=int, default=20, help="queries whose recall is measured")
    parser.add_argument("--model", default=MODEL.name)
    parser.add_argument("--filters", nargs="+", choices=FILTERS, default=list(FILTERS))
    parser.add_argument("--explain", choices=FILTERS, metavar="FILTER", help="print the plans")
    arguments = parser.parse_args()
    model = get_spec(arguments.model)
    with ExitStack() as stack:
        connections, asked = {}, {}
        for products in sorted(arguments.products):
            prepare(products, model)
            connections[products] = stack.enter_context(connect())
            data = clustered(products, model.dimensions, np.random.default_rng(1))
            count = arguments.warming + arguments.queries
            asked[products] = statements(data, model, arguments.window, count, words=True)
        if arguments.explain:
            explain(connections, asked, arguments.explain)
        else:
            print(f"window {arguments.window}, {arguments.queries} queries; times in ms\n")
            measure(
                connections,
                asked,
                arguments.filters,
                arguments.exact,
                arguments.rounds,
                arguments.warming,
            )


if __name__ == "__main__":
    main()
