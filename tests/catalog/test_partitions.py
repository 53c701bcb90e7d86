"""A model whose tables are partitioned finds, fills and deletes as another one does."""

from collections.abc import Iterator

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from sqlalchemy import Connection

from benchmarks.filters import WAYS
from benchmarks.synthetic import Synthetic, fill_synthetic
from catalog.db.connection import connect
from catalog.indexing import fill
from catalog.indexing.coverage_report import disk_usage
from catalog.indexing.hnsw import defer_index, ensure_index, has_index
from catalog.model_tables import drop_model, partition_model
from catalog.search.calibration import UNCALIBRATED
from catalog.search.filters import Filters
from catalog.search.fusion import Channel
from catalog.search.ranking_sql import SETTINGS, Ranking, Statement, ranking_statement
from embedding.registry import Modality, get_spec
from tests.conftest import fresh_database
from tests.fakes import WordsAndColours

pytestmark = pytest.mark.slow

PRODUCTS, PARTITIONS, QUERIES = 3000, 4, 10
KEYS: dict[Modality, str] = {"text": "product_id", "image": "image_id, product_id"}
SOURCES: dict[Modality, str] = {"text": "source_md5", "image": "source_sha256"}
WINDOW = 24
"""So few that an index is used for 3,000 products."""
PADDING = 512 - 384
"""How many zeros make a vector of `fashion` one of `clip`, with the same distances."""


@pytest.fixture(scope="module")
def catalogue(template: str) -> Iterator[Synthetic]:
    """The same vectors for `fashion`, whose tables are whole, and `clip`, whose are divided."""
    with fresh_database(template):
        with connect() as connection:
            partition_model(connection, "clip", PARTITIONS)
            data = fill_synthetic(connection, get_spec("fashion"), PRODUCTS)
            for modality, keys in KEYS.items():
                assert defer_index(connection, "clip", modality, 10 * PRODUCTS)
                assert not has_index(connection, "clip", modality)
                source = SOURCES[modality]
                connection.exec_driver_sql(
                    f"INSERT INTO clip_{modality} ({keys}, embedding, {source}) SELECT {keys},"
                    f" (embedding::real[] || array_fill(0::real, ARRAY[{PADDING}]))::halfvec,"
                    f" {source} FROM fashion_{modality}"
                )
                connection.exec_driver_sql(f"ANALYZE clip_{modality}, clip_{modality}_signs")
        for modality in KEYS:
            ensure_index("clip", modality)
        yield data


def statement(model: str, vector: np.ndarray, filters: Filters) -> Statement:
    channels = tuple(Channel(model, modality, vector, UNCALIBRATED, 0.5) for modality in KEYS)
    ranking = Ranking(channels, filters=filters, window=WINDOW, limit=WINDOW)
    return ranking_statement(ranking)


def ids(connection: Connection, asked: Statement, way: str) -> list[int]:
    parameters = asked.parameters | WAYS[way]
    connection.exec_driver_sql(SETTINGS, parameters)
    return [row.id for row in connection.exec_driver_sql(asked.sql, parameters) if row.id]


@pytest.mark.parametrize(
    "filters",
    [
        *(Filters(), Filters({"colour": ("5 %",)}), Filters({"colour": ("90 %",)})),
        Filters({"category": ("category 3", "category 4")}),
    ],
)
def test_searches_find_the_same_in_partitions(catalogue: Synthetic, filters: Filters) -> None:
    shares = []
    with connect() as connection:
        for vector in catalogue.near(QUERIES):
            whole = statement("fashion", vector, filters)
            divided = statement("clip", np.pad(vector, (0, PADDING)), filters)
            exact = ids(connection, whole, "exact")
            assert len(exact) == WINDOW
            assert ids(connection, divided, "exact") == exact
            found = ids(connection, divided, "chosen")
            assert len(found) == WINDOW
            shares.append(len({*found[:10]} & {*exact[:10]}) / 10)
    assert np.mean(shares) > 0.95


def test_the_indexes_of_all_partitions_are_merged(catalogue: Synthetic) -> None:
    asked = statement("clip", np.pad(catalogue.vectors[0], (0, PADDING)), Filters())
    with connect() as connection:
        connection.exec_driver_sql(SETTINGS, asked.parameters)
        rows = connection.exec_driver_sql(f"EXPLAIN ANALYZE {asked.sql}", asked.parameters)
        plan = "\n".join(rows.scalars())
    used = {it for it in range(PARTITIONS) if f"using clip_text_{it}_embedding_hnsw" in plan}
    assert "Merge Append" in plan
    assert used == {*range(PARTITIONS)}


def test_embeddings_are_written_and_deleted_in_partitions(catalogue: Synthetic) -> None:
    def count(table: str, condition: str = "true") -> int:
        with connect() as connection:
            query = f"SELECT count(*) FROM {table} WHERE {condition}"
            return int(connection.exec_driver_sql(query).scalar_one())

    with connect() as connection:
        assert disk_usage(connection).models[get_spec("clip").label] > 1000 * PRODUCTS
        connection.exec_driver_sql(
            "INSERT INTO product (id, sku, title, price)"
            " SELECT 10000 + n, 'new' || n, 'new', 1 FROM generate_series(1, 20) AS n"
        )
    assert fill(WordsAndColours("clip"), "text").embedded == PRODUCTS + 20  # others are stale
    assert count("clip_text") == count("clip_text_signs") == PRODUCTS + 20
    assert all(count(f"clip_text_{number}", "product_id > 10000") for number in range(PARTITIONS))
    with connect() as connection:
        connection.exec_driver_sql("UPDATE product SET price = 2 WHERE id > 10000")
    assert count("clip_text_signs", "product_id > 10000 AND price = 2") == 20
    with connect() as connection:
        connection.exec_driver_sql("DELETE FROM product WHERE id > 10000")
    assert count("clip_text") == count("clip_text_signs") == PRODUCTS
    with connect() as connection:
        with pytest.raises(CommandError, match="clip has embeddings in clip_text: divide"):
            call_command("partition_model", "clip", "2")
        drop_model(connection, "clip")
        left = "SELECT count(*) FROM pg_class WHERE relname LIKE 'clip%%'"
        assert connection.exec_driver_sql(left).scalar() == 0


def test_the_command_divides_a_model(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("partition_model", "fashion", "3")
    assert "Divided the tables of fashion into 3 partitions" in capsys.readouterr().out
    with connect() as connection:
        connection.exec_driver_sql("INSERT INTO product (sku, title) VALUES ('A', 'red dress')")
        divided = (
            "SELECT count(*) FROM pg_inherits WHERE inhparent = 'fashion_image_signs'::regclass"
        )
        assert connection.exec_driver_sql(divided).scalar() == 3
        for modality in KEYS:
            assert has_index(connection, "fashion", modality)
    assert fill(WordsAndColours(), "text").embedded == 1
    with pytest.raises(CommandError, match="imaginet"):
        call_command("partition_model", "imaginet", "3")
