"""Variants: products that a shopper sees as one are shown as one card, or separately on request."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from catalog.db.connection import connect
from catalog.indexing import variants
from catalog.indexing.pending import Pending
from catalog.indexing.variants import find_variants
from catalog.indexing.writer import write_embeddings
from catalog.search.calibration import TAILS
from catalog.search.pipeline import SearchSpec, search
from embedding.registry import Modality
from tests.fakes import WordsAndColours

pytestmark = pytest.mark.slow

DIMENSIONS = WordsAndColours().spec.dimensions


def direction(similarity: float, other: int) -> np.ndarray:
    """A unit vector with this cosine to the first axis; the rest is along axis `other`. (1, d)."""
    vector = np.zeros((1, DIMENSIONS), np.float32)
    vector[0, 0], vector[0, other] = similarity, np.sqrt(1 - similarity**2)
    return vector


def add(sku: str, title: str, colour: str, vector: np.ndarray) -> int:
    with connect() as connection:
        product = connection.execute(
            text(
                "INSERT INTO product (sku, title, colour) VALUES (:sku, :title, :colour)"
                " RETURNING id"
            ),
            {"sku": sku, "title": title, "colour": colour},
        ).scalar_one()
        picture = connection.execute(
            text(
                "INSERT INTO product_image (product_id, position, path, sha256, width, height)"
                " VALUES (:product, 0, :sku, :sku, 1, 1) RETURNING id"
            ),
            {"product": product, "sku": sku},
        ).scalar_one()
    embed("image", Pending(picture, product, sku, sku), vector)
    embed("text", Pending(product, product, title, title), vector)
    return int(product)


def embed(modality: Modality, row: Pending, vector: np.ndarray) -> None:
    with connect() as connection:
        write_embeddings(connection, "fashion", modality, [row], vector)


def groups() -> set[frozenset[str]]:
    with connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT array_agg(sku) FROM product_variant JOIN product ON id = product_id"
            " GROUP BY leader_id"
        )
        return {frozenset(row[0]) for row in rows}


@pytest.fixture
def calibrated(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are identical from a cosine of 0.95, and similar from 0.75."""
    monkeypatch.setattr(variants, "IDENTICAL", 0.9)
    with connect() as connection:
        for kind in ("product", "words"):
            connection.execute(
                text("INSERT INTO calibration VALUES ('fashion', :kind, 'image', :q, 9, 9)"),
                {"kind": kind, "q": list(np.linspace(-0.5, 0.5, len(TAILS)))},
            )


@pytest.fixture
def shop(calibrated: None) -> dict[str, int]:
    """A shirt in two colours, a third one with such a title that looks different, a product with
    another title and the picture of the first, and a bag."""
    return {
        "RED": add("RED", "Red Linen Shirt", "Red", direction(1.0, 1)),
        "BLUE": add("BLUE", "Blue Linen Shirt", "Blue", direction(0.8, 2)),
        "OTHER": add("OTHER", "Green Linen Shirt", "Green", direction(0.3, 3)),
        "TWIN": add("TWIN", "Summer top", "Red", direction(0.99, 4)),
        "BAG": add("BAG", "Leather bag", "Red", direction(0.0, 5)),
    }


EXPECTED = {frozenset({"RED", "BLUE", "TWIN"}), frozenset({"OTHER"}), frozenset({"BAG"})}


@pytest.mark.parametrize("batch", [1, 2, 500])
def test_similar_pictures_of_a_family_and_identical_pictures_are_variants(
    shop: dict[str, int], batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(variants, "BATCH", batch)
    told: list[tuple[int, int]] = []
    assert find_variants("fashion", lambda *counts: told.append(counts)) == 5
    assert [products for products, _ in told] == [*range(batch, 5, batch), 5]
    assert {total for _, total in told} == {5}
    assert groups() == EXPECTED
    assert find_variants("fashion") == 0


FAMILIES = ("Linen Shirt", "Silk Scarf", "Wool Coat", "Felt Hat", "Rain Boot", "Sun Dress")


def at(degrees: float) -> np.ndarray:
    """A picture at an angle on a circle; pictures within 18 degrees are identical."""
    return direction(np.cos(np.radians(degrees)), 1)


def find_again(batch: int, monkeypatch: pytest.MonkeyPatch) -> set[frozenset[str]]:
    """Delete all variants, find them again and return the groups."""
    with connect() as connection:
        connection.exec_driver_sql("DELETE FROM product_variant")
    monkeypatch.setattr(variants, "BATCH", batch)
    find_variants("fashion")
    return groups()


def test_a_chain_of_small_differences_is_not_one_group(
    calibrated: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, degrees in enumerate(range(0, 91, 15)):
        add(f"{degrees}", f"{FAMILIES[number % 6]} {'x' * number}", "", at(degrees))
        find_variants("fashion")
    expected = {frozenset(pair) for pair in (("0", "15"), ("30", "45"), ("60", "75"), ("90",))}
    assert groups() == expected
    for batch in (2, 3, 500):
        assert find_again(batch, monkeypatch) == expected


def test_groups_do_not_depend_on_the_batch_size(
    calibrated: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = np.random.default_rng(1)
    for number in range(40):
        add(f"P{number}", str(draw.choice(FAMILIES)), "", at(draw.uniform(0, 180)))
        find_variants("fashion")
    one_by_one = groups()
    assert 4 < len(one_by_one) < 30
    for batch in (1, 2, 7, 500):
        assert find_again(batch, monkeypatch) == one_by_one


@pytest.mark.parametrize("batch", [1, 2, 500])
def test_many_followers_do_not_hide_their_leader(
    calibrated: None, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    add("LEADER", "Linen Shirt", "", at(0))
    for number in range(20):
        add(f"F{number}", f"Wool Coat {'x' * number}", "", at(9))
    find_again(batch, monkeypatch)
    add("LAST", "Felt Hat", "", at(17))
    assert find_variants("fashion") == 1
    assert [len(group) for group in groups()] == [22]


def test_a_changed_leader_and_its_followers_are_compared_again(shop: dict[str, int]) -> None:
    find_variants("fashion")
    with connect() as connection:
        connection.exec_driver_sql("UPDATE product SET title = 'Red Kite' WHERE sku = 'RED'")
    assert find_variants("fashion") == 3
    assert groups() == {
        frozenset({"RED", "TWIN"}),
        *(frozenset({sku}) for sku in ("BLUE", "OTHER", "BAG")),
    }
    with connect() as connection:
        connection.exec_driver_sql("DELETE FROM product WHERE sku = 'RED'")
    assert find_variants("fashion") == 1
    assert frozenset({"TWIN"}) in groups()


def test_a_product_with_a_new_picture_is_compared_again(shop: dict[str, int]) -> None:
    find_variants("fashion")
    with connect() as connection:
        picture = connection.exec_driver_sql(
            "SELECT id FROM product_image WHERE path = 'TWIN'"
        ).scalar_one()
    embed("image", Pending(picture, shop["TWIN"], "TWIN", "new"), direction(0.0, 6))
    assert find_variants("fashion") == 1
    assert frozenset({"TWIN"}) in groups()


def test_groups_stay_until_another_model_has_compared_the_products(
    shop: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def models() -> list[str]:
        with connect() as connection:
            sql = "SELECT model FROM product_variant ORDER BY product_id"
            return list(connection.exec_driver_sql(sql).scalars())

    find_variants("fashion")
    with connect() as connection:
        for sql in (
            "INSERT INTO clip_image (image_id, product_id, embedding, source_sha256)"
            " SELECT image_id, product_id, embedding || array_fill(0, ARRAY[128])::halfvec,"
            " source_sha256 FROM fashion_image",
            "INSERT INTO calibration SELECT 'clip', query, item, quantiles, pairs, products"
            " FROM calibration",
        ):
            connection.exec_driver_sql(sql)
    monkeypatch.setattr(variants, "BATCH", 2)
    seen: list[list[str]] = []
    assert find_variants("clip", lambda *_: seen.append(models())) == 5
    assert [sorted(found) for found in seen] == [
        ["clip"] * done + ["fashion"] * (5 - done) for done in (2, 4, 5)
    ]
    assert groups() == EXPECTED
    with connect() as connection:
        connection.exec_driver_sql("UPDATE product_variant SET model = 'fashion'")
        connection.exec_driver_sql(f"DELETE FROM clip_image WHERE product_id = {shop['RED']}")
    assert find_variants("clip") == 4
    assert models() == ["clip"] * 4


def test_without_calibration_nothing_is_compared(database: str, tmp_path: Path) -> None:
    add("RED", "Red Linen Shirt", "Red", direction(1.0, 1))
    assert find_variants("fashion") == 0
    assert groups() == set()


def test_a_hit_has_the_number_and_colours_of_its_variants(shop: dict[str, int]) -> None:
    find_variants("fashion")
    encoder = WordsAndColours()

    def run(**spec: object) -> dict[str, tuple[int, tuple[str, ...]]]:
        with connect() as connection:
            query = SearchSpec(text="linen shirt", min_match=0.0, **spec)  # type: ignore[arg-type]
            found = search(connection, query, lambda name: encoder)
        assert found.total == len(found.hits)
        return {hit.sku: (hit.variants, tuple(sorted(hit.colours))) for hit in found}

    grouped = run()
    assert len(grouped) == 3
    (card,) = set(grouped) & {"RED", "BLUE", "TWIN"}
    assert grouped[card] == (3, ("Blue", "Red"))
    assert set(run(group_variants=False)) == {"RED", "BLUE", "TWIN", "OTHER", "BAG"}


def same_file(*skus: str) -> None:
    with connect() as connection:
        connection.exec_driver_sql(
            "UPDATE product_image SET path = 'same' FROM product p"
            " WHERE p.id = product_id AND p.sku = ANY(%(skus)s)",
            {"skus": list(skus)},
        )


@pytest.mark.parametrize("batch", [1, 500])
def test_products_with_the_same_picture_file_are_variants(
    calibrated: None, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if the first of them follows a leader whose picture only its own family may follow."""
    add("LEADER", "Red Linen Shirt", "Red", direction(1.0, 1))
    add("ONE", "Blue Linen Shirt", "Blue", direction(0.8, 2))
    add("TWO", "Summer top", "Blue", direction(0.8, 2))
    find_variants("fashion")
    assert groups() == {frozenset({"LEADER", "ONE"}), frozenset({"TWO"})}
    same_file("ONE", "TWO")
    assert find_again(batch, monkeypatch) == {frozenset({"LEADER", "ONE", "TWO"})}


def test_migration_compares_products_with_the_same_picture_again(
    calibrated: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    add("LEADER", "Red Linen Shirt", "Red", direction(1.0, 1))
    add("ONE", "Blue Linen Shirt", "Blue", direction(0.8, 2))
    add("TWO", "Summer top", "Blue", direction(0.8, 2))
    add("OTHER", "Leather bag", "Red", direction(0.0, 5))
    find_variants("fashion")
    same_file("ONE", "TWO")
    assert find_variants("fashion") == 0
    migration = import_module("migrations.versions.0036_twins")
    with connect() as connection:
        monkeypatch.setattr(migration.op, "execute", connection.exec_driver_sql)
        migration.upgrade()
    assert find_variants("fashion") == 3
    assert groups() == {frozenset({"LEADER", "ONE", "TWO"}), frozenset({"OTHER"})}


def test_products_out_of_stock_come_last_among_similar_ones(shop: dict[str, int]) -> None:
    with connect() as connection:
        connection.exec_driver_sql("UPDATE product SET in_stock = sku NOT IN ('TWIN', 'BLUE')")

    def similar(**spec: object) -> list[str]:
        with connect() as connection:
            query = SearchSpec(like="RED", min_match=0.0, **spec)  # type: ignore[arg-type]
            return [hit.sku for hit in search(connection, query, lambda name: WordsAndColours())]

    assert similar() == ["TWIN", "BLUE", "OTHER", "BAG"]
    assert similar(in_stock_first=True) == ["OTHER", "BAG", "TWIN", "BLUE"]
    varied = similar(in_stock_first=True, diversity=0.5)
    assert set(varied[:2]) == {"OTHER", "BAG"}
