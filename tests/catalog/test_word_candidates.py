"""Which products the words of a query find, and what the rows of a page contain."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from pgvector import HalfVector

from catalog.db.connection import connect
from catalog.search.calibration import UNCALIBRATED
from catalog.search.candidates import EXACT_FACTOR, lexical_candidates, plan
from catalog.search.fusion import Channel
from catalog.search.pipeline import run_statements
from catalog.search.ranking_sql import Ranking, ranking_statement
from catalog.search.vocabulary import refresh_vocabulary
from embedding.registry import get_spec

FASHION = get_spec("fashion")
PRODUCTS = {"red shoe": 2, "red boot": 1, "blue shoe": 10, "green boot": 6}


@pytest.fixture(autouse=True)
def _filled(database: str) -> None:
    with connect() as connection:
        for title, count in PRODUCTS.items():
            connection.exec_driver_sql(
                "INSERT INTO product (sku, title, colour)"
                " SELECT %(title)s || n, %(title)s, split_part(%(title)s, ' ', 1)"
                "   FROM generate_series(1, %(count)s) AS n",
                {"title": title, "count": count},
            )
        connection.exec_driver_sql("ANALYZE product")
        refresh_vocabulary(connection)


def found(words: str, max_lexical: int, others: Sequence[str] = ("true",)) -> list[str]:
    """The titles of the candidates."""
    sql = f"""WITH {plan([])},
{lexical_candidates([], others)}
SELECT title FROM lexical_list JOIN product ON id = product_id ORDER BY title"""
    values = {"words": words, "typed": "none", "max_lexical": max_lexical}
    with connect() as connection:
        return list(
            connection.exec_driver_sql(
                sql, values | {"exact_factor": EXACT_FACTOR, "window": 240}
            ).scalars()
        )


def test_all_products_with_the_rarest_words_are_candidates() -> None:
    assert found("red shoe", 3) == ["red boot", "red shoe", "red shoe"]
    assert found("shoe red", 3) == ["red boot", "red shoe", "red shoe"]
    # Three products have "red", and seven "boot".
    assert found("red boot", 9) == ["red boot", "red shoe", "red shoe"]
    assert len(found("red boot", 10)) == 9
    assert found("red zebra", 3) == ["red boot", "red shoe", "red shoe"]


def test_without_rare_words_products_with_all_words_are_candidates() -> None:
    assert found("red shoe", 2) == ["red shoe", "red shoe"]


def test_frequent_words_find_candidates_only_where_nothing_else_does() -> None:
    assert found("blue shoe", 2) == []
    assert found("blue shoe", 2, ()) == ["blue shoe", "blue shoe"]
    assert found("blue shoe", 2, ("false", "NULL IS NOT NULL")) == ["blue shoe", "blue shoe"]
    assert found("blue shoe", 2, ("false", "true")) == []


@pytest.mark.parametrize("has_embeddings", [False, True])
def test_frequent_words_find_candidates_until_products_are_embedded(has_embeddings: bool) -> None:
    vector = np.eye(1, FASHION.dimensions)[0]
    channel = Channel(FASHION.name, "text", vector, UNCALIBRATED, 1.0)
    statement = ranking_statement(Ranking((channel,), words="blue shoe", lexical_weight=1.0))
    with connect() as connection:
        if has_embeddings:
            connection.exec_driver_sql(
                "INSERT INTO fashion_text (product_id, embedding, source_md5)"
                " SELECT id, %(vector)s, '' FROM product WHERE title = 'green boot' LIMIT 1",
                {"vector": HalfVector(vector)},
            )
        parameters = statement.parameters | {"max_lexical": 2}
        (rows,) = run_statements(connection, [replace(statement, parameters=parameters)])
    expected = ["green boot"] if has_embeddings else ["blue shoe"] * 2
    assert [row["title"] for row in rows] == expected


def test_only_the_first_row_has_the_facets() -> None:
    with connect() as connection:
        for offset in (0, 5):
            page = Ranking((), words="shoe", lexical_weight=1.0, limit=5, offset=offset)
            (rows,) = run_statements(connection, [ranking_statement(page)])
            assert [row["total"] for row in rows] == [12] * 5
            assert rows[0]["facets"] == {"colour": {"blue": 10, "red": 2}}
            assert [row["facets"] for row in rows[1:]] == [None] * 4
        (rows,) = run_statements(
            connection, [ranking_statement(Ranking((), words="zebra", lexical_weight=1.0))]
        )
        assert [row["total"] for row in rows] == [0]
        assert rows[0]["facets"] is None
