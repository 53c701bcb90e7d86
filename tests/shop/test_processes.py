"""`serve` with several processes: the dead start again, and none is left at the end."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import psutil
import psycopg
import pytest

from shop import processes
from shop.processes import Child, Supervisor, default_processes
from tests.conftest import PROJECT
from tests.shop.test_server import free_port

pytestmark = pytest.mark.process

PATIENCE = 300
"""Seconds for something to happen on a busy machine."""

MOST = 12
"""The maximum number of requests until both of two processes answer one."""

WAITING = "SELECT count(*) FROM pg_locks WHERE relation = 'product'::regclass AND NOT granted"


class Server:
    """A running `serve`, and the lines of its log."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.process, self.port = process, port
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.lines.append(line.rstrip())

    def line(self, *parts: str) -> str:
        """The first line with all of these parts, when it is there."""
        return until(lambda: next((it for it in self.lines if all(p in it for p in parts)), ""))

    def pids(self, name: str) -> list[int]:
        """The processes that have started under names that begin like this, by the log."""
        starts = [it for it in self.lines if it.startswith(name) and it.endswith("has started")]
        return [int(it.partition("(")[2].partition(")")[0]) for it in starts]

    def page(self) -> int:
        return self.status("/")

    def status(self, path: str) -> int:
        """The status of the answer at an address."""
        return self._get(path)[0]

    def read(self, path: str) -> str:
        """The body of the answer at an address."""
        return self._get(path)[1]

    def _get(self, path: str) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()

    def accepts(self) -> bool:
        """Whether the port accepts connections."""
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False


def until(found: Callable[[], object]) -> str:
    """What `found()` returns once it is true."""
    deadline = time.monotonic() + PATIENCE
    while not (value := found()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return str(value)


@contextmanager
def served(*options: str, **environment: str) -> Iterator[Server]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", str(port), *options],
        cwd=PROJECT,
        env=os.environ | environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    family: list[psutil.Process] = []
    try:
        server = Server(process, port)
        server.line("The shop is at", str(port))
        server.line("page process 2", "has started")
        family = psutil.Process(process.pid).children(recursive=True)
        yield server
    finally:
        process.kill()
        process.wait()
        psutil.wait_procs(family, timeout=PATIENCE)
        for orphan in family:
            if orphan.is_running():
                orphan.kill()


def modules(pid: int) -> str:
    """The files that a process has mapped."""
    return Path(f"/proc/{pid}/maps").read_text()


def test_dead_processes_start_again_and_ctrl_c_ends_all(database: str) -> None:
    with served("--processes", "2") as server:
        assert server.page() == 200
        server.line("The encoder server is at unix:")
        (encoder,), (first, second) = server.pids("encoder process"), server.pids("page process")
        for pid in (encoder, second):
            os.kill(pid, signal.SIGKILL)
        assert "was ended by SIGKILL: it starts again in 1 s" in server.line(f"({second})", "ended")
        until(lambda: len(server.pids("page process 2")) == 2)
        until(lambda: len(server.pids("encoder process")) == 2)
        assert server.page() == 200
        counted = 'shop_requests_total{page="search",status="200"} 2.0'
        assert counted in server.read("/metrics")  # whoever has answered them
        pages = [pid for pid in server.pids("page process") if pid != second]
        assert not any("torch" in modules(pid) for pid in pages)
        family = psutil.Process(server.process.pid).children(recursive=True)
        assert first in {child.pid for child in family}
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(PATIENCE) == 0
        assert not [child for child in family if child.is_running()]


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGHUP])
def test_what_has_been_accepted_is_answered_at_the_end(database: str, stop: signal.Signals) -> None:
    """By page processes that can still ask the encoder process, while others are refused."""
    with served("--processes", "2", "--threads", "1") as server, ThreadPoolExecutor(MOST) as pool:
        assert server.page() == 200
        encoder = Path(server.line("The encoder server is at unix:").partition("unix:")[2])
        with psycopg.connect(database) as other:
            other.execute("LOCK TABLE product")
            pages: list[Future[int]] = []
            with psycopg.connect(database, autocommit=True) as observer:

                def both_wait() -> bool:
                    if len(pages) < MOST:  # either process may accept it
                        pages.append(pool.submit(server.status, "/product/A"))
                    return observer.execute(WAITING).fetchone() == (2,)

                until(both_wait)
            server.process.send_signal(stop)
            until(lambda: not server.accepts())
            assert encoder.exists()
        accepted = [it for it in pages if not isinstance(it.exception(), ConnectionRefusedError)]
        statuses = [page.result() for page in accepted]
        assert server.process.wait(PATIENCE) == 0
    assert statuses.count(404) >= 2, statuses
    assert set(statuses) <= {404, 503}, statuses  # some have waited for a thread
    assert not encoder.parent.exists()


def test_processes_end_with_a_killed_parent(database: str) -> None:
    with served(
        "--processes", "2", ENCODER_URL="unix:/nonexistent/encoder", LOG_FORMAT="json"
    ) as server:
        assert server.page() == 200
        starts = [json.loads(it)["message"] for it in server.lines if "has started" in it]
        assert [it.partition(" (")[0] for it in starts] == ["page process 1", "page process 2"]
        children = psutil.Process(server.process.pid).children()
        assert len(children) == 2
        server.process.kill()
        _, alive = psutil.wait_procs(children, timeout=PATIENCE)
        assert not alive


def test_children_that_keep_dying_are_started_less_and_less_often(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a fork, since a supervisor waits for all signals of its process."""
    pid = os.fork()
    if not pid:
        processes.logger.handlers = [logging.StreamHandler()]  # to the stream that is captured
        processes.logger.propagate = False
        attempts: list[float] = []
        forgotten: list[int] = []
        monkeypatch.setattr("shop.processes.forget_process", forgotten.append)
        monkeypatch.setattr("shop.processes.MAX_BACK_OFF", 0.0)
        supervisor = Supervisor([Child("page process 1", lambda: os._exit(3))])
        reap = supervisor._reap

        def count() -> None:
            reap()
            attempts.append(supervisor._children[0].failures)
            if max(attempts) >= 3:
                supervisor._is_stopping = True

        monkeypatch.setattr(supervisor, "_reap", count)
        if main := supervisor.run():
            main()
        os._exit(len(forgotten) != 3)
    assert os.waitpid(pid, 0)[1] == 0
    errors = capfd.readouterr().err
    assert errors.count("has ended with status 3: it starts again in 0 s") == 3


@pytest.mark.parametrize(
    ("cores", "memory", "expected"), [(1, 2**34, 1), (2, 2**34, 2), (16, 2**34, 4), (16, 2**30, 1)]
)
def test_default_number_of_processes(
    monkeypatch: pytest.MonkeyPatch, cores: int, memory: int, expected: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)))
    monkeypatch.setattr("shop.processes._memory", lambda: memory)
    assert default_processes() == expected
