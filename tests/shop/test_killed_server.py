"""The shop and the worker go on after their embedded PostgreSQL was killed."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.catalog.test_embedded import environment, kill_postmaster, run
from tests.conftest import PROJECT
from tests.own_server import empty_folder, folder
from tests.ports import free_port
from tests.serving import wait_for_page

__all__ = ["empty_folder", "folder"]

pytestmark = [pytest.mark.process, pytest.mark.slow]

MODEL = "fashion"

SECONDS = 300
"""The maximum time for a process to start, or for a product to be embedded."""


@contextmanager
def running(var: Path, *command: str) -> Iterator[None]:
    """A command that needs no model."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=PROJECT,
        env=environment(var) | {"ENCODER_URL": "unix:/nonexistent/encoder"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr
        line = process.stderr.readline()
        assert "is running" in line or "is at http" in line, line
        yield
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_serve_and_the_worker_start_a_killed_server_again(folder: Path) -> None:
    port = free_port()
    with ExitStack() as stack:
        stack.enter_context(running(folder, "manage.py", "serve", "--port", str(port)))
        worker = ("-m", "tests.fake_manage", "embedding_worker", "--poll", "1")
        stack.enter_context(running(folder, *worker))
        wait_for_page(f"http://127.0.0.1:{port}/?q=shirt")
        kill_postmaster(folder)
        wait_for_page(f"http://127.0.0.1:{port}/?q=shirt")
        address = run("from catalog.db.embedded import embedded_url; print(embedded_url())", folder)
        with psycopg.connect(address.stdout.strip(), autocommit=True) as connection:
            connection.execute("INSERT INTO product (sku, title) VALUES ('A', 'linen shirt')")
            deadline = time.monotonic() + SECONDS
            embedded = f"SELECT count(*) FROM {MODEL}_text"
            while connection.execute(embedded.encode()).fetchone() != (1,):
                assert time.monotonic() < deadline
                time.sleep(0.2)
