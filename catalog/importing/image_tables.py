"""Which pictures, and addresses of pictures, belong to the products of a batch."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from catalog.media.positions import arrange, came_by_address, lock_products, make_room
from catalog.media.store import PICTURE_COLUMNS, Picture
from catalog.tables import IMAGE_ADDRESS, PRODUCT_IMAGE


def replace_images(connection: Connection, pictures: Mapping[str, Sequence[Picture]]) -> set[str]:
    """Make each product's pictures from files those given, in order; returns the SKUs that changed.

    A picture that keeps its place keeps its row, and so its embeddings.
    """
    if not pictures:
        return set()
    ids = lock_products(connection, pictures)
    hashes: dict[int, dict[int, str]] = {product: {} for product in ids.values()}
    stored = connection.execute(
        select(PRODUCT_IMAGE.c.product_id, PRODUCT_IMAGE.c.position, PRODUCT_IMAGE.c.sha256).where(
            PRODUCT_IMAGE.c.product_id.in_(hashes), ~came_by_address
        )
    )
    for product, position, sha256 in stored:
        hashes[product][position] = sha256
    changed, new, gone = set(), [], []
    for sku, given in pictures.items():
        product = ids[sku]
        if hashes[product] == dict(enumerate(picture.sha256 for picture in given)):
            continue
        changed.add(sku)
        beyond = PRODUCT_IMAGE.c.position >= len(given)
        gone.append(and_(PRODUCT_IMAGE.c.product_id == product, beyond, ~came_by_address))
        for position, picture in enumerate(given):
            if hashes[product].get(position) != picture.sha256:
                place = {"product_id": product, "position": position}
                new.append(place | {name: getattr(picture, name) for name in PICTURE_COLUMNS})
    products = [ids[sku] for sku in changed]
    if gone:
        connection.execute(delete(PRODUCT_IMAGE).where(or_(*gone)))
        make_room(connection, products)
    if new:
        upsert = insert(PRODUCT_IMAGE).values(new)
        connection.execute(
            upsert.on_conflict_do_update(
                index_elements=[PRODUCT_IMAGE.c.product_id, PRODUCT_IMAGE.c.position],
                set_={name: upsert.excluded[name] for name in PICTURE_COLUMNS},
            )
        )
    if changed:
        _settle(connection, products)
    return changed


def replace_addresses(connection: Connection, addresses: Mapping[str, Sequence[str]]) -> set[str]:
    """Make each product's addresses those given, in order; returns the SKUs that changed.

    An address that stays keeps what is known of it, and its picture; the picture of one that is
    gone goes too.
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
        for known in (True, False):  # rows of one statement have the same columns
            if rows := [row for row in new if ("status" in row) is known]:
                connection.execute(insert(IMAGE_ADDRESS), rows)
        _settle(connection, products)
    return changed


def _settle(connection: Connection, products: Sequence[int]) -> None:
    """Close gaps, and ask again for pictures that were left out for being others' doubles."""
    connection.execute(
        update(IMAGE_ADDRESS)
        .where(
            IMAGE_ADDRESS.c.product_id.in_(products),
            IMAGE_ADDRESS.c.status == "fetched",
            IMAGE_ADDRESS.c.image_id.is_(null()),
        )
        .values(status="", attempts=0)
    )
    arrange(connection, products)
