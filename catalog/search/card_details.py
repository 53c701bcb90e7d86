"""What a card shows besides its hit: the variants of the product, and another picture of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from catalog.db.connection import driver_connection

MAX_VARIANTS = 60
"""The maximum number of variants of a product that are read."""

MAX_COUNTED = 500
"""The maximum number of variants of a product that are counted."""

DETAILS = f"""
SELECT shown.id, other.path AS other_picture,
       v.id AS variant_id, v.sku, v.colour, v.in_stock, v.path, v.width, v.variants
  FROM unnest(%(ids)s::bigint[], %(paths)s::text[]) AS shown (id, path)
  LEFT JOIN LATERAL (
       SELECT i.path FROM product_image i
        WHERE i.product_id = shown.id AND i.position < 2 AND i.path <> shown.path
        ORDER BY i.position LIMIT 1) AS other ON true
  LEFT JOIN LATERAL (
       SELECT p.id, p.sku, p.colour, p.in_stock, i.path, i.width, count(*) OVER () AS variants
         FROM product_variant own
        CROSS JOIN LATERAL (
              SELECT product_id FROM product_variant
               WHERE leader_id = own.leader_id LIMIT {MAX_COUNTED}) AS v
         JOIN product p ON p.id = v.product_id
         JOIN product_image i ON i.product_id = p.id AND i.position = 0
        WHERE own.product_id = shown.id
        ORDER BY p.id <> shown.id, p.in_stock DESC, p.id
        LIMIT {MAX_VARIANTS}) AS v ON true"""


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant of a product, with its main picture."""

    id: int
    sku: str
    colour: str
    in_stock: bool
    image_path: str
    image_width: int
    """In pixels."""


@dataclass(frozen=True, slots=True)
class CardDetails:
    """`variants` are those of the product, itself first, then those in stock; empty if it has
    none."""

    variants: tuple[Variant, ...] = ()
    total: int = 1
    """The number of variants, at most `MAX_COUNTED`."""
    other_picture: str | None = None
    """The path of a picture that the hit does not show."""


@dataclass(slots=True)
class _Collected:
    variants: list[Variant] = field(default_factory=list)
    total: int = 1
    other_picture: str | None = None


def card_details(connection: Connection, shown: Mapping[int, str | None]) -> dict[int, CardDetails]:
    """The details of products by their id; one statement.

    Args:
        shown: the ids of the products, and the path of the picture that is shown of each.
    """
    if not shown:
        return {}
    paths = [path or "" for path in shown.values()]
    rows = driver_connection(connection).execute(
        DETAILS, {"ids": list(shown), "paths": paths}, prepare=True
    )
    found: dict[int, _Collected] = {}
    for id, other_picture, *variant, count in rows:
        collected = found.setdefault(id, _Collected(other_picture=other_picture))
        if count is not None and count > 1:
            collected.total = count
            collected.variants.append(Variant(*variant))
    return {
        id: CardDetails(tuple(each.variants), each.total, each.other_picture)
        for id, each in found.items()
    }
