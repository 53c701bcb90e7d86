"""After kills, signals and server restarts no embedding is lost or computed twice."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from catalog.db.connection import connect
from catalog.model_tables import add_model
from embedding.registry import get_spec
from tests.catalog.indexing_process import BATCH, filling
from tests.conftest import PROJECT, fresh_database, repetitions
from tests.own_server import empty_folder, folder

__all__ = ["empty_folder", "folder"]

pytestmark = pytest.mark.process

KILLS = repetitions(6, 20)
BATCHES = 4
"""How many batches a process embeds at most before it is killed."""

PRODUCTS = 2 * KILLS * BATCHES * BATCH


def add_products(url: str, count: int = PRODUCTS) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO product (sku, title) SELECT n, 'red shirt ' || n"
            " FROM generate_series(1, %s) AS n",
            (count,),
        )


def rows(url: str) -> list[tuple[str, str, str]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT sku, embedding::text, source_md5 FROM fashion_text"
            " JOIN product ON id = product_id ORDER BY sku"
        ).fetchall()


def count(connection: psycopg.Connection, model: str = "fashion") -> int:
    """The number of embedded texts; the connection is in autocommit mode."""
    found = connection.execute(f"SELECT count(*) FROM {model}_text").fetchone()
    assert found
    return int(found[0])


def test_after_many_kills_the_rows_equal_those_of_an_undisturbed_run(
    database: str, template: str
) -> None:
    add_products(database)
    draw = random.Random(7)
    progress = [0]
    with psycopg.connect(database, autocommit=True) as connection:
        for number in range(KILLS):
            with filling(database, BATCHES) as running:
                alive = running.process.is_alive
                while number % 2 and count(connection) == progress[-1] and alive():
                    time.sleep(0.01)  # so that it has embedded something, on a slow machine too
                time.sleep(draw.uniform(0, 0.1))
                running.kill()
            progress.append(count(connection))
    assert progress == sorted(progress)
    assert 0 < progress[-1] < PRODUCTS, "the kills must interrupt the work"
    with filling(database) as running:
        remaining = running.finish()
    assert remaining == PRODUCTS - progress[-1]
    with fresh_database(template) as undisturbed:
        add_products(undisturbed)
        with filling(undisturbed) as running:
            assert running.finish() == PRODUCTS
        assert rows(undisturbed) == rows(database)


def test_two_concurrent_processes_embed_nothing_twice(database: str) -> None:
    add_products(database, 1000)
    with filling(database) as first, filling(database) as second:
        assert first.finish() + second.finish() == 1000
    with psycopg.connect(database, autocommit=True) as connection:
        assert count(connection) == 1000


def test_ctrl_c_stops_the_run_and_says_how_to_continue(database: str) -> None:
    add_products(database, 2000)
    with connect() as connection:
        add_model(connection, get_spec("fashion"))
    arguments = ["--model", "fashion", "--modality", "text", "--batch-size", "16"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fake_manage", "embed_catalog", *arguments],
        cwd=PROJECT,
        env=os.environ | {"PYTHONUNBUFFERED": "1", "BATCH_SECONDS": "0.3"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with psycopg.connect(database, autocommit=True) as connection:
        try:
            deadline = time.monotonic() + 300
            while count(connection, "fashion") == 0 and time.monotonic() < deadline:
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
        assert process.returncode == 130, errors
        assert "The same command continues from here" in errors
        assert "Traceback" not in errors
        assert 0 < count(connection, "fashion") < 2000


def test_embedding_continues_after_postgresql_restarts(folder: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    environment["VAR_DIR"] = str(folder)
    script = (
        "import sys\n"
        "from catalog.db.embedded import embedded_url, psql_path\n"
        "print(embedded_url(), psql_path().with_name('pg_ctl'), flush=True)\n"
        "sys.stdin.read()"
    )
    keeper = subprocess.Popen(  # keeps the server running while its stdin is open
        [sys.executable, "-c", script],
        cwd=PROJECT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert keeper.stdout
        url, pg_ctl = keeper.stdout.readline().split()
        add_products(url)
        with filling(url) as running:
            with psycopg.connect(url, autocommit=True) as connection:
                while count(connection) < PRODUCTS / 3:
                    time.sleep(0.02)
            data = folder / "postgres"
            user = data.owner()
            for mode in ("fast", "immediate"):
                restart = [pg_ctl, "-w", "-D", str(data), "-m", mode, "-l", f"{data}/log"]
                subprocess.run(
                    [*restart, "-o", f'-h "" -k {data}', "restart"],
                    check=True,
                    stdout=subprocess.DEVNULL,
                    user=user if os.geteuid() == 0 else None,
                )
            running.finish()
        with psycopg.connect(url, autocommit=True) as connection:
            assert count(connection) == PRODUCTS
    finally:
        keeper.communicate()


def test_only_products_selected_by_sku_or_time_are_embedded(database: str) -> None:
    from django.core.management import CommandError, call_command

    add_products(database, 20)
    with connect() as connection:
        connection.exec_driver_sql(
            "UPDATE product SET updated_at = '2020-01-01' WHERE sku NOT IN ('1', '2')"
        )
    options = {"model": ["fashion"], "modality": "text", "verbosity": 0}
    call_command("embed_catalog", sku=["5", "6"], **options)
    assert [sku for sku, _, _ in rows(database)] == ["5", "6"]
    call_command("embed_catalog", "--since", "2021-06-01", **options)
    assert [sku for sku, _, _ in rows(database)] == ["1", "2", "5", "6"]
    with pytest.raises(CommandError, match="no product has the SKU 'nothing'") as caught:
        call_command("embed_catalog", sku=["5", "nothing"], **options)
    assert caught.value.returncode == 2


def test_a_dry_run_estimates_and_changes_nothing(
    database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from django.core.management import call_command

    add_products(database, 300)
    call_command("embed_catalog", "--dry-run", model=["fashion"], modality="text")
    output = capsys.readouterr().out
    assert re.search(r"fashion text: 300 to embed, about \d+ (s|min) at \d+/s", output)
    with psycopg.connect(database, autocommit=True) as connection:
        assert count(connection) == 0
