"""Latency of suggestions while a shopper types, from the database alone.

    python -m benchmarks.suggest [--products 200000] [--rounds 3] [--words 40] [--small]

Types the beginnings, of 1 to 8 letters, of words and facet values that the products have, the most
frequent ones and random ones; two words; and misspelt words: one letter is left out, replaced,
doubled or exchanged with the next. Uses the database of `benchmarks.understand`: the synthetic
catalogue with 20,000 distinct facet values, and a log of 50,000 queries. `--small` uses the shop's
own catalogue instead. Each round takes the texts in another order. "CPU" is what the server's
process computes for a suggestion, on Linux and on the same machine; "most" is the text that needs
most, by the median of its rounds. Elapsed times depend on what else runs.
"""

import argparse
import os
import random
import string
import time
from collections import defaultdict

import numpy as np
from sqlalchemy import Connection

from benchmarks.filters import prepare, server_clock
from catalog.db.connection import connect, driver_connection
from catalog.search.suggestions import suggest
from catalog.search.vocabulary import refresh_view

MAX_LETTERS = 8
QUERIES = 50_000
"""The number of different queries in the log, as many as are kept by default."""

WORDS = """
WITH word AS (
    SELECT word, max(in_fields) AS products
      FROM search.vocabulary
     WHERE in_fields > 0 AND lexeme IS NOT NULL AND word ~ '^[^0-9]{3,}$'
     GROUP BY word
)
(SELECT word FROM word ORDER BY products DESC, word LIMIT %(words)s)
 UNION
(SELECT word FROM word ORDER BY md5(word) LIMIT %(words)s)
"""
LOG = """
INSERT INTO query_log (text, misspelt, day, searches, results)
SELECT DISTINCT ON (text) text, '', current_date - (n %% 400), 1 + 10000 / n, 5
  FROM (SELECT n, lower(concat_ws(' ', a.value, b.value, CASE n %% 3 WHEN 0 THEN n END)) AS text
          FROM generate_series(1, %(queries)s) AS n
               JOIN numbered a ON a.place = n %% (SELECT count(*) FROM numbered)
               JOIN numbered b ON b.place = n / 7 %% (SELECT count(*) FROM numbered)) AS made
ON CONFLICT DO NOTHING
"""
NUMBERED = """
CREATE TEMP TABLE numbered ON COMMIT DROP AS
SELECT value, row_number() OVER (ORDER BY products DESC, key) - 1 AS place
  FROM search.facet_value WHERE length(value) < 40
 ORDER BY products DESC, key LIMIT 500
"""


def fill_log(connection: Connection) -> None:
    """Log queries of two facet values each, if the log is empty."""
    driver = driver_connection(connection)
    row = driver.execute("SELECT EXISTS (SELECT FROM query_log)").fetchone()
    if row and row[0]:
        return
    driver.execute(NUMBERED)
    driver.execute(LOG, {"queries": QUERIES})
    driver.execute("ANALYZE query_log")
    refresh_view(connection, "suggested_query")


def misspelt(word: str, rng: random.Random) -> str:
    """The word with one mistake after its first letter."""
    place = rng.randrange(1, len(word))
    start, letter, rest = word[:place], word[place], word[place + 1 :]
    return rng.choice(
        (
            start + rest,
            start + rng.choice(string.ascii_lowercase) + rest,
            start + letter + letter + rest,
            start + rest[:1] + letter + rest[1:],
        )
    )


def texts(connection: Connection, words: int, rng: random.Random) -> dict[str, list[str]]:
    """What to type, by what it is."""
    rows = driver_connection(connection).execute(WORDS, {"words": words})
    known = sorted(word for (word,) in rows)
    found: dict[str, list[str]] = {}
    for letters in range(1, MAX_LETTERS + 1):
        name = f"{letters} letter{'s' * (letters > 1)}"
        found[name] = sorted({word[:letters] for word in known if len(word) >= letters})
    found["two words"] = [f"{rng.choice(known)} {word[:3]}" for word in known]
    found["misspelt"] = [misspelt(word, rng) for word in known if len(word) >= 5]
    found["misspelt beginning"] = [misspelt(word[:5], rng) for word in known if len(word) > 5]
    found["unknown"] = ["".join(rng.choices("qxzjwv", k=6)) for _ in range(20)]
    return found


def measure(connection: Connection, rounds: int, words: int) -> None:
    rng = random.Random(1)
    cases = [(name, text) for name, all_ in texts(connection, words, rng).items() for text in all_]
    seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
    computed: dict[tuple[str, str], list[float]] = defaultdict(list)
    suggest(connection, "a")  # plans are kept by the session
    order = list(cases)
    for _ in range(rounds):
        rng.shuffle(order)
        for case in order:
            started, cpu = time.perf_counter(), server_clock(connection)
            suggest(connection, case[1])
            seconds[case].append(time.perf_counter() - started)
            computed[case].append(server_clock(connection) - cpu)
    print("| typed | texts | CPU ms, p50 | CPU ms, p95 | CPU ms, most | ms, p50 | ms, p95 |")
    print("|---|---|---|---|---|---|---|")
    for kind in (*dict.fromkeys(name for name, _ in cases), "all"):
        rows = [times for (name, _), times in seconds.items() if kind in (name, "all")]
        cpu_rows = [times for (name, _), times in computed.items() if kind in (name, "all")]
        figures = [
            *np.percentile(cpu_rows, [50, 95]),
            np.median(cpu_rows, axis=1).max(),
            *np.percentile(rows, [50, 95]),
        ]
        print(f"| {kind} | {len(rows)} | {' | '.join(f'{1000 * it:.1f}' for it in figures)} |")
    slowest = sorted(computed, key=lambda case: -np.median(computed[case]))[:10]
    shown = (f"{text!r} {1000 * np.median(computed[kind, text]):.0f}" for kind, text in slowest)
    print(f"\nMost CPU ms: {', '.join(shown)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--words", type=int, default=40, help="frequent and random words, each")
    parser.add_argument("--small", action="store_true", help="the shop's own catalogue")
    options = parser.parse_args()
    if not options.small:
        prepare(options.products, described=True)
    with connect() as connection:
        if not options.small:
            fill_log(connection)
        count = "SELECT count(*) FROM product"
        products = connection.exec_driver_sql(count).scalar_one()
        print(f"{products:,} products, {os.cpu_count()} cores\n", flush=True)
        measure(connection, options.rounds, options.words)


if __name__ == "__main__":
    main()
