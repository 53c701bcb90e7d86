"""Sample queries and pictures from the catalogue, for visitors who do not know what to try."""

from dataclasses import dataclass

from sqlalchemy import Connection

from catalog.db.connection import driver_connection
from catalog.db.ttl_cache import TtlCache

MAX_QUERIES = 5
MAX_PICTURES = 6

# The facet whose values say best what a product is: of several, the one with the most values.
# Of each type its first products are looked at, so that the samples stay the same.
TYPES = f"""
WITH best AS (
    SELECT v.facet
      FROM search.facet_value v JOIN facet f ON f.name = v.facet
     WHERE f.kind = 'type' AND f.enabled
     GROUP BY v.facet, f.position
     ORDER BY count(*) FILTER (WHERE v.products > 1) DESC, f.position
     LIMIT 1
),
type AS MATERIALIZED (
    SELECT v.key, v.value, v.products
      FROM search.facet_value v JOIN best USING (facet)
     ORDER BY v.products DESC, v.key
     LIMIT %(types)s
)
SELECT type.value,
       (SELECT coalesce(array_agg(value), '{{}}')
          FROM (SELECT v.value
                  FROM product p, unnest(p.facets) AS facet_key
                       JOIN search.facet_value v ON v.key = facet_key
                       JOIN facet f ON f.name = v.facet AND f.kind IN ('colour', 'brand')
                 WHERE p.id = ANY (first.ids)
                 GROUP BY v.value, f.kind
                 ORDER BY f.kind DESC, count(*) DESC, v.value
                 LIMIT {MAX_PICTURES}) AS frequent),
       shown.sku, shown.title, shown.path
  FROM type,
       LATERAL (SELECT ARRAY(SELECT p.id FROM product p WHERE p.facets && ARRAY[type.key]
                              ORDER BY p.id LIMIT 200)) AS first (ids)
       LEFT JOIN LATERAL (
           SELECT p.sku, p.title, i.path
             FROM product p JOIN product_image i ON i.product_id = p.id AND i.position = 0
            WHERE p.id = ANY (first.ids)
            ORDER BY p.in_stock DESC, p.id
            LIMIT 1) AS shown ON true
 ORDER BY type.products DESC, type.key
"""
POPULAR = "SELECT query FROM search.suggested_query ORDER BY searches DESC, key LIMIT %(limit)s"


@dataclass(frozen=True, slots=True)
class SamplePicture:
    """A product whose picture can be searched with."""

    sku: str
    title: str
    product_type: str
    image_path: str


@dataclass(frozen=True, slots=True)
class Samples:
    """What a visitor can try: queries that find something, and pictures of different types."""

    queries: tuple[str, ...] = ()
    popular: tuple[str, ...] = ()
    """What others look for."""
    pictures: tuple[SamplePicture, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.queries or self.popular or self.pictures)


def samples(connection: Connection) -> Samples:
    """The samples of the connection's catalogue, cached for up to a minute."""
    return _cache.get(connection)


def forget_samples() -> None:
    """Clear the cache for all databases; the samples are read again when they are next used."""
    _cache.forget()


def _load(connection: Connection, _key: str) -> Samples:
    driver = driver_connection(connection)
    popular = tuple(query for (query,) in driver.execute(POPULAR, {"limit": MAX_QUERIES}))
    queries = []
    types = driver.execute(TYPES, {"types": MAX_PICTURES}).fetchall()
    used: set[str] = set()
    for product_type, values, *_ in types:
        # Each sample has another colour, as far as there are enough.
        chosen = next((value for value in values if value not in used), "")
        used.add(chosen)
        queries.append(f"{chosen} {product_type}".strip().lower())
    pictures = {
        path: SamplePicture(sku, title, product_type, path)
        for product_type, _, sku, title, path in types
        if path
    }
    queries = [query for query in dict.fromkeys(queries) if query not in popular]
    return Samples(tuple(queries[:MAX_QUERIES]), popular, tuple(pictures.values()))


_cache = TtlCache(_load)
