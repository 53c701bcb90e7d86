"""Facts about the whole catalogue that a page needs."""

from sqlalchemy import Connection, exists, select

from catalog.db.ttl_cache import TtlCache
from catalog.tables import PRODUCT


def has_products(connection: Connection) -> bool:
    """Whether the catalogue has any product."""
    return bool(connection.execute(select(exists().select_from(PRODUCT))).scalar())


def has_prices(connection: Connection) -> bool:
    """Whether any product has a price; cached for up to a minute."""
    return _priced.get(connection)


def _any_price(connection: Connection, _key: str) -> bool:
    priced = select(PRODUCT.c.id).where(PRODUCT.c.price.is_not(None))
    return bool(connection.execute(select(priced.exists())).scalar())


_priced = TtlCache(_any_price)


def any_currency(connection: Connection) -> str:
    """The currency of the first product that has one, or an empty text; cached for up to a
    minute."""
    return _currency.get(connection)


def _first_currency(connection: Connection, _key: str) -> str:
    query = select(PRODUCT.c.currency).where(PRODUCT.c.currency != "").order_by(PRODUCT.c.id)
    return connection.execute(query.limit(1)).scalar() or ""


_currency = TtlCache(_first_currency)
