"""Facts about the whole catalogue that a page needs."""

from sqlalchemy import Connection, exists, select

from catalog.tables import PRODUCT


def has_products(connection: Connection) -> bool:
    """Whether the catalogue has any product."""
    return bool(connection.execute(select(exists().select_from(PRODUCT))).scalar())


def any_currency(connection: Connection) -> str:
    """The currency of the first product that has one, or an empty text."""
    query = select(PRODUCT.c.currency).where(PRODUCT.c.currency != "").order_by(PRODUCT.c.id)
    return connection.execute(query.limit(1)).scalar() or ""
