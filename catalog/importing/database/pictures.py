"""Writes the rows of `product_image` and `image_address` for a batch of products."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from catalog.media.image_order import (
    is_fetched,
    lock_products,
    move_fetched_aside,
    renumber_pictures,
)
from catalog.media.store import PICTURE_COLUMNS, Picture
from catalog.tables import IMAGE_ADDRESS, PRODUCT_IMAGE


def replace_images(connection: Connection, pictures: Mapping[str, Sequence[Picture]]) -> set[str]:
    """Replace the pictures that came from files, by SKU and in order; returns the changed SKUs.

    A picture that keeps its position keeps its row and its embeddings.
    """
    if not pictures:
        return set()
    ids = lock_products(connection, pictures)
    hashes: dict[int, dict[int, str]] = {product: {} for product in ids.values()}
    stored = connection.execute(
        select(PRODUCT_IMAGE.c.product_id, PRODUCT_IMAGE.c.position, PRODUCT_IMAGE.c.sha256).where(
            PRODUCT_IMAGE.c.product_id.in_(hashes), ~is_fetched
        )
    )
    for product, position, sha256 in stored:
        hashes[product][position] = sha256
    changed, new, removed = set(), [], []
    for sku, given in pictures.items():
        product = ids[sku]
        if hashes[product] == dict(enumerate(picture.sha256 for picture in given)):
            continue
        changed.add(sku)
        beyond = PRODUCT_IMAGE.c.position >= len(given)
        removed.append(and_(PRODUCT_IMAGE.c.product_id == product, beyond, ~is_fetched))
        for position, picture in enumerate(given):
            if hashes[product].get(position) != picture.sha256:
                place = {"product_id": product, "position": position}
                new.append(place | {name: getattr(picture, name) for name in PICTURE_COLUMNS})
    products = [ids[sku] for sku in changed]
    if removed:
        connection.execute(delete(PRODUCT_IMAGE).where(or_(*removed)))
        move_fetched_aside(connection, products)
    if new:
        upsert = insert(PRODUCT_IMAGE).values(new)
        connection.execute(
            upsert.on_conflict_do_update(
                index_elements=[PRODUCT_IMAGE.c.product_id, PRODUCT_IMAGE.c.position],
                set_={name: upsert.excluded[name] for name in PICTURE_COLUMNS},
            )
        )
    if changed:
        _retry_skipped_and_renumber(connection, products)
    return changed


def replace_addresses(connection: Connection, addresses: Mapping[str, Sequence[str]]) -> set[str]:
    """Replace the picture addresses by SKU and in order; returns the changed SKUs.

    An address that stays keeps its status and its picture. The picture of a removed address is
    deleted.
    """
    if not addresses:
        return set()
    ids = lock_products(connection, addresses)
    stored: dict[int, dict[str, dict[str, Any]]] = {product: {} for product in ids.values()}
    query = select(IMAGE_ADDRESS).where(IMAGE_ADDRESS.c.product_id.in_(stored))
    for found in connection.execute(query.order_by(IMAGE_ADDRESS.c.position)).mappings():
        stored[found["product_id"]][found["url"]] = dict(found)
    changed, orphans = set(), []
    new: list[dict[str, Any]] = []
    for sku, given in addresses.items():
        product = ids[sku]
        before = stored[product]
        if list(before) == list(given):
            continue
        changed.add(sku)
        orphans += [row["image_id"] for url, row in before.items() if url not in given]
        for position, url in enumerate(given):
            row = before.get(url) or {"product_id": product, "url": url}
            new.append(row | {"position": position})
    products = [ids[sku] for sku in changed]
    if changed:
        connection.execute(delete(IMAGE_ADDRESS).where(IMAGE_ADDRESS.c.product_id.in_(products)))
        connection.execute(delete(PRODUCT_IMAGE).where(PRODUCT_IMAGE.c.id.in_(orphans)))
        for known in (True, False):  # all rows of one INSERT must have the same columns
            if rows := [row for row in new if ("status" in row) is known]:
                connection.execute(insert(IMAGE_ADDRESS), rows)
        _retry_skipped_and_renumber(connection, products)
    return changed


def _retry_skipped_and_renumber(connection: Connection, products: Sequence[int]) -> None:
    """Close gaps in positions, and retry addresses that were skipped as duplicates."""
    connection.execute(
        update(IMAGE_ADDRESS)
        .where(
            IMAGE_ADDRESS.c.product_id.in_(products),
            IMAGE_ADDRESS.c.status == "fetched",
            IMAGE_ADDRESS.c.image_id.is_(null()),
        )
        .values(status="", attempts=0)
    )
    renumber_pictures(connection, products)
