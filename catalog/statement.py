"""The SQL of the search, written to be read: one statement a search, whatever is looked for."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from pgvector import HalfVector

from catalog.filters import Filters
from catalog.tables import EMBEDDINGS
from embedding.registry import Modality

RRF_K = 60
"""Reciprocal rank fusion's constant, from Cormack, Clarke and Büttcher (SIGIR 2009)."""

IMAGES_PER_PRODUCT = 3
"""Pictures fetched from an index for each product wanted, since several may be of one product."""

MAX_EF_SEARCH = 1000
"""The most that pgvector allows."""

SETTINGS = """
SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true),
       set_config('hnsw.ef_search', %(ef_search)s, true),
       set_config('jit', 'off', true)
"""
"""Local to the transaction: a pool hands the connection on unchanged."""

EXACT_FACTOR = 5.0
"""Up to this times sqrt(window * products) matching products, an exact scan is the better choice
(docs/decisions/0003-exact-or-index.md)."""

MIN_LOCAL_SHARE = 0.5
"""The index is used only if, among the products nearest to the query, those that match are at
least this part of what they are, at the least, in the whole catalogue."""

HIT_COLUMNS = """
       p.id, p.sku, p.title, p.brand, p.product_type, p.colour, p.price, p.currency, p.in_stock,
       i.path AS image_path, i.width AS image_width, i.height AS image_height"""

MAIN_IMAGE = "SELECT m.id FROM product_image m WHERE m.product_id = p.id AND m.position = 0"


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with named parameters, as psycopg takes it."""

    sql: str
    parameters: dict[str, Any]


def browse_statement(filters: Filters, limit: int, offset: int) -> Statement:
    """The catalogue itself: what can be bought first, then the newest."""
    where = _where(filters.conditions())
    sql = f"""
SELECT total.products AS total, hit.*
  FROM (SELECT count(*) AS products FROM product p {where}) AS total
  LEFT JOIN (
       SELECT {HIT_COLUMNS}
         FROM product p LEFT JOIN product_image i ON i.id = ({MAIN_IMAGE})
       {where}
        ORDER BY p.in_stock DESC, p.id DESC
        LIMIT %(limit)s OFFSET %(offset)s
       ) AS hit ON true
 ORDER BY hit.in_stock DESC, hit.id DESC"""
    return Statement(sql, filters.parameters() | {"limit": limit, "offset": offset})


def ranking_statement(
    model: str,
    vectors: dict[Modality, np.ndarray],
    filters: Filters,
    *,
    window: int,
    limit: int,
    offset: int,
    exclude: int | None = None,
) -> Statement:
    """The `window` best products by reciprocal rank fusion over one list a modality.

    Each list comes from its HNSW index if more products match the filters than an exact scan
    reads in the same time, and from an exact scan otherwise, or where the index came back short:
    a page is never short while matching products exist. PostgreSQL decides that while it runs,
    by counting; the part not needed is never executed. `exclude` is a product's id to leave out.
    """
    conditions = list(filters.conditions())
    if exclude is not None:
        conditions.append("p.id <> %(exclude)s")
    # Without filters, the statistics know the answer.
    matching = (
        f"(SELECT count(*) FROM (SELECT FROM product p {_where(conditions)}"
        " LIMIT 1 + exact_limit) AS m)"
        if filters
        else "products"
    )
    lists = [_list(model, modality, conditions) for modality in vectors]
    exact_limit = "(%(exact_factor)s * sqrt(%(window)s * greatest(products, %(window)s)))::bigint"
    signals = "\n    UNION ALL\n".join(
        f"    SELECT '{modality}' AS modality, product_id, image_id, distance,"
        f" row_number() OVER (ORDER BY distance, product_id) AS rank FROM {modality}_list"
        for modality in vectors
    )
    sql = f"""
WITH plan AS MATERIALIZED (
    SELECT products, exact_limit, {matching} > exact_limit AS use_index
      FROM (SELECT products, {exact_limit} AS exact_limit
              FROM (SELECT reltuples AS products FROM pg_class
                     WHERE oid = 'product'::regclass) AS size) AS bounds
),{",".join(lists)},
signals AS (
{signals}
),
fused AS MATERIALIZED (
    SELECT product_id, max(image_id) AS image_id, sum(1::float8 / ({RRF_K} + rank)) AS score,
           jsonb_object_agg(modality, jsonb_build_array(rank, 1 - distance)) AS signals
      FROM signals
     GROUP BY product_id
     ORDER BY score DESC, product_id
     LIMIT %(window)s
)
SELECT total.products AS total, hit.*
  FROM (SELECT count(*) AS products FROM fused) AS total
  LEFT JOIN (
       SELECT {HIT_COLUMNS}, fused.score, fused.signals
         FROM fused
         JOIN product p ON p.id = fused.product_id
         LEFT JOIN product_image i ON i.id = coalesce(fused.image_id, ({MAIN_IMAGE}))
        ORDER BY fused.score DESC, p.id
        LIMIT %(limit)s OFFSET %(offset)s
       ) AS hit ON true
 ORDER BY hit.score DESC, hit.id"""
    parameters = filters.parameters() | {
        f"{modality}_vector": HalfVector(vector) for modality, vector in vectors.items()
    }
    parameters |= {
        "window": window,
        "limit": limit,
        "offset": offset,
        "exclude": exclude,
        "exact_factor": EXACT_FACTOR,
        "ef_search": str(min(MAX_EF_SEARCH, 2 * window)),
    }
    return Statement(sql, parameters)


def _list(model: str, modality: Modality, conditions: list[str]) -> str:
    """The CTEs that find the `window` products nearest in one modality: one row a product."""
    table = EMBEDDINGS[model][modality].name
    distance = f"e.embedding <=> %({modality}_vector)s"
    product = "JOIN product p ON p.id = e.product_id" if conditions else ""
    if modality == "image":
        image, fan_out = "e.image_id", f" * {IMAGES_PER_PRODUCT}"
        once, nearest_first = "DISTINCT ON (product_id)", "ORDER BY product_id, distance"
    else:
        image, fan_out, once, nearest_first = "NULL::bigint", "", "", ""
    by_index = _where([f"(SELECT use_index FROM {modality}_plan)", *conditions])
    exactly = _where([f"(SELECT count(*) FROM {modality}_by_index) < %(window)s", *conditions])
    # `+ 0` hides the order from the planner, which would take the index for it again.
    return f"""
{modality}_plan AS MATERIALIZED (
    {_local_check(table, distance, conditions) if conditions else "SELECT use_index FROM plan"}
),
{modality}_by_index AS MATERIALIZED (
    SELECT {once} product_id, image_id, distance
      FROM (SELECT e.product_id, {image} AS image_id, {distance} AS distance
              FROM {table} e {product}
            {by_index}
             ORDER BY {distance}
             LIMIT %(window)s{fan_out}) AS nearest
    {nearest_first}
),
{modality}_exactly AS MATERIALIZED (
    SELECT product_id, image_id, distance
      FROM (SELECT {once} e.product_id, {image} AS image_id, {distance} AS distance
              FROM {table} e {product}
            {exactly}
            {nearest_first}) AS nearest
     ORDER BY distance + 0, product_id
     LIMIT %(window)s
),
{modality}_list AS (
    TABLE {modality}_exactly
    UNION ALL
    (SELECT * FROM {modality}_by_index
      WHERE (SELECT count(*) FROM {modality}_by_index) >= %(window)s
      ORDER BY distance, product_id
      LIMIT %(window)s)
)"""


def _local_check(table: str, distance: str, conditions: list[str]) -> str:
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


def _where(conditions: Any) -> str:
    conditions = list(conditions)
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""
