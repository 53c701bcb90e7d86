"""Finds the products of the demo in a catalogue, and removes them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from catalog.media.prune import Pruned, product_pictures, prune
from catalog.search.vocabulary import refresh_vocabulary
from demo.products import find_products
from shop.thumbnails import thumbnails

COLUMNS = ("title", "description", "brand")
"""A product with a SKU of the demo is the demo's if these columns are unchanged."""
CANDIDATES = f"""
SELECT id, sku, {", ".join(COLUMNS)} FROM product
WHERE sku ~ '^[A-Z]{{2}}-[0-9]{{4}}$' ORDER BY id
"""
REMOVE = """
WITH removed AS (DELETE FROM product WHERE id = ANY(%(ids)s) RETURNING id)
SELECT path FROM product_image WHERE product_id IN (SELECT id FROM removed)
"""


@dataclass(frozen=True, slots=True)
class DemoProducts:
    """The demo's products in a catalogue; `others` is the number of all other products.

    `edited` contains the SKUs of those others that have a SKU of the demo, but another text.
    """

    ids: Sequence[int]
    edited: Sequence[str]
    others: int


def find_demo_products(connection: Connection, *, lock: bool = False) -> DemoProducts:
    """Find the products of the demo; `lock` locks their rows until the transaction ends."""
    candidates = connection.exec_driver_sql(CANDIDATES + "FOR UPDATE" * lock).all()
    drawn = {product.sku: product.row() for product in find_products({it.sku for it in candidates})}
    known = [row for row in candidates if row.sku in drawn]
    ids = [
        row.id
        for row in known
        if all(getattr(row, name) == drawn[row.sku][name] for name in COLUMNS)
    ]
    edited = [row.sku for row in known if row.id not in set(ids)]
    total: int = connection.exec_driver_sql("SELECT count(*) FROM product").scalar_one()
    return DemoProducts(ids, edited, total - len(ids))


def remove_products(connection: Connection, ids: Sequence[int]) -> set[str]:
    """Delete products and the rows that refer to them; returns the paths of their pictures."""
    paths = connection.exec_driver_sql(REMOVE, {"ids": ids}).scalars()
    removed = set(paths)
    refresh_vocabulary(connection)
    return removed


def remove_pictures(paths: set[str]) -> list[Pruned]:
    """Remove the files and thumbnails of pictures that no product uses any more."""
    return [prune(folder, only=paths) for folder in (product_pictures(), thumbnails())]
