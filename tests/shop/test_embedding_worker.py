"""The worker as a process, which can be killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from catalog.db.connection import connect
from catalog.model_tables import add_model
from embedding.registry import get_spec
from tests.conftest import PROJECT
from tests.processes import run_python

pytestmark = pytest.mark.process

MODEL = "fashion"

SECONDS = 300
"""The maximum time for a process to start and load its model on a busy machine, in seconds."""


@contextmanager
def worker() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fake_manage", "embedding_worker"],
        cwd=PROJECT,
        env=os.environ | {"MODELS": MODEL},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr
        assert "is running" in process.stderr.readline()
        yield process
    finally:
        process.kill()
        process.wait()


def embed(words: str) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("CALL search.embed(%s, %s, timeout => '300 s')", (words, MODEL))


def add_product(sku: str) -> None:
    with connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO product (sku, title) VALUES (%(sku)s, %(sku)s)", {"sku": sku}
        )


def wait_until_embedded(sku: str) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        with connect() as connection:
            if connection.exec_driver_sql(
                f"SELECT EXISTS (SELECT FROM {MODEL}_text e JOIN product p ON p.id = e.product_id"
                " WHERE p.sku = %(sku)s)",
                {"sku": sku},
            ).scalar():
                return
        time.sleep(0.05)
    pytest.fail(f"{sku} is not embedded")


def test_killed_worker_loses_no_words_or_products(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELS", MODEL)
    with connect() as connection:
        add_model(connection, get_spec(MODEL))
    add_product("BEFORE")
    with worker() as first:
        wait_until_embedded("BEFORE")
        embed("red dress")
        add_product("AFTER")
        wait_until_embedded("AFTER")
        with connect() as connection:
            for number in range(300):
                connection.exec_driver_sql(
                    "SELECT search.request(%(words)s, %(model)s)",
                    {"words": f"words {number}", "model": MODEL},
                )
        first.send_signal(signal.SIGKILL)
        first.wait()
    # Its rows are released when their lease expires, and where its clock was wrong.
    with connect() as connection:
        connection.exec_driver_sql(
            "UPDATE query_embedding SET claimed_at = claimed_at"
            " + CASE WHEN text LIKE '%%0' THEN interval '1 day' ELSE interval '-1 min' END"
        )
    with worker() as second:
        for number in (0, 150, 299):
            embed(f"words {number}")
        second.send_signal(signal.SIGTERM)
        assert second.wait(timeout=SECONDS) == 0


def test_misuse_has_status_2(database: str) -> None:
    done = run_python("manage.py", "embedding_worker", "--poll", "0")
    assert done.returncode == 2
    assert "--poll" in done.stderr
