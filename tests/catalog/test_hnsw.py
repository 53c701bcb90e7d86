"""The HNSW index is dropped for a large number of new rows and rebuilt afterwards."""

import psycopg
import pytest
from django.core.management import call_command

from benchmarks.synthetic import fill_synthetic
from catalog.db.connection import connect, connection_parameters
from catalog.indexing.hnsw import defer_index, ensure_index, has_index, index_name
from catalog.search.pipeline import SearchSpec, search
from embedding.registry import get_spec
from tests.catalog.test_selectivity import Given

pytestmark = pytest.mark.slow

PRODUCTS = 3000


@pytest.mark.parametrize(
    ("present", "pending", "defers"), [(0, 5_000, True), (0, 4_999, False), (3000, 5_000, False)]
)
def test_the_index_is_dropped_before_many_rows_in_an_almost_empty_table(
    database: str, present: int, pending: int, defers: bool
) -> None:
    with connect() as connection:
        if present:
            fill_synthetic(connection, get_spec("fashion"), present)
        assert has_index(connection, "fashion", "text")
        assert defer_index(connection, "fashion", "text", pending) is defers
        assert has_index(connection, "fashion", "text") is not defers
        assert has_index(connection, "fashion", "image")


def test_the_index_is_built_with_progress_and_searches_work_without_it(database: str) -> None:
    with connect() as connection:
        data = fill_synthetic(connection, get_spec("fashion"), PRODUCTS)
        connection.exec_driver_sql(f"DROP INDEX {index_name('fashion', 'text')}")

    def found() -> list[int]:
        with connect() as connection:
            spec = SearchSpec(text="widget", signals=("text",), min_match=0.0)
            results = search(connection, spec, lambda name: Given(data.vectors[7]))
        return [hit.id for hit in results]

    before = found()
    assert before[0] == 8
    reported: list[tuple[int, int]] = []
    assert ensure_index("fashion", "text", lambda *counts: reported.append(counts)) > 0
    assert all(0 <= done <= total for done, total in reported)
    with connect() as connection:
        assert has_index(connection, "fashion", "text")
    assert found()[:5] == before[:5]
    assert ensure_index("fashion", "text") == 0


def test_an_invalid_index_is_rebuilt(database: str) -> None:
    name = index_name("fashion", "text")
    with psycopg.connect(**connection_parameters(), autocommit=True) as connection:  # type: ignore[arg-type]
        connection.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", (name,)
        )
    with connect() as connection:
        assert not has_index(connection, "fashion", "text")
    assert ensure_index("fashion", "text") > 0
    with connect() as connection:
        assert has_index(connection, "fashion", "text")


def test_embed_catalog_builds_a_missing_index(
    database: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.indexing.hnsw.DEFER_FROM", 1)
    with connect() as connection:
        connection.exec_driver_sql("INSERT INTO product (sku, title) VALUES ('A', 'red dress')")
    call_command("embed_catalog", model=["fashion"], modality="text", verbosity=0)
    assert "fashion text: index built in" in capsys.readouterr().out
    with connect() as connection:
        assert has_index(connection, "fashion", "text")
