"""SQL for finding candidates: nearest products per channel, and products containing query terms.

Each step is a common table expression (CTE) of the one search statement.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

from sqlalchemy import Connection

from catalog.db.connection import driver_connection
from catalog.db.ttl_cache import TtlCache
from catalog.search.fusion import Channel
from catalog.tables import embedding_table_name, nearby, signs, signs_table_name

EXACT_FACTOR = 5.0
"""Use an exact scan if at most this factor times sqrt(window * products) products match
(docs/decisions/0003-exact-or-index.md)."""

FAN_OUT = 2
"""Minimum number of pictures to read from an index per requested product."""

BINARY_FACTOR = 4
"""Number of rows to read from an index of signs per wanted row; their exact distances decide."""

SCAN_FACTOR, MIN_SCANNED = 2, 1000
"""The same for a scan of a table of signs, and the minimum number of rows. If no more rows pass the
filter, the scan is exact."""

MAX_LEXICAL = 500
"""Maximum number of candidates per lexical condition. A word that occurs in more products says
little about any of them, and the embeddings cover its meaning."""

MAX_PARTS = 4
"""Maximum number of wanted parts of a query by which candidates are found; all of them count."""

Given = Callable[[str], Sequence[str]]
"""Makes the conditions under which a parameter is used."""


def where(conditions: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def plan(conditions: Sequence[str], keys: str = "") -> str:
    """`plan`: one row that says whether an HNSW scan may be faster than an exact scan.

    The number of products is that of the planner's statistics. With the `keys` of chosen facet
    values, SQL of a text[], the products that were counted for the rarest facet are an upper bound
    of those that match. Whether enough of them are near the query, each channel finds out.
    """
    may_use_index = "products > exact_limit"
    if keys:
        may_use_index = f"coalesce((SELECT most FROM ({_most(keys)})), products) > exact_limit"
    return f"""plan AS MATERIALIZED (
    SELECT products, exact_limit, {may_use_index} AS use_index
      FROM (SELECT products,
                   (%(exact_factor)s * sqrt(%(window)s * greatest(products, %(window)s)))::bigint
                   AS exact_limit
              FROM (SELECT reltuples AS products FROM pg_class
                     WHERE oid = 'product'::regclass) AS size) AS bounds
)"""


def _most(keys: str) -> str:
    """SQL that selects `most`: at most so many products can match; NULL if it is not known."""
    return f"""SELECT min(products) AS most
              FROM (SELECT sum(v.products) AS products
                      FROM unnest({keys}) AS key LEFT JOIN search.facet_value v USING (key)
                     GROUP BY split_part(key, '=', 1)
                    HAVING count(v.key) = count(*)) AS each"""


def vector_candidates(
    channel: Channel, conditions: Sequence[str], given: Sequence[str] = ()
) -> str:
    """`<channel>_list`: the `window` nearest products of one channel, one row per product; none
    unless the conditions `given`, on parameters alone, are true.

    The HNSW index is used if many products match, a scan of all that match if few do. The scan also
    follows if the index returns fewer than `window` products, so that a page is never short while
    matching products exist. Behind a filter it reads the table of signs. Both this scan and an
    index of signs find more candidates than wanted, and their exact distances decide.
    """
    name, table = channel.name, embedding_table_name(channel.model, channel.modality)
    distance = f"e.embedding <=> %({name}_vector)s"
    near = nearby(len(channel.vector), channel.binary, f"%({name}_vector)s")
    factor = f" * {BINARY_FACTOR}" if channel.binary else ""
    product = "JOIN product p ON p.id = e.product_id" if conditions else ""
    if channel.modality == "image":
        image, fan_out = "e.image_id", " * %(fan_out)s"
        once, nearest_first = "DISTINCT ON (product_id)", "ORDER BY product_id, distance"
    else:
        image, fan_out, once, nearest_first = "NULL::bigint", "", "", ""
    by_index = where([*given, f"(SELECT use_index FROM {name}_plan)", *conditions])
    is_short = f"(SELECT count(*) FROM {name}_by_index) < %(window)s"
    exactly = [*given, is_short]
    matching = f"{table} e\n            {where(exactly)}"
    if conditions:
        key = "image_id" if channel.modality == "image" else "product_id"
        differing = signs(len(channel.vector), f"%({name}_vector)s")
        matching = f"""(SELECT {key}
                      FROM {_filtered(channel)}
                    {where([*exactly, *conditions])}
                     ORDER BY p.signs <~> {differing}
                     LIMIT greatest({MIN_SCANNED}, {SCAN_FACTOR} * %(window)s{fan_out})) AS alike
              JOIN {table} e USING ({key})"""
    # `+ 0` keeps the planner from using the HNSW index for this sort.
    return f"""{name}_plan AS MATERIALIZED (
    {_local_check(table, near, conditions) if conditions else "SELECT use_index FROM plan"}
),
{name}_by_index AS MATERIALIZED (
    SELECT {once} product_id, image_id, distance
      FROM (SELECT e.product_id, {image} AS image_id, {distance} AS distance
              FROM {table} e {product}
            {by_index}
             ORDER BY {near}
             LIMIT %(window)s{fan_out}{factor}) AS nearest
    {nearest_first}
),
{name}_exactly AS MATERIALIZED (
    SELECT product_id, image_id, distance
      FROM (SELECT {once} e.product_id, {image} AS image_id, {distance} AS distance
              FROM {matching}
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
    """Number of pictures to read from an index per requested product.

    Derived from the planner's statistics and cached for up to a minute.
    """
    return _fan_out.get(connection)


def lexical_candidates(conditions: Sequence[str]) -> str:
    """`lexical_list`: products that contain all query terms or a rare one, or are in `exact_list`:
    their title, SKU or another identifier equals the query, in any case, with or without
    separators.

    Each condition yields at most `max_lexical` products, in no particular order. Exact matches have
    a list of their own, so that the limit never drops one. A rare term occurs in at most
    `max_lexical` products, which follows from its weight in `search.terms`.
    """
    found = "SELECT p.id AS product_id FROM product p WHERE {0} LIMIT %(max_lexical)s"
    conjunction = " AND ".join(["p.lexemes @@ (SELECT every FROM asked)", *conditions])
    disjunction = " AND ".join(["p.lexemes @@ (SELECT rare FROM asked)", *conditions])
    sku = " AND ".join(["p.sku = %(typed)s", *conditions])
    key = " AND ".join(["p.exact_keys @> ARRAY[(SELECT public.exact_key(%(typed)s))]", *conditions])
    return f"""terms AS MATERIALIZED (
    SELECT * FROM search.terms(%(words)s)
),
asked AS MATERIALIZED (
    SELECT string_agg('(' || term::text || ')', ' & ')::tsquery AS every,
           string_agg('(' || term::text || ')', ' | ') FILTER (WHERE weight >=
               (SELECT ln(1 + products / (1 + %(max_lexical)s)) FROM plan))::tsquery AS rare
      FROM terms
),
exact_list AS MATERIALIZED (
    ({found.format(sku)})
     UNION
    ({found.format(key)})
),
lexical_list AS MATERIALIZED (
    ({found.format(conjunction)})
     UNION
    ({found.format(disjunction)})
     UNION
    TABLE exact_list
)"""


def structure_candidates(parts: int, conditions: Sequence[str], given: Given) -> Iterator[str]:
    """`structure_list`: up to `window` products that fulfil all wanted parts of the query; while
    these are fewer, also products that lack less important parts, up to all but the first one.

    Args:
        parts: the number of wanted parts, at most `MAX_PARTS`; the first is the most important one.
        given: the conditions under which a parameter is used.
    """
    others = range(2, parts + 1)
    subsets = [
        (1, *chosen) for size in range(len(others), -1, -1) for chosen in combinations(others, size)
    ]
    names: list[str] = []
    for subset in subsets:
        used = [it for part in subset for it in given(f"wanted_{part}")]
        fulfilled = [f"p.facets && %(wanted_{part})s" for part in subset]
        lacking = [
            f"(p.facets && %(wanted_{part})s) IS NOT TRUE" for part in others if part not in subset
        ]
        left = " - ".join(["%(window)s", *(f"(SELECT count(*) FROM {name})" for name in names)])
        names.append("structure_" + "".join(map(str, subset)))
        yield f"""{names[-1]} AS MATERIALIZED (
    SELECT p.id AS product_id FROM product p
    {where([*used, *fulfilled, *lacking, *conditions])}
     LIMIT {left}
)"""
    union = " UNION ALL ".join(f"SELECT product_id FROM {name}" for name in names)
    yield f"structure_list AS MATERIALIZED ({union})"


def _load_fan_out(connection: Connection, _key: str) -> int:
    row = driver_connection(connection).execute("SELECT search_internal.fan_out()").fetchone()
    return int(row[0]) if row else FAN_OUT


_fan_out = TtlCache(_load_fan_out)


def _filtered(channel: Channel) -> str:
    """SQL of `p`: the signs of a channel's embeddings, with what conditions look at.

    PostgreSQL leaves out the join where no condition looks at the words of products.
    """
    return f"""(SELECT s.*, s.product_id AS id, product.lexemes
                              FROM {signs_table_name(channel.model, channel.modality)} s
                              LEFT JOIN product ON product.id = s.product_id) AS p"""


def _local_check(table: str, near: str, conditions: Sequence[str]) -> str:
    """`use_index` for one channel: whether enough products near the query match the filter.

    An HNSW scan moves outward from the query. If the matching products are far away (the filter
    wants shoes and the query is about shirts), the scan stops before it finds the best of them,
    however many match.
    """
    return f"""SELECT count(p.id) >= %(window)s
               * (SELECT least(1, exact_limit / greatest(products, 1)) FROM plan) AS use_index
      FROM (SELECT e.product_id
              FROM {table} e
             WHERE (SELECT use_index FROM plan)
             ORDER BY {near}
             LIMIT %(window)s) AS nearest
      LEFT JOIN product p ON p.id = nearest.product_id AND {" AND ".join(conditions)}
    HAVING (SELECT use_index FROM plan)"""
