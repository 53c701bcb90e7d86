"""Variants: products that are one to a shopper, so that a page shows them as one card.

Two products are variants where their main pictures are near the same, whatever their titles; or
where they are alike and the titles differ by colour, size or number alone (the generated column
`family`). What is alike is told from the model's calibration: some of the way from what a
thousandth of unrelated pairs reach to identity.

A product joins the leader whose own picture is most like its own, or leads itself; so no chain of
small differences makes one of things that differ. Each product with a picture has a row in
`product_variant`. One whose title or picture has changed since is compared anew, with those that it
led, and so are all by another model; what they were stands until then.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Row

from catalog.db.connection import connect
from catalog.db.locks import LockSpace, lock_transaction
from catalog.search.calibration import get_fitted
from catalog.tables import EMBEDDINGS

ALIKE = 0.5
"""How far towards identity the pictures of one family's variants are, at the least."""
SAME = 0.9
"""How far towards identity pictures are that are near the same."""

BATCH = 500
MOST_SCANNED = 1000
"""Pictures among which the nearest leader's is looked for, through those of its followers, and of
products not compared yet."""
MOST_LEADERS = 1000
"""Leaders of its family that a product is compared with: a bound on titles such as "T-shirt"."""

SETTINGS = f"""
SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true),
       set_config('hnsw.max_scan_tuples', '{MOST_SCANNED}', true)
"""

MAIN_PICTURE = """
       JOIN product_image i ON i.product_id = p.id AND i.position = 0
       JOIN {table} e ON e.image_id = i.id"""

OUTDATE = """
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

FORGET = f"""
DELETE FROM product_variant v
 WHERE v.model <> %(model)s
   AND NOT EXISTS (SELECT FROM product p {MAIN_PICTURE} WHERE p.id = v.product_id)
"""

UNKNOWN = f"""
SELECT p.id, p.family, e.embedding
  FROM product p {MAIN_PICTURE}
 WHERE p.id > %(after)s
   AND NOT EXISTS (SELECT FROM product_variant v
                    WHERE v.product_id = p.id AND v.model = %(model)s)
 ORDER BY p.id
"""

# What is looked up one by one has a limit of 1, so that it is done so, and pictures come by the
# index, whatever the planner thinks of a table that has just begun to fill.
LEADERS = f"""
SELECT DISTINCT ON (new.id) new.id, candidate.leader_id, 1 - leader.distance AS similarity
  FROM unnest(%(ids)s::bigint[], %(families)s::text[], %(vectors)s::halfvec[])
       AS new (id, family, embedding),
       LATERAL (
       (SELECT leader_id
          FROM product_variant
         WHERE family = new.family AND product_id = leader_id AND model = %(model)s
         LIMIT {MOST_LEADERS})
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
       <= 1 - CASE WHEN leader.family = new.family THEN %(alike)s ELSE %(same)s END::float8
 ORDER BY new.id, leader.distance, candidate.leader_id
"""

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
    """Compare what is new or has changed since the last time, by the pictures of `model`.

    Returns how many products were compared; none before the model is calibrated. Each batch is
    committed by itself, and the next run carries on. What is not compared yet stands as it was.

    Args:
        progress: called with the products of each batch, and how many there are in all.
    """
    with connect() as connection:
        quantiles = get_fitted(connection, model).get(("product", "image"))
        if quantiles is None:
            return 0
        lock_transaction(connection, LockSpace.VARIANTS)
        connection.exec_driver_sql(_sql(OUTDATE, model), {"model": model})
        connection.exec_driver_sql(_sql(FORGET, model), {"model": model})
        count = f"SELECT count(*) FROM ({_sql(UNKNOWN, model)}) AS unknown"
        total = connection.exec_driver_sql(count, {"model": model, "after": 0}).scalar_one()
    alike, same = (quantiles[-1] + way * (1 - quantiles[-1]) for way in (ALIKE, SAME))
    compared = after = 0
    while True:
        with connect() as connection:
            lock_transaction(connection, LockSpace.VARIANTS)
            rows = connection.exec_driver_sql(
                f"{_sql(UNKNOWN, model)} LIMIT {BATCH}", {"model": model, "after": after}
            ).all()
            if not rows:
                return compared
            connection.exec_driver_sql(SETTINGS)
            known = connection.exec_driver_sql(
                _sql(LEADERS, model),
                {
                    "model": model,
                    "ids": [row.id for row in rows],
                    "families": [row.family for row in rows],
                    "vectors": [row.embedding.to_text() for row in rows],
                    "alike": alike,
                    "same": same,
                },
            ).all()
            leaders = _lead(rows, known, alike, same)
            connection.exec_driver_sql(
                STORE,
                {"model": model, "products": list(leaders), "leaders": list(leaders.values())},
            )
        compared += len(rows)
        after = rows[-1].id
        progress(len(rows), total)


def _lead(
    rows: Sequence[Row[Any]], known: Sequence[Row[Any]], alike: float, same: float
) -> dict[int, int]:
    """Each row's leader: the most alike of those known and of the rows before it that lead, or
    itself."""
    vectors = np.stack([row.embedding.to_numpy() for row in rows]).astype(np.float32)
    similarities = vectors @ vectors.T
    families = np.array([row.family for row in rows])
    enough = np.where(families[:, None] == families[None, :], alike, same)
    similarities[similarities < enough] = -1
    found = {row.id: row for row in known}
    leaders: dict[int, int] = {}
    leading: list[int] = []
    for place, row in enumerate(rows):
        similarity, leader = -1.0, row.id
        if row.id in found:
            similarity, leader = found[row.id].similarity, found[row.id].leader_id
        if leading and (near := similarities[place, leading]).max() > similarity:
            leader = rows[leading[int(near.argmax())]].id
        if leader == row.id:
            leading.append(place)
        leaders[row.id] = leader
    return leaders


def _sql(sql: str, model: str) -> str:
    return sql.format(table=EMBEDDINGS[model]["image"].name)
