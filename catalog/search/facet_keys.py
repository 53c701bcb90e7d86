"""The facet values of products, and the most frequent values of a facet."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection


def facet_keys(connection: Connection, products: Iterable[int]) -> Mapping[int, frozenset[str]]:
    """The facet values of products that still exist, by id, as keys such as "colour=navy blue"."""
    rows = connection.exec_driver_sql(
        "SELECT id, facets FROM product WHERE id = ANY (%(ids)s)", {"ids": list(products)}
    )
    return {row.id: frozenset(row.facets) for row in rows}


def frequent_values(
    connection: Connection, facets: Iterable[str], limit: int
) -> Mapping[str, list[str]]:
    """For each facet the `limit` values that most products of the catalogue have."""
    rows = connection.exec_driver_sql(
        """
SELECT facet, value
  FROM (SELECT facet, value,
               row_number() OVER (PARTITION BY facet ORDER BY products DESC, value) AS place
          FROM search.facet_value
         WHERE facet = ANY (%(facets)s)) AS placed
 WHERE place <= %(limit)s
 ORDER BY facet, place""",
        {"facets": list(facets), "limit": limit},
    )
    found: dict[str, list[str]] = {}
    for facet, value in rows:
        found.setdefault(facet, []).append(value)
    return found
