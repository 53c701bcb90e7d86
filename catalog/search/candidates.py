"""The SQL that finds candidates: the nearest products in each channel, and those that bear words.

Each step is a common table expression (CTE) of the search's one statement.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from catalog.db.connection import driver_connection
from catalog.db.ttl_cache import TtlCache
from catalog.search.fusion import Channel
from catalog.tables import EMBEDDINGS

EXACT_FACTOR = 5.0
"""Up to this times sqrt(window * products) matching products, an exact scan is the better choice
(docs/decisions/0003-exact-or-index.md)."""

FAN_OUT = 2
"""The fewest pictures taken from an index for each product wanted."""

MIN_LOCAL_SHARE = 0.5
"""The index is used only if, among the products nearest to the query, those that match are at
least this part of what they are, at the least, in the whole catalogue."""

MOST_BY_WORDS = 500
"""Products looked at because of their words: a word that more of them bear tells little, and the
embeddings know what is meant by it."""


def where(conditions: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def plan(conditions: Sequence[str]) -> str:
    """Whether so many products match that an index is faster than an exact scan.

    PostgreSQL decides that while it runs, by counting; the part not needed is never executed.
    Without conditions, the statistics know the answer.
    """
    exact_limit = "(%(exact_factor)s * sqrt(%(window)s * greatest(products, %(window)s)))::bigint"
    matching = (
        f"(SELECT count(*) FROM (SELECT FROM product p {where(conditions)}"
        " LIMIT 1 + exact_limit) AS m)"
        if conditions
        else "products"
    )
    return f"""plan AS MATERIALIZED (
    SELECT products, exact_limit, {matching} > exact_limit AS use_index
      FROM (SELECT products, {exact_limit} AS exact_limit
              FROM (SELECT reltuples AS products FROM pg_class
                     WHERE oid = 'product'::regclass) AS size) AS bounds
)"""


def nearest(channel: Channel, conditions: Sequence[str]) -> str:
    """`<channel>_list`: the `window` products nearest in one channel, one row a product.

    It comes from the HNSW index if more products match than an exact scan reads in the same time,
    and from an exact scan otherwise, or where the index came back short: a page is never short
    while matching products exist.
    """
    name, table = channel.name, EMBEDDINGS[channel.model][channel.modality].name
    distance = f"e.embedding <=> %({name}_vector)s"
    product = "JOIN product p ON p.id = e.product_id" if conditions else ""
    if channel.modality == "image":
        image, fan_out = "e.image_id", " * %(fan_out)s"
        once, nearest_first = "DISTINCT ON (product_id)", "ORDER BY product_id, distance"
    else:
        image, fan_out, once, nearest_first = "NULL::bigint", "", "", ""
    by_index = where([f"(SELECT use_index FROM {name}_plan)", *conditions])
    exactly = where([f"(SELECT count(*) FROM {name}_by_index) < %(window)s", *conditions])
    # `+ 0` hides the order from the planner, which would take the index for it again.
    return f"""{name}_plan AS MATERIALIZED (
    {_local_check(table, distance, conditions) if conditions else "SELECT use_index FROM plan"}
),
{name}_by_index AS MATERIALIZED (
    SELECT {once} product_id, image_id, distance
      FROM (SELECT e.product_id, {image} AS image_id, {distance} AS distance
              FROM {table} e {product}
            {by_index}
             ORDER BY {distance}
             LIMIT %(window)s{fan_out}) AS nearest
    {nearest_first}
),
{name}_exactly AS MATERIALIZED (
    SELECT product_id, image_id, distance
      FROM (SELECT {once} e.product_id, {image} AS image_id, {distance} AS distance
              FROM {table} e {product}
            {exactly}
            {nearest_first}) AS nearest
     ORDER BY distance + 0, product_id
     LIMIT %(window)s
),
{name}_list AS MATERIALIZED (
    TABLE {name}_exactly
    UNION ALL
    (SELECT * FROM {name}_by_index
      WHERE (SELECT count(*) FROM {name}_by_index) >= %(window)s
      ORDER BY distance, product_id
      LIMIT %(window)s)
)"""


def fan_out(connection: Connection) -> int:
    """Pictures taken from an index for each product wanted, as the statistics have it, at most a
    minute old."""
    return _fan_out.get(connection)


def by_words(conditions: Sequence[str]) -> str:
    """`lexical_list`: products that bear all of the words, or a rare one, or are named by them.

    Of each kind no more than `most_by_words`, in no order: those named by the words are looked for
    by themselves, so as not to be among those left out. A rare word is one that at most
    `most_by_words` products bear; its weight in `search.terms` tells.
    """
    found = "SELECT p.id AS product_id FROM product p WHERE {0} LIMIT %(most_by_words)s"
    conjunction = " AND ".join(["p.lexemes @@ (SELECT every FROM asked)", *conditions])
    disjunction = " AND ".join(["p.lexemes @@ (SELECT rare FROM asked)", *conditions])
    sku = " AND ".join(["p.sku = %(words)s", *conditions])
    title = " AND ".join(["lower(p.title) = lower(%(words)s)", *conditions])
    return f"""terms AS MATERIALIZED (
    SELECT * FROM search.terms(%(words)s)
),
asked AS MATERIALIZED (
    SELECT string_agg('(' || term::text || ')', ' & ')::tsquery AS every,
           string_agg('(' || term::text || ')', ' | ') FILTER (WHERE weight >=
               (SELECT ln(1 + products / (1 + %(most_by_words)s)) FROM plan))::tsquery AS rare
      FROM terms
),
lexical_list AS MATERIALIZED (
    ({found.format(conjunction)})
     UNION
    ({found.format(disjunction)})
     UNION
    ({found.format(sku)})
     UNION
    ({found.format(title)})
)"""


def _load_fan_out(connection: Connection, _key: str) -> int:
    row = driver_connection(connection).execute("SELECT search.fan_out()").fetchone()
    return int(row[0]) if row else FAN_OUT


_fan_out = TtlCache(_load_fan_out)


def _local_check(table: str, distance: str, conditions: Sequence[str]) -> str:
    """Whether products that match lie near the query at all.

    An index walks outward from the query: where the filter asks for what lies elsewhere (shoes,
    for a question about shirts), it gives up before it has found the best, however many match.
    """
    return f"""SELECT count(p.id) >= {MIN_LOCAL_SHARE} * %(window)s
               * (SELECT least(1, exact_limit / greatest(products, 1)) FROM plan) AS use_index
      FROM (SELECT e.product_id
              FROM {table} e
             WHERE (SELECT use_index FROM plan)
             ORDER BY {distance}
             LIMIT %(window)s) AS nearest
      LEFT JOIN product p ON p.id = nearest.product_id AND {" AND ".join(conditions)}
    HAVING (SELECT use_index FROM plan)"""
