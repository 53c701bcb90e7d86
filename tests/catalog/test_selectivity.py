"""Filters work at every selectivity: pages are full, and the best products are found.

With 8,000 products some searches use the indexes and others an exact scan.
"""

import re
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest

from benchmarks.synthetic import SELECTIVITY, Synthetic, fill_synthetic
from catalog.db.connection import connect
from catalog.search.calibration import UNCALIBRATED
from catalog.search.candidates import FAN_OUT, fan_out
from catalog.search.filters import Filters
from catalog.search.fusion import WEIGHTS, Channel
from catalog.search.pipeline import SearchSpec, search
from catalog.search.ranking_sql import SETTINGS, Ranking, ranking_statement
from embedding.registry import Modality, get_spec
from tests.conftest import fresh_database, repetitions
from tests.fakes import WordsAndColours

pytestmark = pytest.mark.slow

PRODUCTS = 8_000
WINDOW = 240
FASHION = get_spec("fashion")


class Given(WordsAndColours):
    """An encoder that returns the same vector for every text."""

    def __init__(self, vector: np.ndarray) -> None:
        super().__init__()
        self.vector = vector

    def encode_texts(self, texts: list[str]) -> np.ndarray:
        return self.vector[None]


def given(vector: np.ndarray, model: str) -> Given:
    return Given(vector)


@pytest.fixture(scope="module")
def catalogue(template: str) -> Iterator[Synthetic]:
    with fresh_database(template):
        with connect() as connection:
            data = fill_synthetic(connection, FASHION, PRODUCTS)
        yield data


@pytest.fixture(scope="module")
def columns(catalogue: Synthetic) -> dict[str, np.ndarray]:
    """Colour and category, (n,), and stored embeddings, float32 (n, d), by product."""
    with connect() as connection:
        rows = connection.exec_driver_sql("SELECT colour, category FROM product ORDER BY id").all()
        pictures = connection.exec_driver_sql(
            "SELECT embedding FROM fashion_image ORDER BY product_id"
        ).scalars()
        image = np.stack([vector.to_numpy() for vector in pictures]).astype(np.float32)
        texts = connection.exec_driver_sql(
            "SELECT embedding FROM fashion_text ORDER BY product_id"
        ).scalars()
        text = np.stack([vector.to_numpy() for vector in texts]).astype(np.float32)
    colour, category = (np.array(column) for column in zip(*rows, strict=True))
    return {"colour": colour, "category": category, "text": text, "image": image}


def exact_top(columns: dict[str, np.ndarray], mask: np.ndarray, query: np.ndarray) -> list[int]:
    """Ids of the ten best products by the weighted mean of both matches.

    Matches are cosines here, because the model is not calibrated.
    """
    ids = np.flatnonzero(mask) + 1
    scores = sum(
        WEIGHTS["words"][kind] * np.clip(columns[kind][mask] @ query, 0, None)
        for kind in ("text", "image")
    )
    return [int(product) for product in ids[np.argsort(-scores, kind="stable")[:10]]]


FILTERS = {
    "no filter": Filters(),
    **{name: Filters({"colour": (name,)}) for name in SELECTIVITY},
    "4 %, a category far from the query": Filters({"category": ("category 3",)}),
    "25 %, categories far from the query": Filters(
        {"category": tuple(f"category {number}" for number in range(5))}
    ),
    "75 %, by price": Filters(min_price=50),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", FILTERS)
def test_pages_are_full_and_contain_the_best_products(
    catalogue: Synthetic, columns: dict[str, np.ndarray], name: str
) -> None:
    filters = FILTERS[name]
    mask = np.ones(PRODUCTS, dtype=bool)
    if "colour" in filters.values:
        mask = columns["colour"] == filters.values["colour"][0]
    elif "category" in filters.values:
        mask = np.isin(columns["category"], filters.values["category"])
    elif filters.min_price is not None:
        with connect() as connection:
            prices = connection.exec_driver_sql("SELECT price FROM product ORDER BY id").scalars()
            mask = np.array([price >= filters.min_price for price in prices])
    found = []
    for query in catalogue.near(repetitions(10, 20)):
        spec = SearchSpec(
            text="widget", signals=("text", "image"), filters=filters, min_match=0.0, limit=48
        )
        with connect() as connection:
            results = search(connection, spec, partial(given, query))
        assert len(results.hits) == min(48, mask.sum())
        assert results.total == min(WINDOW, mask.sum())
        ids = [hit.id for hit in results]
        assert len(set(ids)) == len(ids)
        assert all(mask[product - 1] for product in ids)
        expected = exact_top(columns, mask, query)
        found.append(len(set(expected) & set(ids[:10])) / len(expected))
    assert np.mean(found) >= 0.99


def channel(modality: Modality, vector: np.ndarray) -> Channel:
    return Channel("fashion", modality, vector, UNCALIBRATED, 1.0)


def plan(filters: Filters, data: Synthetic) -> list[str]:
    vector = data.near(1)[0]
    both = channel("text", vector), channel("image", vector)
    statement = ranking_statement(Ranking(both, filters=filters, window=WINDOW))
    with connect() as connection:
        connection.exec_driver_sql(SETTINGS, statement.parameters)
        lines = connection.exec_driver_sql(
            f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, BUFFERS OFF) {statement.sql}",
            statement.parameters,
        ).scalars()
        return list(lines)


def executed(lines: list[str], index: str) -> bool:
    return any(index in line and "never executed" not in line for line in lines)


@pytest.mark.parametrize("modality", ["text", "image"])
def test_wide_filters_use_the_index_and_narrow_ones_an_exact_scan(
    catalogue: Synthetic, modality: str
) -> None:
    index = f"fashion_{modality}_embedding_hnsw"
    assert executed(plan(Filters(), catalogue), index)
    assert executed(plan(Filters({"colour": ("90 %",)}), catalogue), index)
    assert not executed(plan(Filters({"colour": ("5 %",)}), catalogue), index)
    assert not executed(plan(Filters({"colour": ("0.04 %",)}), catalogue), index)


def test_an_exact_scan_follows_if_the_index_returns_too_few_products(catalogue: Synthetic) -> None:
    """No product near the query passes the filter, so the index scan stops too early."""
    query = catalogue.near(1)[0]
    statement = ranking_statement(
        Ranking(
            (channel("text", query),),
            filters=Filters({"colour": ("90 %",)}),
            window=WINDOW,
            limit=96,
        )
    )
    with connect() as connection:
        connection.exec_driver_sql(
            "UPDATE product SET colour = 'gone' WHERE id IN (SELECT product_id FROM fashion_text"
            " ORDER BY embedding <=> %(fashion_text_vector)s LIMIT 3000)",
            statement.parameters,
        )
        connection.exec_driver_sql(SETTINGS, statement.parameters)
        connection.exec_driver_sql("SET LOCAL hnsw.max_scan_tuples = 1000")
        rows = connection.exec_driver_sql(statement.sql, statement.parameters).all()
        assert len(rows) == 96
        connection.rollback()


def test_many_pictures_per_product_do_not_cause_an_exact_scan(template: str) -> None:
    products, pictures, window = 1_000, 6, 100
    with fresh_database(template), connect() as connection:
        data = fill_synthetic(connection, FASHION, products)
        connection.exec_driver_sql(
            "UPDATE pg_class SET reltuples = reltuples * 1.001 WHERE relname = 'product_image'"
        )
        of_one = connection.exec_driver_sql("SELECT search_internal.fan_out()").scalar()
        assert of_one == FAN_OUT
        connection.exec_driver_sql(
            "INSERT INTO product_image (id, product_id, position, path, sha256, width, height)"
            f" SELECT id + n * {products}, product_id, n, path, sha256, 1, 1"
            f" FROM product_image, generate_series(1, {pictures - 1}) AS n"
        )
        connection.exec_driver_sql(
            "INSERT INTO fashion_image (image_id, product_id, embedding, source_sha256)"
            " SELECT i.id, i.product_id, e.embedding, i.sha256 FROM product_image i"
            " JOIN fashion_image e USING (product_id) WHERE i.position > 0"
        )
        connection.exec_driver_sql("ANALYZE product, product_image, fashion_image")
        channel = Channel("fashion", "image", data.near(1)[0], UNCALIBRATED, 1.0)
        ranking = Ranking((channel,), window=window, fan_out=fan_out(connection))
        assert ranking.fan_out == 1 + pictures
        statement = ranking_statement(ranking)
        parameters = statement.parameters | {"exact_factor": 0}
        connection.exec_driver_sql(SETTINGS, parameters)
        plan = connection.exec_driver_sql(f"EXPLAIN ANALYZE {statement.sql}", parameters).scalars()
        lines = [line.strip() for line in plan]
        exactly = lines.index("CTE fashion_image_exactly")
        assert re.search(r"rows=0(\.00)? loops", lines[exactly + 1])
