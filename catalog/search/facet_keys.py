"""The facet values of products, and the most frequent values of a facet."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from catalog.db.ttl_cache import TtlCache


def facet_keys(connection: Connection, products: Iterable[int]) -> Mapping[int, frozenset[str]]:
    """The facet values of products that still exist, by id, as keys such as "colour=navy blue"."""
    rows = connection.exec_driver_sql(
        "SELECT id, facets FROM product WHERE id = ANY (%(ids)s)", {"ids": list(products)}
    )
    return {row.id: frozenset(row.facets) for row in rows}


def frequent_values(
    connection: Connection, facets: Iterable[str], limit: int
) -> Mapping[str, list[str]]:
    """For each facet the `limit` values that most products of the catalogue have; cached for up to
    a minute, since some facets have many values."""
    found = {facet: _frequent.get(connection, f"{limit} {facet}") for facet in facets}
    return {facet: values for facet, values in found.items() if values}


def _load_frequent(connection: Connection, key: str) -> list[str]:
    limit, _, facet = key.partition(" ")
    return list(
        connection.exec_driver_sql(
            "SELECT value FROM search.facet_value WHERE facet = %(facet)s"
            " ORDER BY products DESC, value LIMIT %(limit)s",
            {"facet": facet, "limit": int(limit)},
        ).scalars()
    )


_frequent = TtlCache(_load_frequent)
