"""Departments of the catalogue, each with a picture, as entrances on the home page."""

from dataclasses import dataclass

from sqlalchemy import Connection

from catalog.db.connection import driver_connection
from catalog.db.ttl_cache import TtlCache

MAX_DEPARTMENTS = 8

MIN_PRODUCTS = 2
"""A department has at least so many products."""

# Of the facets that say what products are, the coarsest one that fills the page.
# The newest product in stock lends its picture, of those that no larger department shows.
DEPARTMENTS = f"""
WITH sized AS (
    SELECT v.facet, f.position, count(*) AS departments
      FROM search.facet_value v JOIN facet f ON f.name = v.facet
     WHERE f.kind = 'type' AND f.enabled AND v.products >= {MIN_PRODUCTS}
     GROUP BY v.facet, f.position
),
best AS (
    SELECT facet FROM sized
     WHERE departments > 1
     ORDER BY least(departments, {MAX_DEPARTMENTS}) DESC, departments, position
     LIMIT 1
)
SELECT v.facet, v.value,
       ARRAY(SELECT i.path
               FROM (SELECT p.id, p.in_stock FROM product p WHERE p.facets && ARRAY[v.key]
                      ORDER BY p.id DESC LIMIT 200) AS newest
                    JOIN product_image i ON i.product_id = newest.id AND i.position = 0
              ORDER BY newest.in_stock DESC, newest.id DESC
              LIMIT {MAX_DEPARTMENTS}) AS pictures
  FROM search.facet_value v JOIN best USING (facet)
 WHERE v.products >= {MIN_PRODUCTS}
 ORDER BY v.products DESC, v.key
 LIMIT {MAX_DEPARTMENTS}
"""


@dataclass(frozen=True, slots=True)
class Department:
    """A value of a facet, as a part of the shop; `image_path` is empty without a picture."""

    facet: str
    value: str
    image_path: str


def departments(connection: Connection) -> tuple[Department, ...]:
    """The largest departments first, cached for up to a minute; none if products have no types."""
    return _cache.get(connection)


def forget_departments() -> None:
    """Clear the cache for all databases."""
    _cache.forget()


def _load(connection: Connection, _key: str) -> tuple[Department, ...]:
    found = []
    shown: set[str] = set()
    for facet, value, pictures in driver_connection(connection).execute(DEPARTMENTS):
        path = next((path for path in pictures if path not in shown), "")
        shown.add(path)
        found.append(Department(facet, value, path))
    return tuple(found)


_cache = TtlCache(_load)
