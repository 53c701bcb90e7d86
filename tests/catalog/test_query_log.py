"""The query log keeps what shoppers search for, whatever analysts request."""

import os
from collections.abc import Iterator

import numpy as np
import psycopg
import pytest

from catalog import query_log
from catalog.db.connection import connect
from catalog.query_log import MAX_WAITING, LoggedSearch, prune, remember, remember_all

DAYS_AGO = "UPDATE query_log SET day = day - %(days)s::integer WHERE text = %(text)s"


@pytest.fixture
def analyst(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("SET ROLE analyst")
        yield connection


def search(words: str, times: int = 1, misspelt: str = "") -> None:
    for _ in range(times):
        remember(words, [("fashion", None)], 3, is_filtered=False, misspelt=misspelt)


def popular(names: str = "query, searches") -> list[tuple[object, ...]]:
    with connect() as connection:
        rows = connection.exec_driver_sql(f"SELECT {names} FROM search.popular_queries")
        return [tuple(row) for row in rows]


def stored_texts() -> set[str]:
    with connect() as connection:
        return set(connection.exec_driver_sql("SELECT text FROM query_embedding").scalars())


def test_an_analyst_cannot_erase_the_log(analyst: psycopg.Connection) -> None:
    search("red dress", 2)
    search("blue jeans")
    with pytest.raises(psycopg.errors.ConfigurationLimitExceeded) as caught:
        analyst.execute(
            "SELECT count(search.request('w ' || i)) FROM generate_series(1, 50000) AS i"
        )
    assert str(MAX_WAITING) in str(caught.value)
    assert "worker" in str(caught.value.diag.message_hint)
    prune()
    assert popular() == [("red dress", 2), ("blue jeans", 1)]
    assert stored_texts() == {"red dress", "blue jeans"}


def test_embeddings_of_logged_queries_outlive_requests(
    analyst: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_log, "MAX_REQUESTED", 2)
    search("red dress")
    for number in range(5):
        analyst.execute("SELECT search.request(%s)", [f"words {number}"])
    prune()
    assert stored_texts() == {"red dress", "words 3", "words 4"}
    analyst.execute("SELECT search.request('red dress')")
    assert popular() == [("red dress", 1)]


def test_texts_that_are_embedded_or_failed_do_not_wait(
    analyst: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = "SELECT count(search.request('w ' || i)) FROM generate_series(%s::int, %s) AS i"
    analyst.execute(request, [1, MAX_WAITING])
    with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
        analyst.execute("SELECT search.request('one more')")
    with connect() as connection:
        connection.exec_driver_sql("UPDATE query_embedding SET attempts = 3 WHERE text = 'w 1'")
        connection.exec_driver_sql(
            "UPDATE query_embedding SET embedding = array_fill(0.1, ARRAY[384])::halfvec"
            " WHERE text = 'w 2'"
        )
    analyst.execute(request, [MAX_WAITING + 1, MAX_WAITING + 2])
    with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
        analyst.execute("CALL search.embed('one more')")


def test_the_most_frequent_queries_are_kept(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUERY_LOG", "2")
    search("red dress", 3)
    search("blue jeans", 2)
    with connect() as connection:
        for text in ("red dress", "blue jeans"):
            connection.exec_driver_sql(DAYS_AGO, {"text": text, "days": 30})
    for number in range(5):
        search(f"seldom {number}")
    prune()
    assert popular() == [("red dress", 3), ("blue jeans", 2)]


def test_old_queries_are_deleted(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUERY_LOG_DAYS", "10")
    search("old", 3)
    search("young")
    with connect() as connection:
        connection.exec_driver_sql(DAYS_AGO, {"text": "old", "days": 10})
        connection.exec_driver_sql(DAYS_AGO, {"text": "young", "days": 9})
    search("old")
    prune()
    assert sorted(popular()) == [("old", 1), ("young", 1)]


def test_searches_are_counted_by_day(database: str) -> None:
    search("red dress", 2)
    with connect() as connection:
        connection.exec_driver_sql(DAYS_AGO, {"text": "red dress", "days": 1})
    search("red dress")
    with connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT current_date - day AS age, searches FROM query_log ORDER BY age"
        ).all()
    assert rows == [(0, 1), (1, 2)]
    assert popular() == [("red dress", 3)]


def test_spellings_of_a_query_are_one(database: str) -> None:
    search("Red  Dress")
    search("red dress", 2)
    search("RED DRESS")
    search("café")
    search("Cafe")
    search("Cafe")
    assert popular() == [("red dress", 4), ("Cafe", 3)]


def test_misspellings_count_for_their_correction(database: str) -> None:
    search("red sneakers", misspelt="red snekers under 50")
    search("red sneakers", 2, misspelt="red sneekers")
    search("red sneakers")
    search("shirt")
    assert popular("query, searches, misspelt") == [
        ("red sneakers", 4, ["red sneekers", "red snekers under 50"]),
        ("shirt", 1, []),
    ]


def test_several_models_are_one_search(database: str) -> None:
    models = [("fashion", None), ("clip", None)]
    remember("red dress", models, 3, is_filtered=False)
    assert popular() == [("red dress", 1)]
    assert stored_texts() == {"red dress"}


def test_searches_are_logged_together(database: str) -> None:
    vector = np.ones(512, np.float32)
    shared = {"is_filtered": False, "misspelt": "derss"}
    remember("dress", [], 5, is_filtered=False, seconds=0.5)
    remember_all(
        [
            LoggedSearch("dress", (("fashion", None),), 7, is_filtered=False, seconds=0.1),
            LoggedSearch("", (), 7, is_filtered=False),
            LoggedSearch("dress", (("fashion", vector),), 0, is_filtered=False, seconds=0.3),
            LoggedSearch("dress", (("fashion", None),), 3, **shared),  # type: ignore[arg-type]
            LoggedSearch("coat", (("fashion", None),), 0, is_filtered=True),
        ]
    )
    with connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT text, misspelt, searches, unanswered, results, total_ms, slowest_ms"
            "  FROM query_log ORDER BY text, misspelt"
        )
        assert [tuple(row) for row in rows] == [
            ("coat", "", 1, 0, 0, 0, 0),
            ("dress", "", 3, 1, 0, 900, 500),
            ("dress", "derss", 1, 0, 3, 0, 0),
        ]
        stored = connection.exec_driver_sql(
            "SELECT text, embedding IS NOT NULL FROM query_embedding ORDER BY text"
        )
        assert [tuple(row) for row in stored] == [("coat", False), ("dress", True)]


def test_a_search_that_cannot_be_logged_costs_no_other(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    texts = ("blue coat", "bad \0 text", "red coat")
    remember_all([LoggedSearch(text, (), 1, is_filtered=False) for text in texts])
    assert {query for (query,) in popular("query")} == {"blue coat", "red coat"}
    assert "could not log the query 'bad" in caplog.text


def test_a_model_that_is_not_in_use_is_refused_at_once(analyst: psycopg.Connection) -> None:
    for call in ("CALL search.embed('red', 'clip')", "SELECT search.request('red', 'clip')"):
        with pytest.raises(psycopg.errors.InvalidParameterValue) as caught:
            analyst.execute(call)
        assert "clip is not in use" in str(caught.value)
        assert "Models in use: fashion." in str(caught.value.diag.message_hint)
    assert stored_texts() == set()


def test_requests_for_a_model_out_of_use_are_not_missing(database: str) -> None:
    with connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO query_embedding (text, model) VALUES ('red', 'clip'), ('red', 'fashion')"
        )
        rows = connection.exec_driver_sql(
            "SELECT model, missing FROM search.coverage WHERE modality = 'query'"
        )
        assert rows.all() == [("fashion", 1)]
