"""The worker in a thread, beside other processes.

`tests/shop/test_embedding_worker.py` tests it as a process.
"""

import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from catalog.db.connection import connect, connection_parameters
from catalog.db.locks import embedding_lock
from catalog.importing import import_catalog
from catalog.indexing.heartbeat import Heartbeat, RunningWorker, running_workers
from catalog.indexing.hnsw import has_index, index_name
from catalog.indexing.requests import request_products, retry_failures
from catalog.indexing.worker import Worker, running
from tests.fakes import WordsAndColours

pytestmark = pytest.mark.slow

ENCODER = WordsAndColours("fashion")
ADD = "INSERT INTO product (sku, title) VALUES ('A', 'red dress')"


@pytest.mark.parametrize(
    ("statement", "notifies"),
    [
        ("INSERT INTO product (sku, title) VALUES ('B', 'blue dress')", True),
        ("UPDATE product SET title = 'green dress'", True),
        ("UPDATE product SET brand = 'Acme', in_stock = false", True),
        ("UPDATE product SET title = title, price = 9.99, in_stock = false", False),
        ("UPDATE product_image SET sha256 = repeat('b', 64)", True),
        ("UPDATE product_image SET position = 3", False),
        ("DELETE FROM product", False),
    ],
)
def test_only_changes_of_embedded_columns_notify(
    database: str, statement: str, notifies: bool
) -> None:
    with connect() as connection:
        connection.exec_driver_sql(ADD)
        connection.exec_driver_sql(
            "INSERT INTO product_image (product_id, position, path, sha256, width, height)"
            " SELECT id, 0, 'a.jpg', repeat('a', 64), 1, 1 FROM product"
        )
    with psycopg.connect(**connection_parameters(), autocommit=True) as listener:  # type: ignore[arg-type]
        listener.execute("LISTEN search_products")
        listener.execute("LISTEN finished")
        with connect() as connection:
            connection.exec_driver_sql(statement)
        with connect() as connection:
            connection.exec_driver_sql("NOTIFY finished")
        found = []
        for notice in listener.notifies(timeout=60):
            if notice.channel == "finished":  # they come in the order of their transactions
                break
            found.append(notice.channel)
        else:
            pytest.fail("no notification")
        assert found == ["search_products"] * notifies


def test_the_worker_continues_after_errors(
    database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise ValueError("the registry is broken")

    monkeypatch.setenv("MODELS", "fashion")
    with running(Worker(lambda name: ENCODER, poll=0.1)):
        wait_for(lambda: embedded("first words"))
        with monkeypatch.context() as patch:
            patch.setattr("catalog.indexing.worker._enabled", fail)
            wait_for(lambda: len({it.threadName for it in caplog.records if it.exc_info}) == 2)
        wait_for(lambda: embedded("other words"))
        with connect() as connection:
            connection.exec_driver_sql(ADD)
        wait_for(lambda: count("fashion_text") == 1)


def test_the_worker_does_not_wait_for_another_process_that_embeds(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELS", "fashion")
    monkeypatch.setattr("catalog.indexing.worker.REFRESH_INTERVAL", 0.0)
    refreshes: list[None] = []  # it ends with pruning
    monkeypatch.setattr("catalog.indexing.worker.prune", lambda: refreshes.append(None))
    with connect() as connection:
        connection.exec_driver_sql(ADD)
        connection.exec_driver_sql(f"DROP INDEX {index_name('fashion', 'image')}")
    with embedding_lock("fashion", "image"), running(Worker(lambda name: ENCODER, poll=0.1)):
        wait_for(lambda: count("fashion_text") == 1)
        wait_for(lambda: bool(refreshes))
        with connect() as connection:
            connection.exec_driver_sql("UPDATE product SET title = 'blue dress'")
        wait_for(lambda: count("fashion_text WHERE source_md5 = md5('blue dress')") == 1)
        with connect() as connection:
            assert not has_index(connection, "fashion", "image")


def test_a_failed_refresh_is_retried(
    database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MODELS", "fashion")
    monkeypatch.setattr("catalog.indexing.worker.REFRESH_INTERVAL", 0.0)
    with connect() as connection:
        connection.exec_driver_sql(ADD)
        connection.exec_driver_sql("ALTER MATERIALIZED VIEW search.vocabulary RENAME TO aside")
    with running(Worker(lambda name: ENCODER, poll=0.1)):
        wait_for(lambda: count("fashion_text") == 1)
        wait_for(lambda: "vocabulary" in caplog.text)  # the refresh has failed
        with connect() as connection:
            connection.exec_driver_sql("ALTER MATERIALIZED VIEW search.aside RENAME TO vocabulary")
        wait_for(lambda: count("search.vocabulary WHERE word = 'dress'") == 1)


def embedded(words: str) -> bool:
    """Request the embedding of `words`; returns whether a worker has already stored it."""
    with connect() as connection:
        connection.exec_driver_sql("SELECT search.request(%(words)s)", {"words": words})
        return bool(
            connection.exec_driver_sql(
                "SELECT embedding IS NOT NULL FROM query_embedding WHERE text = %(words)s",
                {"words": words},
            ).scalar()
        )


def count(rows: str) -> int:
    with connect() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {rows}").scalar_one())


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_running_worker_is_known_until_it_ends(database: str) -> None:
    with running(Worker(lambda name: ENCODER, poll=0.1)):
        wait_for(lambda: [it.name for it in workers()] == [Heartbeat().name])
    assert workers() == []
    Heartbeat().beat()
    with connect() as connection:
        connection.exec_driver_sql("UPDATE worker_sign SET seen_at = now() - interval '2 minutes'")
    assert workers() == []


def workers() -> list[RunningWorker]:
    with connect() as connection:
        return running_workers(connection)


def test_requested_products_and_failures_are_embedded_again(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELS", "fashion")
    (tmp_path / "c.csv").write_text("sku,title\nA,Red shirt\nB,Blue shirt\n")
    import_catalog(tmp_path / "c.csv")
    worker = Worker(lambda name: ENCODER)
    assert worker.embed_products() == 2
    assert worker.embed_products() == 0
    with connect() as connection:
        request_products(connection, ["B"])
    assert worker.embed_products() == 1
    with connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO embedding_failure (model, product_id, source, reason)"
            " SELECT 'fashion', id, document_md5, 'broken' FROM product"
        )
        connection.exec_driver_sql("DELETE FROM fashion_text")
    assert worker.embed_products() == 0
    with connect() as connection:
        ids = connection.exec_driver_sql("SELECT id FROM embedding_failure ORDER BY id").scalars()
        assert retry_failures(connection, list(ids)[:1]) == 1
    assert worker.embed_products() == 1
