"""Variants: products that a shopper sees as one, which a page shows as one card.

Two products are variants if their main pictures are nearly identical, whatever their titles, or if
the pictures are similar and the titles differ only in colour, size or number (the generated column
`family`). The thresholds depend on the model's calibration: they lie between the similarity that
1 in 1,000 unrelated pairs reach and a similarity of 1.

Variants share a leader. A product with the same picture file as another one joins its leader; any
other product joins the leader with the most similar picture, or becomes a leader itself. Because
products are compared with leaders only, a chain of small differences never groups products that
differ. Each product with a picture has a row in `product_variant`. A product whose title or picture
changes is compared again, together with the followers that it led; after a change of model all
products are. Until then their rows stay as they are.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Row

from catalog.db.connection import connect
from catalog.db.locks import LockSpace, lock_transaction
from catalog.search.calibration import get_fitted
from catalog.tables import embedding_table_name

SIMILAR = 0.5
"""Threshold for pictures of the same family: 0 is the similarity that 1 in 1,000 unrelated pairs
reach, 1 is identity."""
IDENTICAL = 0.95
"""Threshold for pictures of different families, on the same scale."""

BATCH = 500
MAX_SCANNED = 1000
"""Maximum number of pictures that the index scan visits to find the nearest leader, including those
of followers and of products that have not been compared."""
MAX_LEADERS = 1000
"""Maximum number of leaders of its family that a product is compared with; limits the work for
common titles such as "T-shirt"."""

SETTINGS = f"""
SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true),
       set_config('hnsw.max_scan_tuples', '{MAX_SCANNED}', true)
"""

MAIN_PICTURE = """
       JOIN product_image i ON i.product_id = p.id AND i.position = 0
       JOIN {table} e ON e.image_id = i.id"""

MARK_CHANGED = """
WITH changed AS (
    SELECT v.product_id
      FROM product_variant v
      JOIN product p ON p.id = v.product_id
      LEFT JOIN (product_image i JOIN {table} e ON e.image_id = i.id)
             ON i.product_id = p.id AND i.position = 0
     WHERE v.model = %(model)s
       AND (v.family <> p.family OR e.embedded_at IS NULL OR e.embedded_at > v.compared_at)
)
UPDATE product_variant v SET model = ''
  FROM changed
 WHERE changed.product_id IN (v.product_id, v.leader_id) AND v.model = %(model)s
"""

DELETE_WITHOUT_PICTURE = f"""
DELETE FROM product_variant v
 WHERE v.model <> %(model)s
   AND NOT EXISTS (SELECT FROM product p {MAIN_PICTURE} WHERE p.id = v.product_id)
"""

NOT_COMPARED = f"""
SELECT p.id, p.family, i.path, e.embedding
  FROM product p {MAIN_PICTURE}
 WHERE p.id > %(after)s
   AND NOT EXISTS (SELECT FROM product_variant v
                    WHERE v.product_id = p.id AND v.model = %(model)s)
 ORDER BY p.id
"""

# LIMIT 1 in the lateral subqueries makes the planner look up rows one by one, and read pictures by
# the HNSW index, even if the statistics say that product_variant is nearly empty.
FIND_LEADERS = f"""
SELECT DISTINCT ON (new.id) new.id, candidate.leader_id, 1 - leader.distance AS similarity
  FROM unnest(%(ids)s::bigint[], %(families)s::text[], %(vectors)s::halfvec[])
       AS new (id, family, embedding),
       LATERAL (
       (SELECT leader_id
          FROM product_variant
         WHERE family = new.family AND product_id = leader_id AND model = %(model)s
         LIMIT {MAX_LEADERS})
         UNION
       (SELECT of_picture.leader_id
          FROM {{table}} e,
               LATERAL (SELECT v.product_id, v.leader_id
                          FROM product_image i
                          JOIN product_variant v USING (product_id)
                         WHERE i.id = e.image_id AND i.position = 0 AND v.model = %(model)s
                         LIMIT 1) AS of_picture
         WHERE of_picture.product_id = of_picture.leader_id
         ORDER BY e.embedding <=> new.embedding
         LIMIT 1)) AS candidate,
       LATERAL (
       SELECT p.family, e.embedding <=> new.embedding AS distance
         FROM product p {MAIN_PICTURE}
        WHERE p.id = candidate.leader_id
        LIMIT 1) AS leader
 WHERE leader.distance
       <= 1 - CASE WHEN leader.family = new.family THEN %(similar)s ELSE %(identical)s END::float8
 ORDER BY new.id, leader.distance, candidate.leader_id
"""

FIND_TWINS = """
SELECT new.id, twin.leader_id
  FROM unnest(%(ids)s::bigint[], %(paths)s::text[]) AS new (id, path),
       LATERAL (
       SELECT v.leader_id
         FROM product_image i
         JOIN product_variant v ON v.product_id = i.product_id AND v.model = %(model)s
        WHERE i.path = new.path AND i.position = 0
        LIMIT 1) AS twin
"""
"""Finds a product with the same file as the main picture, whatever its title. All of them have the
same leader, so one is enough: a picture that stands for a missing one can have thousands."""

STORE = """
INSERT INTO product_variant AS v (product_id, leader_id, family, model)
SELECT new.product_id, new.leader_id, p.family, %(model)s
  FROM unnest(%(products)s::bigint[], %(leaders)s::bigint[]) AS new (product_id, leader_id)
  JOIN product p ON p.id = new.product_id
  JOIN product leader ON leader.id = new.leader_id
    ON CONFLICT (product_id) DO UPDATE
   SET leader_id = excluded.leader_id, family = excluded.family, model = excluded.model,
       compared_at = excluded.compared_at
"""


def find_variants(
    model: str, progress: Callable[[int, int], object] = lambda products, total: None
) -> int:
    """Find the variants of products that are new or have changed, by the pictures of `model`.

    Returns the number of products compared, 0 if the model is not calibrated. Each batch is
    committed separately, so that the next run can continue after an interruption. Rows of products
    that have not been compared yet stay as they are.

    Args:
        progress: called after each batch with the products compared so far and their total.
    """
    with connect() as connection:
        quantiles = get_fitted(connection, model).get(("product", "image"))
        if quantiles is None:
            return 0
        lock_transaction(connection, LockSpace.VARIANTS)
        connection.exec_driver_sql(_sql(MARK_CHANGED, model), {"model": model})
        connection.exec_driver_sql(_sql(DELETE_WITHOUT_PICTURE, model), {"model": model})
        count = f"SELECT count(*) FROM ({_sql(NOT_COMPARED, model)}) AS products"
        total = connection.exec_driver_sql(count, {"model": model, "after": 0}).scalar_one()
    similar, identical = (
        quantiles[-1] + share * (1 - quantiles[-1]) for share in (SIMILAR, IDENTICAL)
    )
    compared = after = 0
    while True:
        with connect() as connection:
            lock_transaction(connection, LockSpace.VARIANTS)
            rows = connection.exec_driver_sql(
                f"{_sql(NOT_COMPARED, model)} LIMIT {BATCH}", {"model": model, "after": after}
            ).all()
            if not rows:
                return compared
            connection.exec_driver_sql(SETTINGS)
            known = connection.exec_driver_sql(
                _sql(FIND_LEADERS, model),
                {
                    "model": model,
                    "ids": [row.id for row in rows],
                    "families": [row.family for row in rows],
                    "vectors": [row.embedding.to_text() for row in rows],
                    "similar": similar,
                    "identical": identical,
                },
            ).all()
            twins = connection.exec_driver_sql(
                FIND_TWINS,
                {
                    "model": model,
                    "ids": [row.id for row in rows],
                    "paths": [row.path for row in rows],
                },
            ).all()
            leaders = _assign_leaders(rows, known, twins, similar, identical)
            connection.exec_driver_sql(
                STORE,
                {"model": model, "products": list(leaders), "leaders": list(leaders.values())},
            )
        compared += len(rows)
        after = rows[-1].id
        progress(compared, total)


def _assign_leaders(
    rows: Sequence[Row[Any]],
    known: Sequence[Row[Any]],
    twins: Sequence[Row[Any]],
    similar: float,
    identical: float,
) -> dict[int, int]:
    """Map each product id to the id of its leader.

    The leader is that of a product with the same picture, stored (`twins`) or in an earlier row;
    else the most similar of the stored leaders (`known`) and of the leaders among earlier rows;
    else the product itself.
    """
    vectors = np.stack([row.embedding.to_numpy() for row in rows]).astype(np.float32)
    similarities = vectors @ vectors.T
    families = np.array([row.family for row in rows])
    thresholds = np.where(families[:, None] == families[None, :], similar, identical)
    similarities[similarities < thresholds] = -1
    found = {row.id: row for row in known}
    of_picture = {row.id: row.leader_id for row in twins}
    of_path: dict[str, int] = {}
    leaders: dict[int, int] = {}
    leader_rows: list[int] = []
    for index, row in enumerate(rows):
        similarity, leader = -1.0, row.id
        if row.id in found:
            similarity, leader = found[row.id].similarity, found[row.id].leader_id
        if leader_rows and (near := similarities[index, leader_rows]).max() > similarity:
            leader = rows[leader_rows[int(near.argmax())]].id
        leader = of_path.setdefault(row.path, of_picture.get(row.id, leader))
        if leader == row.id:
            leader_rows.append(index)
        leaders[row.id] = leader
    return leaders


def _sql(sql: str, model: str) -> str:
    return sql.format(table=embedding_table_name(model, "image"))
