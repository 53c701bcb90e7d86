"""The order of a product's pictures: those from files first, then those that came by address.

Pictures move by changing their position, never their row, so that they keep their embeddings.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, exists, func, select, update

from catalog.tables import IMAGE_ADDRESS, PRODUCT, PRODUCT_IMAGE

# In two steps, since no two pictures of a product may share a position even for a moment.
ARRANGE = (
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

FAR = 1_000_000
"""Positions from here on are held by pictures for no longer than a transaction."""

came_by_address = exists().where(IMAGE_ADDRESS.c.image_id == PRODUCT_IMAGE.c.id)
"""Whether a row of `product_image` came by an address, not from a file."""


def lock_products(connection: Connection, skus: Collection[str]) -> dict[str, int]:
    """The products' ids by SKU, held so that nobody else arranges their pictures meanwhile."""
    query = select(PRODUCT.c.sku, PRODUCT.c.id).where(PRODUCT.c.sku.in_(skus))
    held = connection.execute(query.order_by(PRODUCT.c.id).with_for_update(key_share=True))
    return {row.sku: row.id for row in held}


def make_room(connection: Connection, products: Collection[int]) -> None:
    """Move pictures that came by address away from the positions of files, until `arrange`."""
    connection.execute(
        update(PRODUCT_IMAGE)
        .where(PRODUCT_IMAGE.c.product_id.in_(products), came_by_address)
        .values(position=FAR + PRODUCT_IMAGE.c.position)
    )


def arrange(connection: Connection, products: Collection[int]) -> None:
    """Close the gaps between the pictures of `products`, which the caller has locked."""
    for step in ARRANGE:
        connection.exec_driver_sql(step, {"products": list(products)})


def next_far_position(product: int) -> Any:
    """An expression: a position of `product` that is free until `arrange`."""
    highest = func.coalesce(func.max(PRODUCT_IMAGE.c.position), -1)
    return select(highest + FAR).where(PRODUCT_IMAGE.c.product_id == product).scalar_subquery()
