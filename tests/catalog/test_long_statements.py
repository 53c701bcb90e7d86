"""Long statements with named placeholders give the same as psycopg's own conversion."""

from decimal import Decimal

import pytest
from psycopg.rows import dict_row

from catalog.db.connection import open_connection
from catalog.db.long_statements import execute_long

SQL = """
SELECT %(words)s::text AS words, %(words)s || '!' AS loud, %(price)s AS price, 7 %% 4 AS rest,
       %(names)s::text[] AS names, %(missing)s::int AS missing, 'a%%b' LIKE 'a%%' AS is_like
"""
VALUES = {
    "words": "red % $1 %(words)s",
    "price": Decimal("1.50"),
    "names": ["a", "b"],
    "missing": None,
    "unused": 3,
}


def test_same_rows_as_psycopg(database: str) -> None:
    with open_connection() as connection:
        own = execute_long(connection, SQL, VALUES).fetchall()
        theirs = connection.cursor(row_factory=dict_row).execute(SQL, VALUES, binary=True)
        assert own == theirs.fetchall()
        assert own[0]["rest"] == 3


def test_a_missing_value_is_an_error(database: str) -> None:
    with open_connection() as connection, pytest.raises(KeyError, match="words"):
        execute_long(connection, SQL, {"price": 1})


def test_statements_run_in_a_pipeline(database: str) -> None:
    with open_connection() as connection, connection.pipeline():
        cursors = [execute_long(connection, "SELECT %(x)s::int AS x", {"x": x}) for x in (1, 2)]
        assert [cursor.fetchone() for cursor in cursors] == [{"x": 1}, {"x": 2}]
