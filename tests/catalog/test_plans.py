"""Repeated searches on a connection are planned for the filters of each search."""

from decimal import Decimal

import pytest
from sqlalchemy import Connection

from catalog.db.connection import connect, driver_connection
from catalog.search.filters import Filters
from catalog.search.pipeline import SearchSpec, search
from tests.fakes import WordsAndColours

PREPARED_AFTER = 5
"""The number of executions before the driver prepares a statement, where it may."""
GENERIC_AFTER = 5
"""The number of custom plans before the server considers a generic plan."""

NARROW = Filters(min_price=Decimal(10), max_price=Decimal(11))
WIDE = Filters(min_price=Decimal(1))
ENCODER = WordsAndColours()


def plans(connection: Connection, spec: SearchSpec) -> tuple[int, int]:
    """Run a search; return the number of generic and custom plans of statements with prices."""
    search(connection, spec, lambda name: ENCODER)
    generic, custom = connection.exec_driver_sql(
        "SELECT sum(generic_plans), sum(custom_plans) FROM pg_prepared_statements"
        " WHERE statement ~ 'p[.]price >= '"
    ).one()
    return int(generic or 0), int(custom or 0)


@pytest.mark.parametrize("text", ["", "shirt"], ids=["browsing", "ranking"])
def test_wide_search_does_not_use_the_plan_of_narrow_ones(database: str, text: str) -> None:
    with connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO product (sku, title, price)"
            " SELECT n, 'shirt ' || n, n / 10.0 FROM generate_series(1, 2000) n"
        )
        connection.exec_driver_sql("ANALYZE product")
    with connect() as connection:
        driver_connection(connection).prepare_threshold = PREPARED_AFTER
        narrow = SearchSpec(text=text, filters=NARROW, signals=("lexical",))
        for _ in range(PREPARED_AFTER + 2 * GENERIC_AFTER):
            plans(connection, narrow)
        wide = SearchSpec(text=text, filters=WIDE, signals=("lexical",))
        for _ in range(PREPARED_AFTER + 2 * GENERIC_AFTER):
            generic, custom = plans(connection, wide)
        assert custom > GENERIC_AFTER
        assert generic == 0


def test_searches_without_conditions_share_a_plan(database: str) -> None:
    with connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO product (sku, title, price)"
            " SELECT n, CASE WHEN n <= 12 THEN 'red shirt' ELSE 'boot' END, n"
            "   FROM generate_series(1, 20) n"
        )
        connection.exec_driver_sql("ANALYZE product")
    with connect() as connection:
        found = [
            search(connection, SearchSpec(text=text, signals=("lexical",)))
            for text in ("shirt", "boot", "zebra")
        ]
        assert [results.total for results in found] == [12, 8, 0]
        rows = connection.exec_driver_sql(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements"
            " WHERE statement ~ 'WITH plan'"
        )
        assert rows.all() == [(3, 0)]


def test_statements_are_not_prepared_behind_a_pooler(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.db.connection._process_id", lambda _: -1)
    with connect() as connection:
        connection.exec_driver_sql("INSERT INTO product (sku, title) VALUES ('1', 'shirt')")
        connection.exec_driver_sql("ANALYZE product")
    with connect() as connection:
        assert search(connection, SearchSpec(text="shirt", signals=("lexical",))).total == 1
        assert connection.exec_driver_sql("SELECT name FROM pg_prepared_statements").all() == []


def test_kept_plan_finds_variants_by_their_products(database: str) -> None:
    with connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO product (sku, title)"
            " SELECT n, 'shirt ' || n FROM generate_series(1, 3000) n"
        )
        connection.exec_driver_sql(
            "INSERT INTO product_variant (product_id, leader_id, family, model)"
            " SELECT id, id, 'shirts', 'fashion' FROM product"
        )
        connection.exec_driver_sql(
            "INSERT INTO fashion_text (product_id, embedding, source_md5)"
            " SELECT id, array_agg(sin(id * n))::halfvec, ''"
            "   FROM product, generate_series(1, 384) n GROUP BY id"
        )
        connection.exec_driver_sql("ANALYZE product, product_variant, fashion_text")
    with connect() as connection:
        assert search(connection, SearchSpec("shirt", min_match=0), lambda _: ENCODER).total
        scans = "SELECT pg_stat_get_xact_numscans('product_variant'::regclass)"
        assert connection.exec_driver_sql(scans).scalar() == 0
