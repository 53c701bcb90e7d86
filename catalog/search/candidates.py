"""SQL for finding candidates: nearest products per channel, and products containing query terms.

Each step is a common table expression (CTE) of the one search statement.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from math import sqrt

from sqlalchemy import Connection

from catalog.db.connection import driver_connection
from catalog.db.ttl_cache import TtlCache
from catalog.search.fusion import Channel
from catalog.tables import embedding_table_name, nearby, signs, signs_table_name

EXACT_FACTOR = 5.0
"""Use an exact scan if at most this factor times sqrt(window * products) products match
(docs/decisions/0003-exact-or-index.md)."""

GO_ON_FACTOR = 1.5
"""Behind a filter, an index scan goes on if at least this factor times the share that the limit of
`EXACT_FACTOR` has of the catalogue matches near the query; a scan of signs is faster otherwise."""

FAN_OUT = 2
"""Minimum number of pictures to read from an index per requested product."""

BINARY_FACTOR = 4
"""Number of rows to read from an index of signs per wanted row; their exact distances decide."""

SCAN_FACTOR, MIN_SCANNED = 3, 1500
"""The same for a scan of a table of signs, and the minimum number of rows. If no more rows pass the
filter, the scan is exact."""

MAX_LEXICAL = 500
"""Maximum number of candidates per lexical condition. A word that occurs in more products says
little about any of them, and the embeddings cover its meaning."""

ENTRIES_PER_PRODUCT = 20
"""Reading a product takes as long as reading about so many entries of the index of words."""

MAX_PARTS = 4
"""Maximum number of wanted parts of a query by which candidates are found; all of them count."""

Given = Callable[[str], Sequence[str]]
"""Makes the conditions under which a parameter is used."""


def where(conditions: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def plan(conditions: Sequence[str], keys: str = "") -> str:
    """`plan`: one row that says whether an HNSW scan may be faster than an exact scan.

    The number of products is that of the planner's statistics. At most `passing` of them pass the
    filters: with the `keys` of chosen facet values, SQL of a text[], the products that were counted
    for the rarest facet. Whether enough of them are near the query, each channel finds out.
    """
    most = f"coalesce((SELECT most FROM ({_most(keys)})), products)" if keys else "products"
    return f"""plan AS MATERIALIZED (
    SELECT products, exact_limit, passing, passing > exact_limit AS use_index
      FROM (SELECT products, {most} AS passing,
                   (%(exact_factor)s * sqrt(%(window)s * greatest(products, %(window)s)))::bigint
                   AS exact_limit
              FROM (SELECT greatest(reltuples, 1)::float8 AS products FROM pg_class
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
    columns = _columns(channel)
    once, nearest_first = _once(channel)
    use_index = "(SELECT use_index FROM plan)"
    is_short = f"(SELECT count(*) FROM {name}_by_index) < %(window)s"
    exactly = [*given, is_short]
    if conditions:
        by_index = _index_behind(channel, columns, conditions, given)
        alike = _most_alike(channel, [*exactly, *conditions])
        matching = f"{table} e WHERE e.{_key(channel)} = ANY (ARRAY({alike}))"
    else:
        by_index = f"""{name}_near AS MATERIALIZED (
    {_nearest(channel, columns, f"{table} e", [*given, use_index])}
)"""
        matching = f"{table} e {where(exactly)}"
    return f"""{by_index},
{name}_by_index AS MATERIALIZED (
    SELECT {once} product_id, image_id, distance FROM {name}_near {nearest_first}
),
{name}_exactly AS MATERIALIZED (
    {_nearest_exactly(channel, matching)}
),
{name}_list AS MATERIALIZED (
    TABLE {name}_exactly
    UNION ALL
    (SELECT * FROM {name}_by_index
      WHERE (SELECT count(*) FROM {name}_by_index) >= %(window)s
      ORDER BY distance, product_id
      LIMIT %(window)s)
)"""


def passing(conditions: Sequence[str]) -> str:
    """`passing`: the products of a small catalogue that pass the filters; see `PASSES`."""
    return f"passing AS MATERIALIZED (SELECT p.id FROM product p {where(conditions)})"


PASSES = "{} IN (SELECT id FROM passing)"
"""The condition that a product is in `passing`."""


def all_nearest(channel: Channel, *, is_filtered: bool) -> str:
    """`<channel>_list` in a small catalogue: the same as by `vector_candidates`, always exact."""
    table = embedding_table_name(channel.model, channel.modality)
    conditions = [PASSES.format("e.product_id")] if is_filtered else []
    return f"""{channel.name}_list AS MATERIALIZED (
    {_nearest_exactly(channel, f"{table} e {where(conditions)}")}
)"""


def _nearest_exactly(channel: Channel, matching: str) -> str:
    """SQL of the `window` nearest products among the embeddings `matching`, SQL of `e`."""
    once, nearest_first = _once(channel)
    # `+ 0` keeps the planner from using the HNSW index for this sort.
    return f"""SELECT product_id, image_id, distance
      FROM (SELECT {once} {_columns(channel)}
              FROM {matching}
            {nearest_first}) AS nearest
     ORDER BY distance + 0, product_id
     LIMIT %(window)s"""


def distances(channel: Channel, given: Sequence[str] = ()) -> str:
    """`<channel>_distance`: the distance and the nearest picture of each row of `candidate`, from
    `<channel>_list`, or computed if another list found the product."""
    name, table = channel.name, embedding_table_name(channel.model, channel.modality)
    once, nearest_first = _once(channel)
    others = f"SELECT product_id FROM candidate EXCEPT SELECT product_id FROM {name}_list"
    # An array is sorted, so the pages of the index are read once, not for each product.
    matching = [*given, f"e.product_id = ANY (ARRAY({others}))"]
    return f"""{name}_distance AS MATERIALIZED (
    TABLE {name}_list
    UNION ALL
    (SELECT {once} {_columns(channel)} FROM {table} e {where(matching)} {nearest_first})
)"""


def _index_behind(
    channel: Channel, columns: str, conditions: Sequence[str], given: Sequence[str]
) -> str:
    """`<channel>_near`: what the HNSW index finds behind a filter; nothing if it is not used.

    An HNSW scan moves outward from the query. First it reads as many rows as it finds in one go. If
    the filter leaves enough of them, these are the result. If it leaves a share of them that is too
    small (the filter wants shoes and the query is about shirts), the scan would stop before it
    finds the best, however many match. Otherwise it goes on until enough match.
    """
    name, key = channel.name, _key(channel)
    table = embedding_table_name(channel.model, channel.modality)
    filtered = f"{_filtered(channel)} ON p.{key} = {{}}.{key}"
    use_index = "(SELECT use_index FROM plan)"
    return f"""{name}_neighbourhood AS MATERIALIZED (
    SELECT nearest.product_id, nearest.image_id, nearest.distance, p.id IS NOT NULL AS matches
      FROM ({_nearest(channel, columns, f"{table} e", [*given, use_index], "2")}) AS nearest
      LEFT JOIN {filtered.format("nearest")} AND {" AND ".join(conditions)}
),
{name}_plan AS MATERIALIZED (
    SELECT is_enough,
           NOT is_enough
           AND share >= (SELECT {GO_ON_FACTOR} * exact_limit / greatest(products, 1) FROM plan)
           AS goes_on
      FROM (SELECT count(DISTINCT product_id) FILTER (WHERE matches) >= %(window)s AS is_enough,
                   avg(matches::int) AS share
              FROM {name}_neighbourhood) AS found
),
{name}_near AS MATERIALIZED (
    SELECT product_id, image_id, distance FROM {name}_neighbourhood
     WHERE matches AND (SELECT is_enough FROM {name}_plan)
     UNION ALL
    ({
        _nearest(
            channel,
            columns,
            f"{table} e JOIN {filtered.format('e')}",
            [f"(SELECT goes_on FROM {name}_plan)", *conditions],
        )
    })
)"""


def _nearest(
    channel: Channel, columns: str, source: str, conditions: Sequence[str], factor: str = ""
) -> str:
    """SQL of the nearest rows by the HNSW index, `window` products or `factor` times as many rows.

    An index of signs finds more, whose exact distances decide.
    """
    near = nearby(len(channel.vector), channel.binary, f"%({channel.name}_vector)s")
    if not factor:
        factor = "%(fan_out)s" if channel.modality == "image" else "1"
    if channel.binary:
        factor += f" * {BINARY_FACTOR}"
    return f"""SELECT {columns}
      FROM {source} {where(conditions)}
     ORDER BY {near}
     LIMIT %(window)s * {factor}"""


def _most_alike(channel: Channel, conditions: Sequence[str]) -> str:
    """SQL of the keys of the embeddings behind a filter whose signs differ least from the query."""
    fan_out = " * %(fan_out)s" if channel.modality == "image" else ""
    differing = f"p.signs <~> {signs(len(channel.vector), f'%({channel.name}_vector)s')}"
    return f"""SELECT p.{_key(channel)}
                      FROM {_filtered(channel)}
                    {where(conditions)}
                     ORDER BY {differing}
                     LIMIT greatest(%(min_scanned)s, {SCAN_FACTOR} * %(window)s{fan_out})"""


def _filtered(channel: Channel) -> str:
    """SQL of `p`: the signs of a channel's embeddings, with what conditions look at.

    PostgreSQL leaves out the join where no condition looks at the words of products.
    """
    return f"""(SELECT s.*, s.product_id AS id, product.lexemes
                              FROM {signs_table_name(channel.model, channel.modality)} s
                              LEFT JOIN product ON product.id = s.product_id) AS p"""


def _key(channel: Channel) -> str:
    return "image_id" if channel.modality == "image" else "product_id"


def _columns(channel: Channel) -> str:
    """SQL of the product, the picture and the distance of an embedding `e`."""
    image = "e.image_id" if channel.modality == "image" else "NULL::bigint"
    return (
        f"e.product_id, {image} AS image_id, e.embedding <=> %({channel.name}_vector)s AS distance"
    )


def _once(channel: Channel) -> tuple[str, str]:
    """SQL that keeps the nearest of several pictures of a product."""
    if channel.modality == "text":
        return "", ""
    return "DISTINCT ON (product_id)", "ORDER BY product_id, distance"


def fan_out(connection: Connection) -> int:
    """Number of pictures to read from an index per requested product.

    Derived from the planner's statistics and cached for up to a minute.
    """
    return _sizes.get(connection)[1]


def is_small(connection: Connection, window: int) -> bool:
    """Whether the catalogue is so small that the HNSW index would not be used for any search with
    this window; then the statement can do without what asks for it. Cached as `fan_out`."""
    products = _sizes.get(connection)[0]
    return products <= EXACT_FACTOR * sqrt(window * max(products, window))


def lexical_candidates(conditions: Sequence[str], others: Sequence[str]) -> str:
    """`lexical_list`: products that contain the rarest query terms, or all of them, or are in
    `exact_list`: their title, SKU or another identifier equals the query, in any case, with or
    without separators.

    The rarest terms are as many as occur in at most `max_lexical` products together. If there are
    any, products with all terms are among these. Otherwise these are looked for, unless more than
    `max_lexical` are expected and one of the conditions `others` is true: that embeddings have
    found candidates. Each condition yields at most `max_lexical` products, in no particular order.
    Exact matches have a list of their own, so that the limit never drops one.

    The index is asked for the keys of the terms (`search.terms`), the rarest first, and not for a
    term whose entries take longer to read than the products that it leaves out.
    """
    found = "SELECT p.id AS product_id FROM product p WHERE {0} LIMIT %(max_lexical)s"
    # With IS TRUE, the index is not asked.
    has = """p.lexemes @@ (SELECT {0}_key FROM asked)
      AND (p.lexemes @@ (SELECT {0} FROM asked)) IS TRUE"""
    conjunction = " AND ".join([has.format("every"), *conditions])
    disjunction = " AND ".join([has.format("rare"), *conditions])
    sku = " AND ".join(["p.sku = %(typed)s", *conditions])
    key = " AND ".join(["p.exact_keys @> ARRAY[(SELECT public.exact_key(%(typed)s))]", *conditions])
    return f"""terms AS MATERIALIZED (
    SELECT * FROM search.terms(%(words)s)
),
asked AS MATERIALIZED (
    SELECT CASE WHEN is_wanted THEN every::tsquery END AS every,
           CASE WHEN is_wanted THEN every_key::tsquery END AS every_key,
           rare::tsquery, rare_key::tsquery
      FROM (SELECT string_agg('(' || term::text || ')', ' & ') AS every,
                   string_agg('(' || key::text || ')', ' & ') FILTER
                       (WHERE products <= {ENTRIES_PER_PRODUCT} * catalogue * shared / share)
                   AS every_key,
                   string_agg('(' || term::text || ')', ' | ') FILTER (WHERE is_rare) AS rare,
                   string_agg('(' || key::text || ')', ' | ') FILTER (WHERE is_rare) AS rare_key,
                   min(products) NOT BETWEEN 1 AND %(max_lexical)s
                   AND (min(passing * shared) <= %(max_lexical)s
                        OR NOT ({" OR ".join(others) or "false"})) AS is_wanted
              FROM (SELECT counted.*, sum(products) OVER rarest <= %(max_lexical)s AS is_rare,
                           exp(sum(ln(share)) OVER rarest) AS shared -- with all rarer terms
                      FROM (SELECT terms.*, plan.products AS catalogue, passing,
                                   least(1, greatest(terms.products, 1) / plan.products) AS share
                              FROM terms, plan) AS counted
                    WINDOW rarest AS (ORDER BY products ROWS UNBOUNDED PRECEDING)) AS ordered
           ) AS joined
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


def _load_sizes(connection: Connection, _key: str) -> tuple[float, int]:
    row = (
        driver_connection(connection)
        .execute(
            "SELECT reltuples, search_internal.fan_out() FROM pg_class"
            " WHERE oid = 'product'::regclass"
        )
        .fetchone()
    )
    return (row[0], row[1]) if row else (0.0, FAN_OUT)


_sizes = TtlCache(_load_sizes)
"""The number of products, as the planner knows it, and `fan_out`."""
