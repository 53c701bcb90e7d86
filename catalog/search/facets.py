"""The facets of the catalogue: rows of the table `facet`, in the order of the filter panel."""

from dataclasses import dataclass

from sqlalchemy import Connection

from catalog.db.connection import driver_connection
from catalog.db.ttl_cache import TtlCache

IS_SHOWN = "f.enabled AND f.role <> 'identifier'"
"""The SQL condition on `facet f` for a facet that is filtered and counted."""


@dataclass(frozen=True, slots=True)
class Facet:
    """A property of products that can be filtered and counted; see `catalog.tables.Facet`."""

    name: str
    label: str
    kind: str = "other"


def enabled_facets(connection: Connection) -> tuple[Facet, ...]:
    """The enabled facets, without identifiers, in order; cached for up to a minute."""
    return _cache.get(connection)


def forget_facets() -> None:
    """Clear the cache for all databases; the facets are read again when they are next used."""
    _cache.forget()


def _load(connection: Connection, _key: str) -> tuple[Facet, ...]:
    rows = driver_connection(connection).execute(
        f"SELECT name, label, kind FROM facet f WHERE {IS_SHOWN} ORDER BY position, name".encode()
    )
    return tuple(Facet(*row) for row in rows)


_cache = TtlCache(_load)
