"""What the database knows of addresses: those to be fetched, what came of each, the dead ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection, func, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from catalog.db.connection import connect
from catalog.media.positions import arrange, next_far_position
from catalog.media.store import PICTURE_COLUMNS, Picture
from catalog.tables import IMAGE_ADDRESS, PRODUCT, PRODUCT_IMAGE

CHUNK = 1000
GIVE_UP = 9
"""Attempts, over all runs, after which an address that never answers is dead."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A picture to be fetched."""

    product_id: int
    sku: str
    url: str


@dataclass(frozen=True, slots=True)
class Unfetched:
    """An address whose picture could not be had, and why."""

    sku: str
    url: str
    reason: str


def count_pending(*, retry_dead: bool = False) -> int:
    wanted = ("", "dead") if retry_dead else ("",)
    with connect() as connection:
        query = select(func.count()).where(IMAGE_ADDRESS.c.status.in_(wanted))
        return connection.execute(query).scalar_one()


def revive_dead() -> None:
    """Make dead addresses pending again."""
    with connect() as connection:
        connection.execute(
            update(IMAGE_ADDRESS)
            .where(IMAGE_ADDRESS.c.status == "dead")
            .values(status="", attempts=0)
        )


def pending(limit: int | None = None) -> Iterator[Pending]:
    """The addresses that are pending, each once, read in chunks while others are written."""
    return islice(_pending(), limit)


def _pending() -> Iterator[Pending]:
    product, position = IMAGE_ADDRESS.c.product_id, IMAGE_ADDRESS.c.position
    after = (-1, -1)
    while True:
        query = (
            select(product, PRODUCT.c.sku, IMAGE_ADDRESS.c.url, position)
            .join_from(IMAGE_ADDRESS, PRODUCT)
            .where(IMAGE_ADDRESS.c.status == "", tuple_(product, position) > after)
        )
        with connect() as connection:
            rows = connection.execute(query.order_by(product, position).limit(CHUNK)).all()
        if not rows:
            return
        yield from (Pending(*row[:3]) for row in rows)
        after = (rows[-1][0], rows[-1][3])


def dead_links() -> list[Unfetched]:
    with connect() as connection:
        query = (
            select(PRODUCT.c.sku, IMAGE_ADDRESS.c.url, IMAGE_ADDRESS.c.reason)
            .join_from(IMAGE_ADDRESS, PRODUCT)
            .where(IMAGE_ADDRESS.c.status == "dead")
            .order_by(IMAGE_ADDRESS.c.product_id, IMAGE_ADDRESS.c.position)
        )
        return [Unfetched(*row) for row in connection.execute(query)]


def record_picture(row: Pending, picture: Picture, attempts: int) -> None:
    """The picture has been fetched: make it one of the product's."""
    with connect() as connection:
        if _hold(connection, row) is not None:
            image = _add_picture(connection, row.product_id, picture)
            _update(connection, row, attempts, status="fetched", reason="", image_id=image)
            arrange(connection, [row.product_id])


def record_failure(row: Pending, reason: str, attempts: int, *, dead: bool) -> bool:
    """The picture could not be had; returns whether the address is dead by now."""
    with connect() as connection:
        before = _hold(connection, row)
        dead = dead or (before is not None and before + attempts >= GIVE_UP)
        if before is not None:
            status = "dead" if dead else ""
            _update(connection, row, attempts, status=status, reason=reason)
        return dead


def _hold(connection: Connection, row: Pending) -> int | None:
    """The attempts so far at an address that is still wanted, held until the transaction ends."""
    product = select(PRODUCT.c.id).where(PRODUCT.c.id == row.product_id)
    connection.execute(product.with_for_update(key_share=True))
    query = select(IMAGE_ADDRESS.c.attempts).where(
        IMAGE_ADDRESS.c.product_id == row.product_id,
        IMAGE_ADDRESS.c.url == row.url,
        IMAGE_ADDRESS.c.status != "fetched",
    )
    return connection.execute(query).scalar_one_or_none()


def _update(connection: Connection, row: Pending, attempts: int, **values: object) -> None:
    connection.execute(
        update(IMAGE_ADDRESS)
        .where(IMAGE_ADDRESS.c.product_id == row.product_id, IMAGE_ADDRESS.c.url == row.url)
        .values(attempts=IMAGE_ADDRESS.c.attempts + attempts, tried_at=func.now(), **values)
    )


def _add_picture(connection: Connection, product: int, picture: Picture) -> int | None:
    """The new picture's id, behind the others; None if the product has the very same already."""
    same = select(literal(1)).where(
        PRODUCT_IMAGE.c.product_id == product, PRODUCT_IMAGE.c.sha256 == picture.sha256
    )
    if connection.execute(same).first():
        return None
    values = {name: getattr(picture, name) for name in PICTURE_COLUMNS}
    values |= {"product_id": product, "position": next_far_position(product)}
    new = insert(PRODUCT_IMAGE).values(values).returning(PRODUCT_IMAGE.c.id)
    return connection.execute(new).scalar_one()
