"""Rates in a real Redis: hosts count together, and go on without it."""

import logging
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.test import override_settings

from shop import rates
from shop.logs import UnavailableOnce
from tests.load import wait
from tests.ports import free_port
from tests.shop.test_rates import count

PROGRAM = shutil.which("redis-server")

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(PROGRAM is None, reason="no redis-server: apt-get install redis-server"),
]


class Redis:
    """A Redis that keeps nothing on the disk."""

    def __init__(self, folder: Path) -> None:
        self.port, self._folder = free_port(), folder
        self.client = redis.Redis(port=self.port)
        self.start()

    def start(self) -> None:
        options = ("--port", str(self.port), "--bind", "127.0.0.1", "--save", "")
        self.process = subprocess.Popen(
            [str(PROGRAM), *options], cwd=self._folder, stdout=subprocess.DEVNULL
        )
        wait(self._answers)

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def fill(self) -> None:
        self.client.config_set("maxmemory", 1)

    def heal(self) -> None:
        """Undo any of these."""
        if self.process.poll() is not None:
            self.start()
        self.process.send_signal(signal.SIGCONT)
        self.client.config_set("maxmemory", 0)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    monkeypatch.setattr(rates, "_store_away_until", 0.0)
    monkeypatch.setattr(rates, "STORE_PAUSE", 0.0)
    server = Redis(tmp_path)
    try:
        address = f"redis://127.0.0.1:{server.port}/0"
        with override_settings(RATE_STORE=address, SEARCH_RATE=4, API_RATE=1000):
            yield server
    finally:
        rates._limiter.cache_clear()
        rates.forget_counts()
        server.kill()


def test_processes_count_together(store: Redis) -> None:
    assert count("SEARCH_RATE", "a", 3) == 3
    pid = os.fork()
    if not pid:
        os._exit(count("SEARCH_RATE", "a", 3))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    with pytest.raises(rates.TooManyRequests) as refused:
        rates.count_request("SEARCH_RATE", "a")
    assert 1 <= refused.value.retry_after <= 60
    assert count("SEARCH_RATE", "b", 9) == 4


def test_what_is_stored_expires_and_is_bounded(store: Redis) -> None:
    count("SEARCH_RATE", "a", 50)
    [key] = store.client.keys()
    assert store.client.llen(key) == 4
    assert 0 < store.client.ttl(key) <= 60


@pytest.mark.parametrize("trouble", ["kill", "freeze", "fill"])
def test_requests_go_on_without_it(
    store: Redis, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert count("SEARCH_RATE", "a", 2) == 2
    getattr(store, trouble)()
    with caplog.at_level(logging.WARNING):
        assert count("SEARCH_RATE", "a", 6) == 4  # of this host alone
    once = UnavailableOnce()  # a line a minute
    [line] = [it.getMessage() for it in caplog.records if once.filter(it)]
    assert line.startswith("the store of RATE_STORE does not answer, so each host counts for")
    store.heal()
    # It keeps nothing on the disk. When it is no longer frozen, it counts what it was sent.
    expected = {"kill": {4}, "freeze": {0, 1, 2}, "fill": {2}}[trouble]
    assert count("SEARCH_RATE", "a", 6) in expected
