"""Transient database errors are retried, other errors are not."""

from functools import partial
from threading import Barrier, Thread

import pytest
from sqlalchemy.exc import DBAPIError

from catalog.db.connection import connect, retry_transient


def update_two(skus: list[str], both_have_one: Barrier, tries: list[str]) -> None:
    """Update two products one after the other, while another thread does so in the other order."""
    tries.append(skus[0])
    with connect() as connection:
        for place, sku in enumerate(skus):
            if place and len(tries) <= 2:
                both_have_one.wait(timeout=120)
            connection.exec_driver_sql(
                "UPDATE product SET price = coalesce(price, 0) + 1 WHERE sku = %(sku)s",
                {"sku": sku},
            )


def test_a_deadlock_is_retried(database: str) -> None:
    with connect() as connection:
        connection.exec_driver_sql("INSERT INTO product (sku, title) VALUES ('A', 'a'), ('B', 'b')")
    both_have_one, tries = Barrier(2), list[str]()
    threads = [
        Thread(target=retry_transient, args=(partial(update_two, skus, both_have_one, tries),))
        for skus in (["A", "B"], ["B", "A"])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=300)
    assert len(tries) == 3
    with connect() as connection:
        prices = connection.exec_driver_sql("SELECT price FROM product").scalars().all()
    assert prices == [2, 2]


def test_an_invalid_statement_is_not_retried(database: str) -> None:
    tries = []

    def fail() -> None:
        tries.append("again")
        with connect() as connection:
            connection.exec_driver_sql("SELECT nothing")

    with pytest.raises(DBAPIError, match="nothing"):
        retry_transient(fail)
    assert len(tries) == 1
