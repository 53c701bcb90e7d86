"""The recall of an index, by stored queries."""

from io import StringIO

import numpy as np
import pytest
from django.core.management import call_command
from pgvector import HalfVector

from catalog.db.connection import connect
from catalog.indexing.hnsw import ensure_index
from catalog.indexing.recall import measure_recall, stored_recalls

ROWS = 1500
DIMENSIONS = 384

pytestmark = pytest.mark.slow


@pytest.fixture
def catalogue(database: str) -> None:
    """Random texts of `fashion`, which are harder for an index than real ones, and ten queries.

    There is no index of them yet.
    """
    random = np.random.default_rng(1)
    with connect() as connection:
        # Building the index later takes a third of the time of adding the rows to it.
        connection.exec_driver_sql("DROP INDEX fashion_text_embedding_hnsw")
        connection.exec_driver_sql(
            "INSERT INTO product (sku, title)"
            f" SELECT 'S' || n, 'Product' FROM generate_series(1, {ROWS}) AS n"
        )
        ids = connection.exec_driver_sql("SELECT id FROM product ORDER BY id").scalars().all()
        insert = (
            "INSERT INTO fashion_text (product_id, embedding, source_md5)"
            " VALUES (%(id)s, %(vector)s, '')"
        )
        for product in ids:
            values = {"id": product, "vector": HalfVector(random.normal(size=DIMENSIONS))}
            connection.exec_driver_sql(insert, values)
        for number in range(10):
            connection.exec_driver_sql(
                "INSERT INTO query_embedding (text, model, embedding)"
                " VALUES (%(text)s, 'fashion', %(vector)s)",
                {"text": f"q{number}", "vector": HalfVector(random.normal(size=DIMENSIONS))},
            )
        connection.exec_driver_sql("ANALYZE fashion_text")


def test_recall_is_measured_and_stored(catalogue: None, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_index("fashion", "text")
    output = StringIO()
    call_command("measure_recall", nearest=20, queries=5, verbosity=0, stdout=output)
    assert output.getvalue().startswith("fashion text: recall ")
    assert output.getvalue().endswith("of the 20 nearest, 5 queries\n")
    with connect() as connection:
        (usual,) = stored_recalls(connection)
    # A search looks at 480 of 1,500 rows of the index; with a window of 1, at two.
    monkeypatch.setenv("SEARCH_WINDOW", "1")
    (hasty,) = measure_recall(queries=10, nearest=20)
    assert 0 < hasty.recall < usual.recall <= 1
    assert hasty.queries == 10
    with connect() as connection:
        (stored,) = stored_recalls(connection)
        assert stored.recall == hasty.recall
        assert stored.measured_at > usual.measured_at
        connection.exec_driver_sql("UPDATE setting SET value = 'imagenet'")
    with connect() as connection:
        connection.exec_driver_sql("DELETE FROM query_embedding")
    assert list(measure_recall(queries=10, nearest=20)) == []


def test_without_an_index_nothing_is_measured(catalogue: None) -> None:
    output = StringIO()
    call_command("measure_recall", verbosity=0, stdout=output)
    assert output.getvalue() == "Nothing to measure: no stored queries, or no index.\n"
