"""Writes the rows of `product` for a batch."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, cast, func, literal_column, or_
from sqlalchemy.dialects.postgresql import ARRAY, insert

from catalog.importing.product_row import ProductRow
from catalog.tables import PRODUCT


def upsert_products(connection: Connection, rows: list[ProductRow]) -> tuple[set[str], set[str]]:
    """Insert or update the rows; returns the added and the changed SKUs. Unchanged rows are not
    written."""
    added: set[str] = set()
    changed: set[str] = set()
    by_columns: dict[tuple[tuple[str, ...], tuple[str, ...]], list[ProductRow]] = {}
    for row in rows:
        by_columns.setdefault((tuple(row.values), row.attribute_names), []).append(row)
    for (columns, attribute_names), group in by_columns.items():
        upsert = insert(PRODUCT).values([row.values for row in group])
        new: dict[str, ColumnElement[Any]] = {
            name: upsert.excluded[name] for name in columns if name != "sku"
        }
        if "attributes" in new:
            # An empty cell empties the attribute; attributes without a column stay.
            others = PRODUCT.c.attributes.op("-")(cast(list(attribute_names), ARRAY(Text)))
            new["attributes"] = others.op("||")(upsert.excluded.attributes)
        upsert = upsert.on_conflict_do_update(
            index_elements=[PRODUCT.c.sku],
            set_={**new, "updated_at": func.now()},
            where=or_(*(PRODUCT.c[name].is_distinct_from(value) for name, value in new.items())),
        )
        written = connection.execute(
            upsert.returning(PRODUCT.c.sku, literal_column("product.xmax = 0"))
        )
        for sku, is_new in written:
            (added if is_new else changed).add(sku)
    return added, changed
