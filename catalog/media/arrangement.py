"""Adds, removes and orders the pictures of one product by hand."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, delete, insert, select, update

from catalog.media.image_order import TEMPORARY, is_fetched, renumber_pictures
from catalog.media.store import PICTURE_COLUMNS, Picture
from catalog.tables import IMAGE_ADDRESS, PRODUCT, PRODUCT_IMAGE


def arrange_pictures(
    connection: Connection,
    product: int,
    places: Mapping[int, float],
    removed: Sequence[int],
    added: Sequence[Picture],
) -> None:
    """Order the pictures of a product, without those of `removed`.

    A picture keeps its embeddings when it moves. Pictures that were fetched from URLs are ordered
    among each other, after those from files, and lose their address with the picture. A picture
    that the product already has is not added again.

    Args:
        product: the key of the product.
        places: the wanted place of each picture, by its key; others follow.
        removed: keys of pictures to delete.
        added: new pictures, which become the last ones.
    """
    locked = select(PRODUCT.c.id).where(PRODUCT.c.id == product).with_for_update(key_share=True)
    if connection.execute(locked).scalar() is None:
        return
    own = (PRODUCT_IMAGE.c.product_id == product) & ~is_fetched
    if removed:
        fetched = IMAGE_ADDRESS.c.product_id == product
        connection.execute(
            delete(IMAGE_ADDRESS).where(fetched, IMAGE_ADDRESS.c.image_id.in_(removed))
        )
        of_product = PRODUCT_IMAGE.c.product_id == product
        connection.execute(delete(PRODUCT_IMAGE).where(of_product, PRODUCT_IMAGE.c.id.in_(removed)))
    _order_fetched(connection, product, places)
    kept = connection.execute(
        select(PRODUCT_IMAGE.c.id, PRODUCT_IMAGE.c.position, PRODUCT_IMAGE.c.sha256).where(own)
    ).all()
    last = float("inf")
    ordered = sorted(kept, key=lambda it: (places.get(it.id, last), it.position))
    # The unique constraint on (product, position) is checked for every row.
    for place, row in enumerate(ordered):
        connection.execute(
            update(PRODUCT_IMAGE)
            .where(PRODUCT_IMAGE.c.id == row.id)
            .values(position=TEMPORARY + place)
        )
    known = {row.sha256 for row in kept}
    place = TEMPORARY + len(kept)
    for picture in added:
        if picture.sha256 not in known:
            known.add(picture.sha256)
            values = {name: getattr(picture, name) for name in PICTURE_COLUMNS}
            connection.execute(
                insert(PRODUCT_IMAGE).values(product_id=product, position=place, **values)
            )
            place += 1
    renumber_pictures(connection, [product])


def _order_fetched(connection: Connection, product: int, places: Mapping[int, float]) -> None:
    """Give the addresses of fetched pictures each other's positions."""
    address = IMAGE_ADDRESS.c
    of_product = address.product_id == product
    query = select(address.image_id, address.position).where(
        of_product, address.image_id.is_not(None)
    )
    rows = connection.execute(query.order_by(address.position)).all()
    last = float("inf")
    ordered = sorted(rows, key=lambda it: (places.get(it.image_id, last), it.position))
    # First to negative numbers, because the position is a part of the key.
    for row, wanted in zip(ordered, rows, strict=True):
        moved = update(IMAGE_ADDRESS).where(of_product, address.image_id == row.image_id)
        connection.execute(moved.values(position=-1 - wanted.position))
    flipped = update(IMAGE_ADDRESS).where(of_product, address.position < 0)
    connection.execute(flipped.values(position=-1 - address.position))
