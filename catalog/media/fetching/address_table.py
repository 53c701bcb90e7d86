"""Reads and updates the table `image_address`: URLs to fetch, their status, dead links."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import ColumnElement, Connection, and_, func, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from catalog.db.connection import connect
from catalog.media.image_order import next_temporary_position, renumber_pictures
from catalog.media.store import PICTURE_COLUMNS, Picture
from catalog.tables import IMAGE_ADDRESS, PRODUCT, PRODUCT_IMAGE

CHUNK = 1000
MAX_ATTEMPTS = 9
"""Attempts, over all runs, after which an address that never worked counts as dead."""


@dataclass(frozen=True, slots=True)
class PendingAddress:
    """The URL of a picture that has to be fetched."""

    product_id: int
    sku: str
    url: str


@dataclass(frozen=True, slots=True)
class FailedFetch:
    """A URL whose picture could not be fetched, and why."""

    sku: str
    url: str
    reason: str


def count_pending(*, retry_dead: bool = False) -> int:
    """The number of pending addresses; with `retry_dead`, dead ones count as pending."""
    statuses = ("", "dead") if retry_dead else ("",)
    with connect() as connection:
        query = select(func.count()).where(IMAGE_ADDRESS.c.status.in_(statuses))
        return connection.execute(query).scalar_one()


def retry_dead_links() -> None:
    """Make dead addresses pending again."""
    with connect() as connection:
        connection.execute(
            update(IMAGE_ADDRESS)
            .where(IMAGE_ADDRESS.c.status == "dead")
            .values(status="", attempts=0)
        )


def read_pending(limit: int | None = None) -> Iterator[PendingAddress]:
    """At most `limit` pending addresses, each once. Results may be written while this is read."""
    return islice(_read_pending(), limit)


def _read_pending() -> Iterator[PendingAddress]:
    """Addresses that were never tried come first: some that always fail hold up no others."""
    with connect() as connection:
        start = connection.execute(select(func.now())).scalar_one()
    yield from _pages(IMAGE_ADDRESS.c.attempts == 0)
    yield from _pages(and_(IMAGE_ADDRESS.c.attempts > 0, IMAGE_ADDRESS.c.tried_at < start))


def _pages(condition: ColumnElement[bool]) -> Iterator[PendingAddress]:
    product, position = IMAGE_ADDRESS.c.product_id, IMAGE_ADDRESS.c.position
    after = (-1, -1)
    while True:
        query = (
            select(product, PRODUCT.c.sku, IMAGE_ADDRESS.c.url, position)
            .join_from(IMAGE_ADDRESS, PRODUCT)
            .where(IMAGE_ADDRESS.c.status == "", tuple_(product, position) > after, condition)
        )
        with connect() as connection:
            rows = connection.execute(query.order_by(product, position).limit(CHUNK)).all()
        if not rows:
            return
        yield from (PendingAddress(*row[:3]) for row in rows)
        after = (rows[-1][0], rows[-1][3])


def dead_links() -> list[FailedFetch]:
    """All dead links, in the order of their products and positions."""
    with connect() as connection:
        query = (
            select(PRODUCT.c.sku, IMAGE_ADDRESS.c.url, IMAGE_ADDRESS.c.reason)
            .join_from(IMAGE_ADDRESS, PRODUCT)
            .where(IMAGE_ADDRESS.c.status == "dead")
            .order_by(IMAGE_ADDRESS.c.product_id, IMAGE_ADDRESS.c.position)
        )
        return [FailedFetch(*row) for row in connection.execute(query)]


def record_picture(row: PendingAddress, picture: Picture, attempts: int) -> None:
    """Add a fetched picture to its product and mark the address as fetched."""
    with connect() as connection:
        if _lock_address(connection, row) is not None:
            image = _add_picture(connection, row.product_id, picture)
            _update(connection, row, attempts, status="fetched", reason="", image_id=image)
            renumber_pictures(connection, [row.product_id])


def record_failure(row: PendingAddress, reason: str, attempts: int, *, dead: bool) -> bool:
    """Record that a picture could not be fetched; returns whether the address is now dead."""
    with connect() as connection:
        before = _lock_address(connection, row)
        dead = dead or (before is not None and before + attempts >= MAX_ATTEMPTS)
        if before is not None:
            status = "dead" if dead else ""
            _update(connection, row, attempts, status=status, reason=reason)
        return dead


def _lock_address(connection: Connection, row: PendingAddress) -> int | None:
    """Lock the address's product; returns the attempts so far, None if it is no longer pending."""
    product = select(PRODUCT.c.id).where(PRODUCT.c.id == row.product_id)
    connection.execute(product.with_for_update(key_share=True))
    query = select(IMAGE_ADDRESS.c.attempts).where(
        IMAGE_ADDRESS.c.product_id == row.product_id,
        IMAGE_ADDRESS.c.url == row.url,
        IMAGE_ADDRESS.c.status != "fetched",
    )
    return connection.execute(query).scalar_one_or_none()


def _update(connection: Connection, row: PendingAddress, attempts: int, **values: object) -> None:
    connection.execute(
        update(IMAGE_ADDRESS)
        .where(IMAGE_ADDRESS.c.product_id == row.product_id, IMAGE_ADDRESS.c.url == row.url)
        .values(attempts=IMAGE_ADDRESS.c.attempts + attempts, tried_at=func.now(), **values)
    )


def _add_picture(connection: Connection, product: int, picture: Picture) -> int | None:
    """Add a picture after the others; returns its id, None if the product has the same picture."""
    same = select(literal(1)).where(
        PRODUCT_IMAGE.c.product_id == product, PRODUCT_IMAGE.c.sha256 == picture.sha256
    )
    if connection.execute(same).first():
        return None
    values = {name: getattr(picture, name) for name in PICTURE_COLUMNS}
    values |= {"product_id": product, "position": next_temporary_position(product)}
    new = insert(PRODUCT_IMAGE).values(values).returning(PRODUCT_IMAGE.c.id)
    result: int | None = connection.execute(new).scalar_one()
    return result
