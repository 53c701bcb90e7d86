"""Calibration: unrelated pairs have the same distribution of matches for all kinds of items."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import Connection, insert, update

from benchmarks.synthetic import fill_synthetic
from catalog.db.connection import connect
from catalog.indexing.calibrate import (
    GROWTH,
    MIN_PRODUCTS,
    draw_samples,
    fit,
    fit_quantiles,
    is_due,
    store,
)
from catalog.search.calibration import RAREST, TABLE, TAILS, UNCALIBRATED, get_fitted
from catalog.search.fusion import MIN_MATCH
from embedding.encoder import Encoder
from embedding.registry import get_spec
from tests.conftest import fresh_database
from tests.fakes import WordsAndColours

pytestmark = pytest.mark.slow

PRODUCTS = 2000


@pytest.fixture(scope="module")
def catalogue(template: str) -> Iterator[None]:
    with fresh_database(template):
        with connect() as connection:
            fill_synthetic(connection, get_spec("fashion"), PRODUCTS)
        yield


def matches(similarities: np.ndarray, quantiles: tuple[float, ...]) -> np.ndarray:
    with connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT search_internal.match(s, %(quantiles)s) FROM unnest(%(similarities)s::float8[])"
            " WITH ORDINALITY AS given (s, place) ORDER BY place",
            {"similarities": similarities.tolist(), "quantiles": list(quantiles)},
        )
        return np.array(rows.scalars().all())


@pytest.mark.usefixtures("catalogue")
def test_unrelated_pairs_with_different_similarities_have_the_same_matches() -> None:
    from scipy.stats import ks_2samp  # takes half a second

    rng = np.random.default_rng(0)
    texts, pictures = rng.normal(0.36, 0.15, 60_000), rng.gamma(2, 0.06, 60_000) - 0.1
    fitted = [tuple(fit_quantiles(kind[:40_000].astype(np.float32))) for kind in (texts, pictures)]
    fresh = [
        matches(kind[40_000:], quantiles)
        for kind, quantiles in zip((texts, pictures), fitted, strict=True)
    ]
    assert ks_2samp(*fresh).statistic < 0.03
    for found in fresh:
        assert (found >= 1 / 3).mean() == pytest.approx(0.1, rel=0.1)
        assert (found >= 2 / 3).mean() == pytest.approx(0.01, rel=0.3)


@pytest.mark.usefixtures("catalogue")
def test_matches_equal_values_calculated_by_hand() -> None:
    quantiles = tuple(np.linspace(0.2, 0.6, len(TAILS)))
    values = np.array([-1, 0.2, 0.4, 0.6, 0.8])
    np.testing.assert_allclose(matches(values, quantiles), [0, 0, 0.5, 1, 1.5], atol=1e-9)


@pytest.mark.usefixtures("catalogue")
def test_quantiles_of_a_blend_are_interpolated() -> None:
    fitted = {
        "words": [0.0, 1.0],
        "both": [2.0, 3.0],
        "picture": [4.0, 7.0],
        "product": [9.0, 10.0],
    }
    with connect() as connection:
        for query, quantiles in fitted.items():
            row = {"model": "mixed", "query": query, "item": "text", "quantiles": quantiles}
            connection.execute(insert(TABLE), row | {"pairs": 1, "products": 1})

        def quantiles_of(query: str, share: float, item: str = "text") -> list[float]:
            sql = "SELECT search_internal.quantiles('mixed', %(query)s, %(item)s, %(share)s)"
            values = {"query": query, "item": item, "share": share}
            return list(connection.exec_driver_sql(sql, values).scalar_one())

        assert quantiles_of("both", 0.0) == fitted["words"]
        assert quantiles_of("both", 0.25) == [1.0, 2.0]
        assert quantiles_of("both", 0.5) == fitted["both"]
        assert quantiles_of("both", 0.75) == [3.0, 5.0]
        assert quantiles_of("picture", 1.0) == fitted["picture"]
        assert quantiles_of("product", 1.0) == fitted["product"]
        assert quantiles_of("both", 0.5, "image") == list(UNCALIBRATED)
        connection.exec_driver_sql("DELETE FROM calibration WHERE query <> 'words'")
        assert quantiles_of("product", 1.0) == fitted["words"]


def calibrate_within(connection: Connection, encoder: Encoder) -> int:
    """As `calibrate`, in a transaction that the test rolls back."""
    samples = draw_samples(connection, encoder.spec)
    rows = fit(samples, encoder)
    store(connection, encoder.spec.name, rows)
    return max(samples.embedded.values()) if rows else 0


@pytest.mark.usefixtures("catalogue")
def test_calibration_is_due_once_and_again_after_the_catalogue_grows() -> None:
    encoder = WordsAndColours("fashion")
    with connect() as connection:
        assert is_due(connection, "fashion")
        assert calibrate_within(connection, encoder) == PRODUCTS
        assert not is_due(connection, "fashion")
        found = get_fitted(connection, "fashion")
        assert {kind for kind, _ in found} == {"words", "picture", "both", "product"}
        assert all(list(levels) == sorted(set(levels)) for levels in found.values())
        connection.exec_driver_sql(
            f"DELETE FROM fashion_text WHERE product_id > {MIN_PRODUCTS - 1}"
        )
        assert not is_due(connection, "fashion")
        connection.execute(update(TABLE).values(products=int(PRODUCTS / GROWTH)))
        assert is_due(connection, "fashion")
        connection.rollback()


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("pictures", [0, MIN_PRODUCTS - 1])
def test_texts_are_calibrated_where_few_products_have_pictures(pictures: int) -> None:
    encoder = WordsAndColours("fashion")
    with connect() as connection:
        connection.exec_driver_sql(f"DELETE FROM fashion_image WHERE product_id > {pictures}")
        assert is_due(connection, "fashion")
        assert calibrate_within(connection, encoder) == PRODUCTS
        assert not is_due(connection, "fashion")
        found = get_fitted(connection, "fashion")
        assert set(found) == {("words", "text"), ("product", "text")}
        texts = connection.exec_driver_sql("SELECT embedding FROM fashion_text ORDER BY product_id")
        embedded = np.stack([row.embedding.to_numpy() for row in texts]).astype(np.float32)
        pairs: np.ndarray = (embedded[:500] @ embedded[500:1000].T).ravel()
        passed = matches(pairs, found["product", "text"]) >= MIN_MATCH["words"]
        assert passed.mean() == pytest.approx(RAREST ** MIN_MATCH["words"], rel=0.2)
        connection.rollback()


@pytest.mark.usefixtures("catalogue")
def test_pictures_are_calibrated_as_soon_as_enough_products_have_one() -> None:
    encoder = WordsAndColours("fashion")
    with connect() as connection:
        connection.exec_driver_sql("CREATE TEMPORARY TABLE later AS SELECT * FROM fashion_image")
        connection.exec_driver_sql(f"DELETE FROM later WHERE product_id < {MIN_PRODUCTS}")
        connection.exec_driver_sql(f"DELETE FROM fashion_image WHERE product_id >= {MIN_PRODUCTS}")
        calibrate_within(connection, encoder)
        assert not is_due(connection, "fashion")
        connection.exec_driver_sql("INSERT INTO fashion_image SELECT * FROM later LIMIT 1")
        assert is_due(connection, "fashion")
        assert calibrate_within(connection, encoder) == PRODUCTS
        assert not is_due(connection, "fashion")
        assert len(get_fitted(connection, "fashion")) == 8
        connection.exec_driver_sql("INSERT INTO fashion_image SELECT * FROM later OFFSET 1 LIMIT 4")
        assert is_due(connection, "fashion")
        connection.rollback()


def test_models_with_one_modality_are_calibrated(database: str) -> None:
    text_only = WordsAndColours("fashion")
    text_only.spec = replace(text_only.spec, modalities=("text",))
    for name, encoder, expected in (
        ("imagenet", WordsAndColours("imagenet"), {("picture", "image"), ("product", "image")}),
        ("fashion", text_only, {("words", "text"), ("product", "text")}),
    ):
        with connect() as connection:
            fill_synthetic(connection, get_spec(name), MIN_PRODUCTS)
            assert calibrate_within(connection, encoder) == MIN_PRODUCTS
            assert set(get_fitted(connection, name)) == expected
            connection.rollback()


def test_products_with_one_title_are_not_calibrated(database: str) -> None:
    with connect() as connection:
        fill_synthetic(connection, get_spec("fashion"), MIN_PRODUCTS)
        connection.exec_driver_sql("UPDATE product SET title = 'Shirt', product_type = 'Shirt'")
        assert calibrate_within(connection, WordsAndColours("fashion")) == 0
