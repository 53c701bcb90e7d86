"""Reads the products that a model is fine-tuned on, and judged queries for them."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from catalog.evaluation.judgments import Judgment
from catalog.search.facets import enabled_facets
from embedding.finetuning.products import JudgedQuery, Product, describe_product

COLUMNS = ("product_type", "colour", "gender", "usage")
"""Columns whose kind is known without a facet."""

DESCRIBED = ("type", "colour", "person", "pattern", "material", "occasion")
"""The kinds of facets that phrases name, in the order of `describe_product`."""

KINDS = {"product_type": "type", "colour": "colour", "gender": "person", "usage": "occasion"}


def read_training_products(
    connection: Connection, media: Path, limit: int | None = None
) -> list[Product]:
    """The products with pictures, sorted by SKU.

    Args:
        connection: to the catalogue.
        media: the folder of pictures.
        limit: read only so many, chosen by a hash of the SKU.
    """
    kinds = KINDS | {it.name: it.kind for it in enabled_facets(connection)}
    rows = connection.exec_driver_sql(
        f"SELECT p.sku, p.title, p.attributes, {', '.join(f'p.{it}' for it in COLUMNS)},"
        " array_agg(i.path ORDER BY i.position) AS paths"
        " FROM product p JOIN product_image i ON i.product_id = p.id"
        ' GROUP BY p.id ORDER BY p.sku COLLATE "C"'
    )
    products = [
        Product(
            row.sku,
            row.title,
            _attributes(row._asdict(), kinds),
            tuple(media / path for path in dict.fromkeys(row.paths)),
        )
        for row in rows
    ]
    if limit is None or limit >= len(products):
        return products
    chosen = sorted(products, key=lambda it: hashlib.sha256(f"limit {it.sku}".encode()).digest())
    return sorted(chosen[:limit], key=lambda it: it.sku)


def judged_queries(judgments: Iterable[Judgment]) -> list[JudgedQuery]:
    """The judgments that training can use: of words alone, without filters, with relevant products.

    Of a query with filters it is not known what is relevant outside of them.
    """
    return [
        JudgedQuery(it.text, frozenset(it.relevant))
        for it in judgments
        if it.text and it.relevant and not (it.image or it.like or it.filters or it.exclude)
    ]


def _attributes(row: Mapping[str, Any], kinds: Mapping[str, str]) -> dict[str, str]:
    """The attributes of a product from its facets; those with several values are left out."""
    values: dict[str, str] = {}
    for name, value in [*((it, row[it]) for it in COLUMNS), *row["attributes"].items()]:
        kind = kinds.get(name, "other")
        if kind not in values and (single := _single(value)):
            values[kind] = single
    return describe_product(*(values.get(kind, "") for kind in DESCRIBED))


def _single(value: object) -> str:
    listed: Sequence[object] = value if isinstance(value, list) else [value]
    texts = [it for it in listed if isinstance(it, str) and it]
    return texts[0] if len(texts) == 1 else ""
