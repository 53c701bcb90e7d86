"""Writes the rows of `product` for a batch."""

import json
from functools import cache
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql

from catalog.importing.product_row import ProductRow
from catalog.tables import PRODUCT

# Triggers divide the texts of a row into words. ON CONFLICT alone would run them for unchanged rows
# as well, and twice for changed ones. It is here for rows that others have added meanwhile.
UPSERT = """
WITH given AS MATERIALIZED (
    SELECT {selected} FROM unnest({arrays}) AS given ({columns})
),
updated AS (
    UPDATE product SET {set_given}, updated_at = now() FROM given
     WHERE given.sku = product.sku AND ({differs_from_given})
    RETURNING product.sku
),
inserted AS (
    INSERT INTO product ({columns})
    SELECT {columns} FROM given
     WHERE NOT EXISTS (SELECT FROM product WHERE product.sku = given.sku)
        ON CONFLICT (sku) DO UPDATE SET {set_excluded}, updated_at = now()
     WHERE {differs_from_excluded}
    RETURNING product.sku, product.xmax = 0
)
SELECT sku, false FROM updated UNION ALL SELECT * FROM inserted
"""


def upsert_products(connection: Connection, rows: list[ProductRow]) -> tuple[set[str], set[str]]:
    """Insert or update the rows; returns the added and the changed SKUs. Unchanged rows are not
    written."""
    added: set[str] = set()
    changed: set[str] = set()
    by_columns: dict[tuple[tuple[str, ...], tuple[str, ...]], list[ProductRow]] = {}
    for row in rows:
        by_columns.setdefault((tuple(row.values), row.attribute_names), []).append(row)
    for (columns, attribute_names), group in by_columns.items():
        given: dict[str, Any] = {name: [row.values[name] for row in group] for name in columns}
        if "attributes" in given:
            given["attributes"] = [json.dumps(it, ensure_ascii=False) for it in given["attributes"]]
        parameters = given | {"attribute_names": list(attribute_names)}
        for sku, is_new in connection.exec_driver_sql(_upsert(columns), parameters):
            (added if is_new else changed).add(sku)
    return added, changed


@cache
def _upsert(columns: tuple[str, ...]) -> str:
    """The statement for rows with these columns, which are given as arrays."""
    others = [name for name in columns if name != "sku"]
    given = {name: _new_value(name, "given") for name in others}
    excluded = {name: _new_value(name, "excluded") for name in others}
    return UPSERT.format(
        columns=", ".join(columns),
        selected=", ".join("attributes::jsonb" if it == "attributes" else it for it in columns),
        arrays=", ".join(f"%({name})s::{_type(name)}[]" for name in columns),
        set_given=_set(given),
        set_excluded=_set(excluded),
        differs_from_given=_differs(given),
        differs_from_excluded=_differs(excluded),
    )


def _new_value(name: str, source: str) -> str:
    if name != "attributes":
        return f"{source}.{name}"
    # An empty cell empties the attribute; attributes without a column stay.
    return f"(product.attributes - %(attribute_names)s::text[]) || {source}.attributes"


def _set(values: dict[str, str]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())


def _differs(values: dict[str, str]) -> str:
    return " OR ".join(f"product.{name} IS DISTINCT FROM {value}" for name, value in values.items())


def _type(name: str) -> str:
    if name == "attributes":
        return "text"
    return str(PRODUCT.c[name].type.compile(dialect=postgresql.dialect()))
