"""Calibration: unrelated pairs get the same distribution of matches, whatever they are."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ks_2samp
from sqlalchemy import insert, update

from benchmarks.synthetic import fill_synthetic
from catalog.db.connection import connect
from catalog.indexing.calibrate import FEWEST, GROWTH, calibrate, fit_quantiles, is_due
from catalog.search.calibration import RAREST, TABLE, TAILS, UNCALIBRATED, get_fitted, match
from catalog.search.fusion import MIN_MATCH
from embedding.registry import get_spec
from tests.conftest import fresh_database
from tests.fakes import WordsAndColours

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
            "SELECT search.match(s, %(quantiles)s) FROM unnest(%(similarities)s::float8[])"
            " WITH ORDINALITY AS given (s, place) ORDER BY place",
            {"similarities": similarities.tolist(), "quantiles": list(quantiles)},
        )
        return np.array(rows.scalars().all())


@pytest.mark.usefixtures("catalogue")
def test_unrelated_pairs_of_different_distributions_get_the_same_matches() -> None:
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
def test_a_match_by_hand() -> None:
    quantiles = tuple(np.linspace(0.2, 0.6, len(TAILS)))
    values = np.array([-1, 0.2, 0.4, 0.6, 0.8])
    np.testing.assert_allclose(matches(values, quantiles), [0, 0, 0.5, 1, 1.5], atol=1e-9)


@pytest.mark.usefixtures("catalogue")
def test_a_blend_lies_between_words_and_pictures() -> None:
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

        def between(query: str, share: float, item: str = "text") -> list[float]:
            sql = "SELECT search.quantiles('mixed', %(query)s, %(item)s, %(share)s)"
            values = {"query": query, "item": item, "share": share}
            return list(connection.exec_driver_sql(sql, values).scalar_one())

        assert between("both", 0.0) == fitted["words"]
        assert between("both", 0.25) == [1.0, 2.0]
        assert between("both", 0.5) == fitted["both"]
        assert between("both", 0.75) == [3.0, 5.0]
        assert between("picture", 1.0) == fitted["picture"]
        assert between("product", 1.0) == fitted["product"]
        assert between("both", 0.5, "image") == list(UNCALIBRATED)
        connection.exec_driver_sql("DELETE FROM calibration WHERE query <> 'words'")
        assert between("product", 1.0) == fitted["words"]


@pytest.mark.usefixtures("catalogue")
def test_it_is_due_once_and_again_after_a_fifth_more() -> None:
    encoder = WordsAndColours("fashion")
    with connect() as connection:
        assert is_due(connection, "fashion")
        assert calibrate(connection, encoder) == PRODUCTS  # type: ignore[arg-type]
        assert not is_due(connection, "fashion")
        found = get_fitted(connection, "fashion")
        assert {kind for kind, _ in found} == {"words", "picture", "both", "product"}
        assert all(list(levels) == sorted(set(levels)) for levels in found.values())
        connection.exec_driver_sql(f"DELETE FROM fashion_text WHERE product_id > {FEWEST - 1}")
        assert not is_due(connection, "fashion")
        connection.execute(update(TABLE).values(products=int(PRODUCTS / GROWTH)))
        assert is_due(connection, "fashion")
        connection.rollback()


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("pictures", [0, FEWEST - 1])
def test_texts_are_calibrated_where_few_products_have_pictures(pictures: int) -> None:
    encoder = WordsAndColours("fashion")
    with connect() as connection:
        connection.exec_driver_sql(f"DELETE FROM fashion_image WHERE product_id > {pictures}")
        assert is_due(connection, "fashion")
        assert calibrate(connection, encoder) == PRODUCTS  # type: ignore[arg-type]
        assert not is_due(connection, "fashion")
        found = get_fitted(connection, "fashion")
        assert set(found) == {("words", "text"), ("product", "text")}
        texts = connection.exec_driver_sql("SELECT embedding FROM fashion_text ORDER BY product_id")
        embedded = np.stack([row.embedding.to_numpy() for row in texts]).astype(np.float32)
        pairs = (embedded[:500] @ embedded[500:1000].T).ravel()
        passed = match(pairs, found["product", "text"]) >= MIN_MATCH["words"]
        assert passed.mean() == pytest.approx(RAREST ** MIN_MATCH["words"], rel=0.2)
        connection.rollback()


@pytest.mark.usefixtures("catalogue")
def test_pictures_are_calibrated_as_soon_as_enough_products_have_one() -> None:
    encoder = WordsAndColours("fashion")
    with connect() as connection:
        connection.exec_driver_sql("CREATE TEMPORARY TABLE later AS SELECT * FROM fashion_image")
        connection.exec_driver_sql(f"DELETE FROM later WHERE product_id < {FEWEST}")
        connection.exec_driver_sql(f"DELETE FROM fashion_image WHERE product_id >= {FEWEST}")
        calibrate(connection, encoder)  # type: ignore[arg-type]
        assert not is_due(connection, "fashion")
        connection.exec_driver_sql("INSERT INTO fashion_image SELECT * FROM later LIMIT 1")
        assert is_due(connection, "fashion")
        assert calibrate(connection, encoder) == PRODUCTS  # type: ignore[arg-type]
        assert not is_due(connection, "fashion")
        assert len(get_fitted(connection, "fashion")) == 8
        connection.exec_driver_sql("INSERT INTO fashion_image SELECT * FROM later OFFSET 1 LIMIT 4")
        assert is_due(connection, "fashion")
        connection.rollback()


def test_a_model_that_sees_only_pictures_and_one_that_reads_only_texts(database: str) -> None:
    reader = WordsAndColours("fashion")
    reader.spec = replace(reader.spec, modalities=("text",))
    for name, encoder, expected in (
        ("imagenet", WordsAndColours("imagenet"), {("picture", "image"), ("product", "image")}),
        ("fashion", reader, {("words", "text"), ("product", "text")}),
    ):
        with connect() as connection:
            fill_synthetic(connection, get_spec(name), FEWEST)
            assert calibrate(connection, encoder) == FEWEST  # type: ignore[arg-type]
            assert set(get_fitted(connection, name)) == expected
            connection.rollback()


def test_products_that_all_have_one_title_tell_nothing(database: str) -> None:
    with connect() as connection:
        fill_synthetic(connection, get_spec("fashion"), FEWEST)
        connection.exec_driver_sql("UPDATE product SET title = 'Shirt', product_type = 'Shirt'")
        assert calibrate(connection, WordsAndColours("fashion")) == 0  # type: ignore[arg-type]
