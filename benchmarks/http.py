"""Requests per second of the running shop, and where a page's time goes.

    python -m benchmarks.http [--clients 1 8] [--requests 400] [--kinds page api] [--processes N]
                              [--threads N] [--rate R] [--cache-seconds 0 5] [--json FILE]
                              [--no-split]

Starts `manage.py serve` on the shop's own database (`VAR_DIR` or `DATABASE_URL`). Clients keep
their connections and send ten queries in turn; four of them share a process. For each number of
clients it prints requests/s, latencies, and the CPU time that a request costs the shop and
PostgreSQL. On a busy machine only CPU times can be compared: the last column has the rate at which
they fill all cores. All runs are repeated with the cache of recent searches. It answers nearly all
requests then, as the ten queries repeat at once: the most that it can gain. `--rate` sends that
many requests a second instead, and counts latency from when each was due. The last table divides
the CPU time of a page without the cache, measured in this process.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from io import BytesIO
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from typing import Any
from unittest.mock import patch
from urllib.parse import quote_plus

import numpy as np
import psutil

from catalog.db.connection import connect, connection_parameters

QUERIES = (
    *("red sneakers for boys", "blue shirt", "black handbag", "watch for women", "dress"),
    *("sports shoes under 3000", "white t-shirt men", "green top", "jeans", "formal shoes -black"),
)
PATHS = {"page": "/?q=", "api": "/api/v1/search?q="}
HEAD = (
    "| | answers kept, s | clients | requests/s | p50 ms | p95 | p99 | failed"
    " | CPU ms: shop | PostgreSQL | requests/s at full CPU |\n" + "|---" * 11 + "|"
)
CLIENTS_PER_PROCESS = 4
START_SECONDS = 120
ROUNDS = 20
"""How often the split runs all queries."""


@dataclass
class Row:
    """The result of one run; times in ms."""

    kind: str
    cache_seconds: float
    """The SEARCH_CACHE_SECONDS of the shop; 0 answers no search from memory."""
    clients: int
    requests: int
    failed: int
    """Responses with another status than 200."""
    per_second: float
    p50: float
    p95: float
    p99: float
    shop_cpu: float
    """CPU of the shop's processes for each request."""
    database_cpu: float
    """The same for PostgreSQL; 0 if it runs elsewhere."""
    at_full_cpu: float
    """Requests/s at which this CPU time fills all cores."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--requests", type=int, default=400, help="of each run")
    parser.add_argument("--kinds", nargs="+", choices=PATHS, default=list(PATHS))
    parser.add_argument("--processes", type=int, help="of the shop; its default otherwise")
    parser.add_argument("--threads", type=int, help="of each process")
    parser.add_argument("--rate", type=float, help="requests/s of all clients together")
    parser.add_argument(
        "--cache-seconds",
        type=float,
        nargs="+",
        default=[0.0, 5.0],
        help="SEARCH_CACHE_SECONDS of each run of the shop",
    )
    parser.add_argument("--json", help="also write the results to this file")
    parser.add_argument("--no-split", action="store_true", help="no second table")
    options = parser.parse_args()
    os.environ["API_ANONYMOUS_RATE"] = "0"
    with connect() as connection:
        products = connection.exec_driver_sql("SELECT count(*) FROM product").scalar_one()
    print(f"{products:,} products, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    arguments = [
        f"--{name}={value}"
        for name in ("processes", "threads")
        if (value := getattr(options, name)) is not None
    ]
    results: dict[str, Any] = {"products": products, "cores": os.cpu_count()}
    results["runs"], results["start_seconds"], results["memory"] = [], [], []
    for cache_seconds in options.cache_seconds:
        os.environ["SEARCH_CACHE_SECONDS"] = str(cache_seconds)
        with served(arguments) as shop:
            results["start_seconds"].append(shop.start_seconds)
            kept = f"answers kept for {cache_seconds:g} s" if cache_seconds else "no answers kept"
            print(f"{kept}; first answer {shop.start_seconds:.1f} s after the start\n")
            print(HEAD)
            for kind in options.kinds:
                measured(shop, kind, max(options.clients), 5 * len(QUERIES), None)  # to warm up
                for clients in options.clients:
                    row = measured(shop, kind, clients, options.requests, options.rate)
                    results["runs"].append(asdict(row))
                    print(
                        f"| {kind} | {cache_seconds:g} | {clients} | {row.per_second:.0f}"
                        f" | {row.p50:.1f} | {row.p95:.1f} | {row.p99:.1f} | {row.failed}"
                        f" | {row.shop_cpu:.1f} | {row.database_cpu:.1f} | {row.at_full_cpu:.0f} |",
                        flush=True,
                    )
            results["memory"] = memory(shop.process)
            print("\n| process | MB (PSS) |\n|---|---|")
            for name, size in results["memory"]:
                print(f"| {name} | {size:.0f} |")
            print()
    if not options.no_split:
        os.environ["SEARCH_CACHE_SECONDS"] = "0"
        results["split"] = split()
        print("| part of a page without kept answers | CPU ms |\n|---|---|")
        for part, milliseconds in results["split"].items():
            print(f"| {part} | {milliseconds:.2f} |")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)


@dataclass
class Shop:
    """The running server."""

    process: psutil.Process
    port: int
    start_seconds: float


@contextmanager
def served(arguments: list[str]) -> Iterator[Shop]:
    """Run `manage.py serve` until it answers, and stop it at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = time.perf_counter()
    server = subprocess.Popen([sys.executable, "manage.py", "serve", f"--port={port}", *arguments])
    try:
        while True:
            try:
                status = fetch(HTTPConnection("127.0.0.1", port, timeout=START_SECONDS), "/?q=a")
                break
            except OSError:
                if server.poll() is not None or time.perf_counter() - started > START_SECONDS:
                    raise
                time.sleep(0.02)
        if status != 200:
            raise SystemExit(f"the shop answers with status {status}")
        yield Shop(psutil.Process(server.pid), port, time.perf_counter() - started)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def fetch(connection: HTTPConnection, path: str) -> int:
    """The status of a response that was read completely."""
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    return response.status


def measured(shop: Shop, kind: str, clients: int, requests: int, rate: float | None) -> Row:
    """Send `requests` and measure latencies and CPU times."""
    with waiting_clients(shop.port, kind, clients, requests, rate) as pipes:
        before = cpu_times(shop.process)
        started = time.perf_counter()
        for pipe in pipes:
            pipe.send("go")
        answers = [answer for pipe in pipes for answer in pipe.recv()]
        elapsed = time.perf_counter() - started
    shop_cpu, database_cpu = (
        1000 * (after - earlier) / len(answers)
        for after, earlier in zip(cpu_times(shop.process), before, strict=True)
    )
    seconds = [latency for _, latency in answers]
    p50, p95, p99 = (float(value) for value in 1000 * np.percentile(seconds, [50, 95, 99]))
    return Row(
        kind,
        float(os.environ["SEARCH_CACHE_SECONDS"]),
        clients,
        len(answers),
        sum(status != 200 for status, _ in answers),
        len(answers) / elapsed,
        p50,
        p95,
        p99,
        shop_cpu,
        database_cpu,
        1000 * (os.cpu_count() or 1) / (shop_cpu + database_cpu),
    )


@contextmanager
def waiting_clients(
    port: int, kind: str, clients: int, requests: int, rate: float | None
) -> Iterator[list[Pipe]]:
    """Clients that have started, in processes of their own. Each process sends its requests once it
    receives a word, and then the status and the seconds of each."""
    context = get_context("spawn")
    running = []
    for first in range(0, clients, CLIENTS_PER_PROCESS):
        numbers = range(first, min(first + CLIENTS_PER_PROCESS, clients))
        own, theirs = context.Pipe()
        share = requests // clients
        arguments = (theirs, port, PATHS[kind], numbers, share, rate and rate / clients)
        process = context.Process(target=be_clients, args=arguments)
        process.start()
        running.append((process, own))
    pipes = [own for _, own in running]
    for pipe in pipes:
        pipe.recv()  # it has started
    yield pipes
    for process, _ in running:
        process.join()


def be_clients(
    pipe: Pipe, port: int, prefix: str, numbers: range, requests: int, rate: float | None
) -> None:
    """Be the clients of these numbers, in a process of their own."""
    answers: list[tuple[int, float]] = []

    def run(number: int) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        began = time.perf_counter()
        for sent in range(requests):
            due = time.perf_counter()
            if rate:
                due = began + sent / rate
                time.sleep(max(0.0, due - time.perf_counter()))
            query = QUERIES[(number + sent) % len(QUERIES)]
            status = fetch(connection, prefix + quote_plus(query))
            answers.append((status, time.perf_counter() - due))

    threads = [threading.Thread(target=run, args=(number,)) for number in numbers]
    pipe.send("ready")
    pipe.recv()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pipe.send(answers)


def cpu_times(server: psutil.Process) -> tuple[float, float]:
    """The CPU seconds so far: of the shop's processes, and of a PostgreSQL on this machine."""
    shop = [server, *server.children(recursive=True)]
    return sum(map(cpu_of, shop)), sum(map(cpu_of, database_processes()))


def cpu_of(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def database_processes() -> list[psutil.Process]:
    """The processes of the PostgreSQL that the shop uses, if its socket is on this machine."""
    folder = connection_parameters().get("host", "")
    for process in psutil.process_iter(["name", "cmdline"]):
        is_server = process.info["name"] == "postgres" and "-D" in (process.info["cmdline"] or ())
        if is_server and folder in process.info["cmdline"]:
            return [process, *process.children()]
    return []


def memory(server: psutil.Process) -> list[tuple[str, float]]:
    """The name and the proportional set size in MB of each process of the shop."""
    found = []
    for process in (server, *server.children(recursive=True)):
        words = [word for word in process.cmdline() if not word.startswith("/")]
        found.append((" ".join(words)[:60], process.memory_full_info().pss / 2**20))
    return found


def split() -> dict[str, float]:
    """CPU milliseconds of the parts of a page, the mean of all queries."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    import django

    django.setup()
    from catalog.search import pipeline, text_encoder
    from shop import recent_searches, views
    from shop.wsgi import application

    spent: dict[str, float] = {}
    timed = [
        (views, "SearchForm", "form"),
        (text_encoder.TextEncoder, "encode", "encode"),
        (pipeline, "run_statements", "SQL of the ranking"),
        (recent_searches, "search", "search (with encode and SQL)"),
        (views, "render_page", "render the search"),
        (views, "render", "render the frame of the page"),
    ]

    def call(path: str, query: str) -> None:
        environ = {
            **{"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query},
            **{"SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1"},
            **{"wsgi.input": BytesIO(), "wsgi.errors": sys.stderr, "wsgi.url_scheme": "http"},
            **{"REMOTE_ADDR": "127.0.0.1"},
        }
        body = application(environ, lambda *_: lambda _: None)
        b"".join(body)

    def run() -> None:
        for query in QUERIES:
            call("/", f"q={quote_plus(query)}")

    patches = [
        patch.object(holder, name, counted(getattr(holder, name), part, spent))
        for holder, name, part in timed
    ]
    for each in patches:
        each.start()
    run()
    spent.clear()
    started = time.thread_time()
    for _ in range(ROUNDS):
        run()
    spent["whole page"] = time.thread_time() - started
    for each in patches:
        each.stop()
    return {part: 1000 * cpu / ROUNDS / len(QUERIES) for part, cpu in spent.items()}


def counted(function: Callable[..., Any], part: str, spent: dict[str, float]) -> Callable[..., Any]:
    """`function`, with its CPU time added to `spent[part]`."""

    def wrapper(*args: Any, **options: Any) -> Any:
        started = time.thread_time()
        try:
            return function(*args, **options)
        finally:
            spent[part] = spent.get(part, 0.0) + time.thread_time() - started

    return wrapper


if __name__ == "__main__":
    main()
