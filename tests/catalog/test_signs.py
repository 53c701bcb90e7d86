"""Tables of signs stay equal to the embeddings and products that they copy."""

from collections.abc import Iterator
from threading import Thread

import numpy as np
import pytest
from sqlalchemy import Connection

from catalog.db.connection import connect, open_session, retry_transient
from catalog.indexing.pending import Pending
from catalog.indexing.writer import write_embeddings
from catalog.model_tables import add_missing_models, add_model, drop_model
from catalog.tables import FILTER_COLUMNS
from embedding.registry import Modality, get_spec
from tests.conftest import fresh_database, prepared_database

PRODUCTS, PICTURES = 6, 2
"""The numbers of products, and of pictures of each."""

DRIFT = """
WITH expected AS (
    SELECT e.{key} AS key, p.id, binary_quantize(e.embedding) AS signs, p.price, p.in_stock,
           p.facets
      FROM {table} e JOIN product p ON p.id = e.product_id
), found AS (
    SELECT {key}, product_id, signs, price, in_stock, facets FROM {table}_signs
)
SELECT * FROM ((TABLE expected EXCEPT TABLE found) UNION ALL (TABLE found EXCEPT TABLE expected)) x
"""
"""Rows of a table of signs that are missing or wrong."""


def fill() -> None:
    with connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO product (id, sku, title, colour, price)"
            f" SELECT n, n, 'Shirt', 'red', n FROM generate_series(1, {PRODUCTS}) AS n"
        )
        connection.exec_driver_sql(
            "INSERT INTO product_image (id, product_id, position, path, sha256, width, height)"
            f" SELECT n, 1 + mod(n, {PRODUCTS}), n / {PRODUCTS}, n, n, 1, 1"
            f"   FROM generate_series(0, {PRODUCTS * PICTURES - 1}) AS n"
        )
    embed(1)


def embed(seed: int, products: tuple[int, ...] = tuple(range(1, PRODUCTS + 1))) -> None:
    """Write random embeddings of these products, and of their pictures."""
    with connect() as connection:
        write(connection, seed, "text", [(product, product) for product in products])
    with connect() as connection:
        pictures = connection.exec_driver_sql(
            "SELECT id, product_id FROM product_image WHERE product_id = ANY(%(products)s)",
            {"products": list(products)},
        ).all()
        write(connection, seed, "image", [(row.id, row.product_id) for row in pictures])


def write(
    connection: Connection, seed: int, modality: Modality, rows: list[tuple[int, int]]
) -> None:
    vectors = np.random.default_rng(seed).normal(size=(len(rows), 384)).astype(np.float32)
    pending = [Pending(key, product, "", "source") for key, product in rows]
    write_embeddings(connection, "fashion", modality, pending, vectors)


def counts() -> dict[str, int]:
    """The number of rows in each table of signs; fails if one differs from what it copies."""
    found = {}
    with connect() as connection:
        for modality, key in (("text", "product_id"), ("image", "image_id")):
            table = f"fashion_{modality}"
            drift = connection.exec_driver_sql(DRIFT.format(table=table, key=key)).all()
            assert drift == []
            rows = connection.exec_driver_sql(f"SELECT count(*) FROM {table}_signs")
            found[modality] = int(rows.scalar_one())
    return found


ALL = {"text": PRODUCTS, "image": PRODUCTS * PICTURES}


@pytest.fixture(scope="module")
def filled(template: str) -> Iterator[str]:
    with prepared_database(template, fill) as name:
        yield name


@pytest.fixture(autouse=True)
def catalogue(filled: str) -> Iterator[None]:
    with fresh_database(filled):
        yield


def test_new_embeddings_have_signs() -> None:
    assert counts() == ALL


def test_signs_follow_embeddings() -> None:
    embed(2, (1, 2))
    assert counts() == ALL


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE product SET price = 9.5 WHERE id < 4",
        "UPDATE product SET price = NULL, in_stock = false WHERE id = 2",
        "UPDATE product SET colour = 'blue'",
        'UPDATE product SET attributes = \'{"fit": "slim"}\' WHERE id = 3',
        "UPDATE product SET title = 'Skirt'",
    ],
)
def test_filters_follow_products(change: str) -> None:
    with connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO facet (name, label, position) VALUES ('fit', '', 9)"
        )
        connection.exec_driver_sql(change)
    assert counts() == ALL


def test_deleted_products_and_pictures_leave_no_signs() -> None:
    with connect() as connection:
        connection.exec_driver_sql("DELETE FROM product WHERE id = 1")
        connection.exec_driver_sql("DELETE FROM product_image WHERE product_id = 2")
    assert counts() == {"text": PRODUCTS - 1, "image": (PRODUCTS - 2) * PICTURES}


def test_a_price_that_changes_while_embeddings_are_written() -> None:
    """The price waits for the embeddings, and then sees their signs."""
    with open_session() as writing, connect() as changing:
        writing.autocommit = False
        writing.execute("DELETE FROM fashion_text_signs")
        writing.execute("UPDATE fashion_text SET version = version")
        process = changing.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()

        def change() -> None:
            changing.exec_driver_sql("UPDATE product SET price = 77")
            changing.commit()

        thread = Thread(target=change)
        thread.start()
        wait_for_lock(process)
        writing.commit()
        thread.join(timeout=30)
    assert counts() == ALL


def test_embeddings_that_are_written_while_a_price_changes() -> None:
    """The embeddings give way, and are written again after the change."""
    started = []

    def again() -> None:
        with connect() as connection:
            started.append(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
            write(connection, 3, "text", [(n, n) for n in range(1, PRODUCTS + 1)])

    with connect() as changing:
        changing.exec_driver_sql("UPDATE product SET price = 77")
        thread = Thread(target=retry_transient, args=(again,))
        thread.start()
        while not started:
            thread.join(timeout=0.01)
        wait_for_lock(started[0])
        changing.commit()
        thread.join(timeout=30)
    assert counts() == ALL


def wait_for_lock(process: int) -> None:
    """Return when the server process waits for a lock."""
    with open_session() as session:
        for _ in range(3000):
            row = session.execute(
                "SELECT FROM pg_stat_activity WHERE pid = %(pid)s AND wait_event_type = 'Lock'",
                {"pid": process},
            ).fetchone()
            if row is not None:
                return
            session.execute("SELECT pg_sleep(0.01)")
    raise AssertionError("it does not wait")


def test_models_of_before_get_tables_of_signs() -> None:
    with connect() as connection:
        for table in ("fashion_text", "fashion_image"):
            connection.exec_driver_sql(f"DROP TABLE {table}_signs")
            for event in ("inserted", "updated"):
                connection.exec_driver_sql(f"DROP TRIGGER fill_signs_{event} ON {table}")
        embedded = connection.exec_driver_sql("SELECT count(*) FROM fashion_text").scalar()
        add_missing_models(connection)
    assert embedded == PRODUCTS
    assert counts() == ALL
    embed(4)
    assert counts() == ALL


def test_shared_pictures_share_their_signs() -> None:
    kinds = (
        "SELECT relname, relkind FROM pg_class WHERE relname LIKE 'clip%%signs' ORDER BY relname"
    )
    with connect() as connection:
        add_model(connection, get_spec("clip-multilingual"))
        found = {row.relname: row.relkind for row in connection.exec_driver_sql(kinds)}
        assert found == {
            "clip_image_signs": "r",
            "clip_text_signs": "r",
            "clip_multilingual_image_signs": "v",
            "clip_multilingual_text_signs": "r",
        }
    with connect() as connection:
        drop_model(connection, "clip_multilingual")
        drop_model(connection, "clip")
        assert connection.exec_driver_sql(kinds).all() == []


def test_the_triggers_know_the_columns_that_are_copied() -> None:
    with connect() as connection:
        for function in ("fill_signs", "copy_filters"):
            source = connection.exec_driver_sql(
                "SELECT prosrc FROM pg_proc WHERE proname = %(name)s", {"name": function}
            ).scalar_one()
            assert all(column in source for column in FILTER_COLUMNS)
