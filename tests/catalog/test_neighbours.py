"""SQL functions return the requested number of neighbouring products, not of their pictures."""

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from benchmarks.synthetic import fill_synthetic
from catalog.db.connection import connect
from embedding.registry import get_spec
from tests.conftest import fresh_database

PRODUCTS = 400
PICTURES = 6
CROWD = 200

MISFILED_AND_CROWDED = f"""
    UPDATE product SET product_type =
        CASE sku WHEN 'S1' THEN 'Wrong' WHEN 'S2' THEN 'Crowd' ELSE 'Right' END;
    INSERT INTO product_image (id, product_id, position, path, sha256, width, height)
    SELECT {PRODUCTS * PICTURES} + k, 2, {PICTURES - 1} + k, 'none.jpg', 'none', 1, 1
      FROM generate_series(1, {CROWD}) AS k;
    INSERT INTO fashion_image (image_id, product_id, embedding, source_sha256)
    SELECT i.id, 2, e.embedding, 'synthetic' FROM product_image i, fashion_image e
     WHERE i.position >= {PICTURES} AND e.image_id = 1;
    UPDATE fashion_image SET embedding = (SELECT embedding FROM fashion_image WHERE image_id = 1)
     WHERE image_id = {PICTURES + 1};
"""
"""S1 has another type than all similar products; nearly every picture of S2 is that of S1."""


@pytest.fixture(scope="module")
def analyst(template: str) -> Iterator[psycopg.Connection]:
    """A connection with the role analyst and default settings, except that sorts use an index."""
    with fresh_database(template):
        with connect() as connection:
            fill_synthetic(connection, get_spec("fashion"), PRODUCTS, pictures=PICTURES)
            connection.exec_driver_sql(MISFILED_AND_CROWDED)
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as user:
            user.execute("SET ROLE analyst")
            user.execute("SET enable_sort = off")
            yield user


def rows(user: psycopg.Connection, sql: str) -> list[tuple[Any, ...]]:
    return user.execute(sql).fetchall()


@pytest.mark.parametrize("neighbours", [10, 100])
def test_each_neighbour_is_a_different_product_with_one_vote(
    analyst: psycopg.Connection, neighbours: int
) -> None:
    found = rows(
        analyst,
        "SELECT sku, looks_like, votes, agreement"
        f" FROM search.misfiled('fashion', neighbours => {neighbours})",
    )
    assert ("S1", "Right", neighbours - 1, 0.0) in found


def test_a_pair_of_duplicates_is_returned_once(analyst: psycopg.Connection) -> None:
    ((similarity, *skus),) = rows(
        analyst, "SELECT similarity, sku, other_sku FROM search.duplicates('fashion')"
    )
    assert (round(similarity, 3), skus) == (1, ["S1", "S2"])


def test_a_category_limits_the_products_but_not_their_neighbours(
    analyst: psycopg.Connection,
) -> None:
    found = rows(
        analyst, "SELECT sku FROM search.price_outliers('fashion', category => 'category 3')"
    )
    assert sorted(found) == sorted(
        rows(analyst, "SELECT sku FROM product WHERE category = 'category 3'")
    )
    ((category,),) = rows(analyst, "SELECT category FROM product WHERE sku = 'S1'")
    part = rows(
        analyst, f"SELECT sku, votes FROM search.misfiled('fashion', category => '{category}')"
    )
    assert ("S1", 9) in part


def test_each_call_draws_another_sample(analyst: psycopg.Connection) -> None:
    sql = "SELECT sku FROM search.price_outliers('fashion', sample => 20)"
    drawn = [{sku for (sku,) in rows(analyst, sql)} for _ in range(2)]
    assert [len(skus) for skus in drawn] == [20, 20]
    assert drawn[0] != drawn[1]
