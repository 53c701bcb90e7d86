"""The positions of a product's pictures: first those from files, then those fetched from URLs.

A picture is moved by changing the position in its row, so it keeps its embeddings.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, exists, func, select, update

from catalog.tables import IMAGE_ADDRESS, PRODUCT, PRODUCT_IMAGE

# Two steps: the unique constraint on (product, position) is checked for every row.
RENUMBER = (
    """
    UPDATE product_image SET position = -1 - wanted.position
      FROM (SELECT i.id, row_number() OVER (PARTITION BY i.product_id
                ORDER BY a.position NULLS FIRST, i.position) - 1 AS position
              FROM product_image i LEFT JOIN image_address a ON a.image_id = i.id
             WHERE i.product_id = ANY(%(products)s)) AS wanted
     WHERE product_image.id = wanted.id AND product_image.position <> wanted.position
    """,
    """
    UPDATE product_image SET position = -1 - position
     WHERE product_id = ANY(%(products)s) AND position < 0
    """,
)

TEMPORARY = 1_000_000
"""Positions from here on are used only within a transaction."""

is_fetched = exists().where(IMAGE_ADDRESS.c.image_id == PRODUCT_IMAGE.c.id)
"""SQL condition: the row of `product_image` was fetched from a URL, not read from a file."""


def lock_products(connection: Connection, skus: Collection[str]) -> dict[str, int]:
    """Lock the products, so that nobody else reorders their pictures; returns their ids by SKU."""
    query = select(PRODUCT.c.sku, PRODUCT.c.id).where(PRODUCT.c.sku.in_(skus))
    locked = connection.execute(query.order_by(PRODUCT.c.id).with_for_update(key_share=True))
    return {row.sku: row.id for row in locked}


def move_fetched_aside(connection: Connection, products: Collection[int]) -> None:
    """Move fetched pictures to temporary positions, until `renumber_pictures` is called."""
    connection.execute(
        update(PRODUCT_IMAGE)
        .where(PRODUCT_IMAGE.c.product_id.in_(products), is_fetched)
        .values(position=TEMPORARY + PRODUCT_IMAGE.c.position)
    )


def renumber_pictures(connection: Connection, products: Collection[int]) -> None:
    """Number the pictures of each product from 0. The caller has locked the products."""
    for step in RENUMBER:
        connection.exec_driver_sql(step, {"products": list(products)})


def next_temporary_position(product: int) -> Any:
    """SQL expression: a free temporary position for a picture of `product`."""
    highest = func.coalesce(func.max(PRODUCT_IMAGE.c.position), -1)
    return (
        select(highest + TEMPORARY).where(PRODUCT_IMAGE.c.product_id == product).scalar_subquery()
    )
