"""Two shops, a primary and a replica under load, while the replica and a shop are killed."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import IncompleteRead
from itertools import cycle
from pathlib import Path
from threading import Event
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from catalog.db.connection import connect
from tests.conftest import PROJECT
from tests.shop.test_server import free_port
from tests.standby import SECONDS, Standby, empty_folder, folder, standby

__all__ = ["empty_folder", "folder", "standby"]

pytestmark = [
    pytest.mark.process,
    pytest.mark.slow,
    pytest.mark.skipif("FLEET" not in os.environ, reason="a minute of load: make test-fleet"),
]

CLIENTS = 50
THREADS = 8
"""The threads of a shop."""
TOKEN = "a token of the test"


class Shop:
    """A process that serves the shop."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self.start()

    def start(self) -> None:
        command = [sys.executable, "manage.py", "serve", "--port", str(self.port)]
        command += ["--threads", str(THREADS)]
        own = {"VAR_DIR": str(self._folder), "METRICS_TOKEN": TOKEN}
        self.process = subprocess.Popen(
            command, cwd=PROJECT, env=os.environ | own, stderr=subprocess.DEVNULL
        )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def is_ready(self) -> bool:
        try:
            return self.read("/readyz")[0] == 200
        except OSError:
            return False

    def reads_replica(self) -> bool:
        return "shop_replica_used 1.0" in self.read("/metrics")[1]

    def read(self, path: str) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        request = Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urlopen(request, timeout=SECONDS) as page:
                return page.status, page.read().decode()
        except HTTPError as error:
            with error:
                return error.code, ""


@pytest.fixture
def shops(standby: Standby, tmp_path: Path) -> Iterator[list[Shop]]:
    with ExitStack() as stack:
        made = [Shop(tmp_path / name) for name in ("first", "second")]
        for shop in made:
            stack.callback(shop.kill)
        for shop in made:
            wait(shop.is_ready)
        yield made


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 2 * SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@contextmanager
def shopping(shops: list[Shop]) -> Iterator[Counter[str]]:
    """Search with many clients at the same time; yields what became of the searches.

    As the proxy of deploy/nginx.conf does, a client asks the other shop if one cannot be reached.
    """
    seen: Counter[str] = Counter()
    stop = Event()

    def search(client: int) -> None:
        order = cycle(shops if client % 2 else shops[::-1])
        while not stop.is_set():
            seen[_search([next(order), next(order)], f"/?q=shirt+{client}")] += 1

    with ThreadPoolExecutor(CLIENTS) as clients:
        running = [clients.submit(search, number) for number in range(CLIENTS)]
        try:
            yield seen
        finally:
            stop.set()
        for each in running:
            each.result()


def _search(shops: list[Shop], path: str) -> str:
    for shop in shops:
        try:
            status, page = shop.read(path)
        except IncompleteRead:
            return "cut off"
        except OSError:
            continue
        return "found" if status == 200 and "shirt" in page else f"status {status}"
    return "no answer"


def test_nothing_fails_while_parts_are_killed(standby: Standby, shops: list[Shop]) -> None:
    with shopping(shops) as seen:

        def go_on(count: int = 100) -> None:
            before = seen.total()
            wait(lambda: seen.total() >= before + count)

        wait(lambda: all(shop.reads_replica() for shop in shops))
        go_on()
        standby.kill()
        go_on()
        wait(lambda: not any(shop.reads_replica() for shop in shops))
        shops[0].process.send_signal(signal.SIGKILL)
        shops[0].process.wait()
        go_on()
        standby.start()
        shops[0].start()
        wait(shops[0].is_ready)
        wait(lambda: all(shop.reads_replica() for shop in shops))
        go_on()
    # A response that was being sent when its process was killed is lost: one for each thread.
    assert set(seen) <= {"found", "cut off"}
    assert seen["cut off"] <= THREADS
    with connect() as connection:
        logged = connection.exec_driver_sql("SELECT sum(searches) FROM query_log").scalar_one()
    assert logged > 100
    print(f"{CLIENTS} clients: {dict(seen)}, {logged} logged")
