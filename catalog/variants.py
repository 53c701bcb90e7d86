"""Variants: products that are one to a shopper, so that a page shows them as one card.

Two products are variants where their main pictures are near the same, whatever their titles; or
where they are alike and the titles differ by colour, size or number alone (the generated column
`family`). What is alike is told from the model's calibration: some of the way from what a
thousandth of unrelated pairs reach to identity.

A product joins the leader that is most like it, or leads itself; so no chain of small differences
makes one of things that differ. Each product with a picture has a row in `product_variant`; one
whose title or picture has changed since is compared anew, with those that it led.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Row

from catalog.calibration import get_quantiles
from catalog.database import connect
from catalog.tables import EMBEDDINGS

ALIKE = 0.5
"""How far towards identity the pictures of one family's variants are, at the least."""
SAME = 0.9
"""How far towards identity pictures are that are near the same."""

BATCH = 500
NEAREST = 8
"""Pictures among which one that is near the same is looked for."""
MOST_LEADERS = 1000
"""Leaders of its family that a product is compared with: a bound on titles such as "T-shirt"."""

LOCK = 0x7661726961
"""Of the advisory lock, "varia": two who find variants at once take turns."""

MAIN_PICTURE = """
       JOIN product_image i ON i.product_id = p.id AND i.position = 0
       JOIN {table} e ON e.image_id = i.id"""

FORGET = """
WITH changed AS (
    SELECT v.product_id
      FROM product_variant v
      JOIN product p ON p.id = v.product_id
      LEFT JOIN (product_image i JOIN {table} e ON e.image_id = i.id)
             ON i.product_id = p.id AND i.position = 0
     WHERE v.model <> %(model)s OR v.family <> p.family
        OR e.embedded_at IS NULL OR e.embedded_at > v.compared_at
)
DELETE FROM product_variant v USING changed
 WHERE changed.product_id IN (v.product_id, v.leader_id)
"""

UNKNOWN = f"""
SELECT p.id, p.family, e.embedding
  FROM product p {MAIN_PICTURE}
 WHERE NOT EXISTS (SELECT FROM product_variant v WHERE v.product_id = p.id)
 ORDER BY p.id
"""

LEADERS = f"""
SELECT DISTINCT ON (new.id) new.id, found.leader_id
  FROM unnest(%(ids)s::bigint[], %(families)s::text[], %(vectors)s::halfvec[])
       AS new (id, family, embedding),
       LATERAL (
       (SELECT v.leader_id, leader.distance
          FROM (SELECT leader_id FROM product_variant
                 WHERE family = new.family AND product_id = leader_id
                 LIMIT {MOST_LEADERS}) AS v
          JOIN product p ON p.id = v.leader_id {MAIN_PICTURE},
               LATERAL (SELECT e.embedding <=> new.embedding AS distance) AS leader
         WHERE leader.distance <= 1 - %(alike)s)
         UNION ALL
       (SELECT v.leader_id, near.distance
          FROM (SELECT e.image_id, e.product_id, e.embedding <=> new.embedding AS distance
                  FROM {{table}} e
                 ORDER BY e.embedding <=> new.embedding
                 LIMIT {NEAREST}) AS near
          JOIN product_image i ON i.id = near.image_id AND i.position = 0
          JOIN product_variant v ON v.product_id = near.product_id
         WHERE near.distance <= 1 - %(same)s)) AS found
 ORDER BY new.id, found.distance, found.leader_id
"""

STORE = """
INSERT INTO product_variant (product_id, leader_id, family, model)
SELECT new.product_id, new.leader_id, p.family, %(model)s
  FROM unnest(%(products)s::bigint[], %(leaders)s::bigint[]) AS new (product_id, leader_id)
  JOIN product p ON p.id = new.product_id
  JOIN product leader ON leader.id = new.leader_id
    ON CONFLICT (product_id) DO NOTHING
"""


def find_variants(
    model: str, progress: Callable[[int, int], object] = lambda products, total: None
) -> int:
    """Compare what is new or has changed since the last time, by the pictures of `model`.

    Returns how many products were compared; none before the model is calibrated. Each batch is
    committed by itself, and the next run carries on.

    Args:
        progress: called with the products of each batch, and how many there are in all.
    """
    with connect() as connection:
        quantiles = get_quantiles(connection, model).get(("product", "image"))
        if quantiles is None:
            return 0
        connection.exec_driver_sql(_sql(FORGET, model), {"model": model})
        count = f"SELECT count(*) FROM ({_sql(UNKNOWN, model)}) AS unknown"
        total = int(connection.exec_driver_sql(count).scalar_one())
    alike, same = (quantiles[-1] + way * (1 - quantiles[-1]) for way in (ALIKE, SAME))
    compared = 0
    while True:
        with connect() as connection:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            rows = connection.exec_driver_sql(f"{_sql(UNKNOWN, model)} LIMIT {BATCH}").all()
            if not rows:
                return compared
            known = connection.exec_driver_sql(
                _sql(LEADERS, model),
                {
                    "ids": [row.id for row in rows],
                    "families": [row.family for row in rows],
                    "vectors": [row.embedding.to_text() for row in rows],
                    "alike": alike,
                    "same": same,
                },
            )
            leaders = _lead(rows, dict(known.all()), alike, same)
            connection.exec_driver_sql(
                STORE,
                {"model": model, "products": list(leaders), "leaders": list(leaders.values())},
            )
        compared += len(rows)
        progress(len(rows), total)


def _lead(
    rows: Sequence[Row[Any]], known: dict[int, int], alike: float, same: float
) -> dict[int, int]:
    """Each row's leader: a known one, or the most alike of those before it that lead, or itself."""
    vectors = np.stack([row.embedding.to_numpy() for row in rows]).astype(np.float32)
    similarities = vectors @ vectors.T
    families = np.array([row.family for row in rows])
    enough = np.where(families[:, None] == families[None, :], alike, same)
    similarities[similarities < enough] = -1
    leaders: dict[int, int] = {}
    leading: list[int] = []
    for place, row in enumerate(rows):
        if row.id in known:
            leaders[row.id] = known[row.id]
            continue
        best = max(leading, key=lambda other: similarities[place, other], default=place)
        if best == place or similarities[place, best] < 0:
            leaders[row.id] = row.id
            leading.append(place)
        else:
            leaders[row.id] = rows[best].id
    return leaders


def _sql(sql: str, model: str) -> str:
    return sql.format(table=EMBEDDINGS[model]["image"].name)
