"""Two shops, two encoders, a primary and a replica under load, while one of each is killed."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import IncompleteRead
from itertools import cycle
from pathlib import Path

import pytest

from catalog.db.connection import connect
from catalog.indexing import fill
from embedding.encoder import get_encoder
from embedding.serving.client import Client, Refusal, Unreachable
from tests.conftest import PROJECT
from tests.load import Answer, Shop, under_load, wait
from tests.ports import free_port
from tests.ray_cluster import serve_replicas
from tests.standby import Standby, empty_folder, folder, standby

__all__ = ["empty_folder", "folder", "standby"]

pytestmark = [
    pytest.mark.process,
    pytest.mark.slow,
    pytest.mark.skipif("FLEET" not in os.environ, reason="a minute of load: make test-fleet"),
]

CLIENTS = 50
THREADS = 8
"""The threads of a shop."""
SECONDS = 600
"""The maximum time until something has happened: 50 clients make all of it slow."""
ATTEMPTS = 30
"""How often a client asks again while the shops have too many requests."""
WITHOUT_MEANING = "search by meaning is not available"
"""What a page says if no encoder answered."""


class EncoderServers:
    """Two encoder servers."""

    def __init__(self) -> None:
        self._ports = [free_port(), free_port()]
        self.url = ",".join(map(self._address, self._ports))
        self._processes = [self._start(port) for port in self._ports]

    def kill(self, number: int) -> None:
        self._processes[number].kill()
        self._processes[number].wait()

    def restart(self, number: int) -> None:
        self._processes[number] = self._start(self._ports[number])

    def are_ready(self) -> bool:
        try:
            return not any(b"loading" in self._health(port) for port in self._ports)
        except (Refusal, Unreachable):
            return False

    def stop(self) -> None:
        for number in range(2):
            self.kill(number)

    def _health(self, port: int) -> bytes:
        return Client(self._address(port)).get("/health")

    @staticmethod
    def _address(port: int) -> str:
        return f"http://127.0.0.1:{port}"

    @staticmethod
    def _start(port: int) -> "subprocess.Popen[bytes]":
        options = ["--port", str(port), "--model", "fashion"]
        return subprocess.Popen(
            [sys.executable, "-m", "embedding.serving", *options],
            cwd=PROJECT,
            stderr=subprocess.DEVNULL,
        )


class RayReplicas:
    """Two replicas on a Ray cluster."""

    def __init__(self, cluster: str) -> None:
        from embedding.serving import ray_serve

        port = free_port()
        self.url = ray_serve.start(("fashion",), address=cluster, port=port, replicas=(2, 2))

    def kill(self, number: int) -> None:
        serve_replicas("fashion")[number].kill()

    def restart(self, number: int) -> None:
        """Ray does that."""

    def are_ready(self) -> bool:
        return len(serve_replicas("fashion")) == 2

    def stop(self) -> None:
        from embedding.serving import ray_serve

        ray_serve.stop()


Encoders = EncoderServers | RayReplicas


@pytest.fixture(params=["servers", pytest.param("ray", marks=pytest.mark.ray)])
def encoders(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Encoders]:
    """Two encoders that `ENCODER_URL` names."""
    made: Encoders
    if request.param == "ray":
        made = RayReplicas(request.getfixturevalue("ray_nodes"))
    else:
        made = EncoderServers()
    try:
        wait(made.are_ready, SECONDS)
        monkeypatch.setenv("ENCODER_URL", made.url)
        yield made
    finally:
        made.stop()


@pytest.fixture
def shops(standby: Standby, encoders: Encoders, tmp_path: Path) -> Iterator[list[Shop]]:
    fill(get_encoder("fashion"), "text")
    with ExitStack() as stack:
        options = ("--threads", str(THREADS))
        made = [Shop(tmp_path / name, *options) for name in ("first", "second")]
        for shop in made:
            stack.callback(shop.kill)
        for shop in made:
            wait(shop.is_ready, SECONDS)
        yield made


def shopping(shops: list[Shop], busy: Counter[int]) -> Callable[[int], str]:
    """Searches of many clients.

    As the proxy of deploy/nginx.conf does, a client asks the other shop if one cannot be reached or
    has too many requests. If both have, it waits as long as they say, and `busy` counts this.
    """
    orders = [cycle(shops if client % 2 else shops[::-1]) for client in range(CLIENTS)]

    def search(client: int) -> str:
        order = orders[client]
        for _ in range(ATTEMPTS):
            pause = 0
            for shop in (next(order), next(order)):
                try:
                    answer = shop.ask(f"/?q=shirt+{client}")
                except IncompleteRead:
                    return "cut off"
                except OSError:
                    continue
                if not answer.is_announced:
                    return _outcome(answer)
                pause = int(answer.headers["Retry-After"])
            if not pause:
                return "no answer"
            busy[client] += 1
            time.sleep(pause)
        return "too busy"

    return search


def _outcome(answer: Answer) -> str:
    if answer.status != 200 or "shirt" not in answer.body:
        return f"status {answer.status}"
    return "found by words alone" if WITHOUT_MEANING in answer.body else "found"


def test_nothing_fails_while_parts_are_killed(
    standby: Standby, encoders: Encoders, shops: list[Shop]
) -> None:
    busy: Counter[int] = Counter()
    with under_load(CLIENTS, shopping(shops, busy)) as seen:

        def go_on(count: int = 100) -> None:
            before = seen.total()
            wait(lambda: seen.total() >= before + count, SECONDS)

        wait(lambda: all(shop.reads_replica() for shop in shops), SECONDS)
        go_on()
        standby.kill()
        go_on()
        wait(lambda: not any(shop.reads_replica() for shop in shops), SECONDS)
        encoders.kill(0)
        go_on()
        shops[0].kill()
        go_on()
        standby.start()
        encoders.restart(0)
        shops[0].start()
        wait(shops[0].is_ready, SECONDS)
        wait(encoders.are_ready, SECONDS)
        wait(lambda: all(shop.reads_replica() for shop in shops), SECONDS)
        encoders.kill(1)
        go_on()
    # A response that was being sent when its process was killed is lost: one for each thread.
    assert set(seen) <= {"found", "cut off"}
    assert seen["cut off"] <= THREADS
    with connect() as connection:
        logged = connection.exec_driver_sql("SELECT sum(searches) FROM query_log").scalar_one()
    assert logged > 100
    print(f"{CLIENTS} clients: {dict(seen)}, {busy.total()} asked again, {logged} logged")
