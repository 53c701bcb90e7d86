"""Runs pgbouncer in front of a database of the test server, as a shop's host would."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.ports import free_port

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")

needs_pgbouncer = pytest.mark.skipif(
    PGBOUNCER is None, reason="needs pgbouncer (Debian: apt-get install pgbouncer)"
)

CONFIGURATION = """
[databases]
shop = host={host} port={port} dbname={dbname} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
query_wait_timeout = 300
logfile = {folder}/log
pidfile = {folder}/pid
{more}
"""


@contextmanager
def pooler(url: str, size: int, mode: str = "transaction") -> Iterator[str]:
    """Run pgbouncer with `size` connections to the database at `url`; yields its own address."""
    assert PGBOUNCER
    port, known = free_port(), conninfo_to_dict(url)
    with TemporaryDirectory(prefix="pgbouncer-test-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        file = folder / "pgbouncer.ini"
        file.write_text(
            CONFIGURATION.format(
                **{"port": 5432} | known,
                listen_port=port,
                mode=mode,
                size=size,
                folder=folder,
                # It refuses to run as root, and must reach the server's socket.
                more=f"user = {Path(str(known['host'])).owner()}" if os.geteuid() == 0 else "",
            )
        )
        process = subprocess.Popen([PGBOUNCER, "-q", str(file)], stderr=subprocess.DEVNULL)
        try:
            address = f"postgresql://shop@127.0.0.1:{port}/shop"
            _wait(address, process, folder / "log")
            yield address
        finally:
            process.terminate()
            process.wait(timeout=60)


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(address).close()
            return
        except psycopg.OperationalError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
