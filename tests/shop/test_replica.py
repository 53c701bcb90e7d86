"""Pages read from a real streaming replica while it answers and keeps up, else from the primary."""

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.request import urlopen

import pytest
from django.test import override_settings

from catalog.db import connection as database_connection
from catalog.db.connection import connect
from catalog.db.replica import replica
from shop.query_log_buffer import query_log_buffer
from tests.serving import serving
from tests.standby import SECONDS, Standby, empty_folder, folder, standby

__all__ = ["empty_folder", "folder", "standby"]

pytestmark = [pytest.mark.process, pytest.mark.slow]

PAGES = (
    *("/?q=shirt", "/product/A", "/compare/?q=shirt", "/", "/suggest/?q=sh"),
    *("/api/v1/search?q=shirt", "/api/v1/models", "/sitemap.xml", "/sitemap-products.xml"),
)


def fetch(port: int, path: str) -> str:
    """The page; any other status than 200 is an error."""
    with urlopen(f"http://127.0.0.1:{port}{path}", timeout=SECONDS) as page:
        return str(page.read().decode())


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def rename(title: str) -> None:
    with connect() as connection:
        connection.exec_driver_sql("UPDATE product SET title = %(title)s", {"title": title})


@override_settings(COMPARE_OPEN=True)
def test_replica(
    standby: Standby, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_connection, "CONNECT_TIMEOUT", 2)  # as in the shop
    with serving(threads=len(PAGES)) as port, ThreadPoolExecutor(len(PAGES)) as shoppers:
        query_log_buffer.start()

        def all_pages() -> list[str]:
            return list(shoppers.map(lambda path: fetch(port, path), PAGES))

        all_pages()  # from the primary: the replica has not answered yet
        wait(replica.is_usable)
        all_pages()
        seen = "SELECT query FROM pg_stat_activity WHERE backend_type = 'client backend'"
        queries = " ".join(str(query) for (query,) in standby.execute(seen))
        assert "COMMIT" in queries  # of the catalogue's connections
        assert '"product_image"' in queries  # of Django's

        # A replica that stands still is read until it is too far behind.
        standby.execute("SELECT pg_wal_replay_pause()::text")
        rename("New shirt")
        for path in PAGES[:3]:
            assert "Old shirt" in fetch(port, path)
        with connect() as connection:
            connection.exec_driver_sql("INSERT INTO product (sku, title) VALUES ('B', 'Shirt')")
        assert "/product/A<" in fetch(port, "/sitemap-products.xml")
        assert "/product/B<" not in fetch(port, "/sitemap-products.xml")
        monkeypatch.setenv("REPLICA_MAX_LAG", "2")
        wait(lambda: not replica.is_usable())
        for page in all_pages():
            assert "Old shirt" not in page
        standby.execute("SELECT pg_wal_replay_resume()::text")
        monkeypatch.setenv("REPLICA_MAX_LAG", "600")
        wait(replica.is_usable)
        assert "New shirt" in fetch(port, "/product/A")
        assert "/product/B<" in fetch(port, "/sitemap-products.xml")
        assert "is too far behind" in caplog.text

        # No page fails when it is killed, and it is used again afterwards.
        for stop, start in (
            (standby.kill, standby.start),
            (lambda: send(standby, signal.SIGSTOP), lambda: send(standby, signal.SIGCONT)),
        ):
            assert replica.is_usable()
            stop()
            for _ in range(3):
                all_pages()
            wait(lambda: not replica.is_usable())
            all_pages()
            start()
            wait(replica.is_usable)
            all_pages()

        # What a search writes is in the primary.
        query_log_buffer.stop()
        with connect() as connection:
            logged = "SELECT searches FROM query_log WHERE text = 'shirt'"
            assert int(connection.exec_driver_sql(logged).scalar_one()) > 10
    assert not [it for it in caplog.records if it.exc_info]
    assert "read-only" not in caplog.text


def send(standby: Standby, number: signal.Signals) -> None:
    for process in standby.processes():
        process.send_signal(number)


def test_primary_is_no_replica(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_REPLICA_URL", database)
    replica.check()
    assert not replica.is_usable()
