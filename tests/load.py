"""Shops as processes, and many clients that ask them at the same time."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.conftest import PROJECT
from tests.ports import free_port

PATIENCE = 120
"""Seconds for an answer, or for something to happen, on a busy machine."""

TOKEN = "a token of the test"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def is_announced(self) -> bool:
        """Whether it says that the shop is away, and when to ask again."""
        return self.status == 503 and int(self.headers.get("Retry-After", 0)) > 0


class Shop:
    """A process that serves the shop, with its own `VAR_DIR` and options of `serve`."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self._folder, self._options = folder, options
        self.start()

    def start(self) -> None:
        command = [sys.executable, "manage.py", "serve", "--port", str(self.port), *self._options]
        own = {"VAR_DIR": str(self._folder), "METRICS_TOKEN": TOKEN}
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "serve.log").open("a") as log:
            self.process = subprocess.Popen(command, cwd=PROJECT, env=os.environ | own, stderr=log)

    @property
    def log(self) -> str:
        return (self._folder / "serve.log").read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def is_ready(self) -> bool:
        try:
            return self.ask("/readyz").status == 200
        except OSError:
            return False

    def reads_replica(self) -> bool:
        return "shop_replica_used 1.0" in self.ask("/metrics").body

    def ask(
        self, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The answer at an address, after redirects.

        Raises:
            OSError: there is no answer.
            IncompleteRead: it was cut off.
        """
        sent = {"Authorization": f"Bearer {TOKEN}"} if headers is None else dict(headers)
        request = Request(f"http://127.0.0.1:{self.port}{path}", body, sent)
        try:
            with urlopen(request, timeout=PATIENCE) as page:
                return Answer(page.status, dict(page.headers), page.read().decode())
        except HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read().decode())


def wait(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@contextmanager
def under_load(clients: int, ask: Callable[[int], str]) -> Iterator[Counter[str]]:
    """Let many clients ask at the same time, again and again; yields what became of it.

    Args:
        ask: sends the next request of a client, by its number; returns what became of it.
    """
    seen: Counter[str] = Counter()
    stop = Event()

    def go_on(client: int) -> None:
        while not stop.is_set():
            seen[ask(client)] += 1

    with ThreadPoolExecutor(clients) as pool:
        running = [pool.submit(go_on, number) for number in range(clients)]
        try:
            yield seen
        finally:
            stop.set()
        for each in running:
            each.result()
