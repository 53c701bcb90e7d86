"""What the judgments speak of: the products of the catalogue, read once, and who meets what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from catalog.search.filters import Filters

FIELDS = (
    *("title", "brand", "category", "subcategory", "product_type", "gender", "colour", "usage"),
)
"""Columns that a condition may name, beside the keys of the products' `attributes`."""


@dataclass(frozen=True, slots=True)
class Product:
    """A product's SKU, what is known of it, and its main picture's path below the media root.

    `values` has all of `FIELDS`, and the further attributes; each a list of one value or more,
    or of none where it is empty.
    """

    sku: str
    values: Mapping[str, tuple[str, ...]]
    image_path: str | None

    def first(self, field: str) -> str:
        """The field's first value, "" where there is none."""
        return next(iter(self.values.get(field, ())), "")


class Catalogue:
    """The products by SKU, in the order of their SKUs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        rows = connection.exec_driver_sql(
            f"SELECT p.sku, {', '.join(f'p.{field}' for field in FIELDS)}, p.attributes,"
            " i.path AS image_path FROM product p"
            " LEFT JOIN product_image i ON i.product_id = p.id AND i.position = 0"
            ' ORDER BY p.sku COLLATE "C"'
        )
        self.products = {row.sku: _product(row._asdict()) for row in rows}
        self._known: dict[str, set[str]] = {field: set() for field in FIELDS}
        for product in self.products.values():
            for field, values in product.values.items():
                self._known.setdefault(field, set()).update(values)

    def meeting(self, conditions: Mapping[str, Sequence[str]]) -> set[str]:
        """The SKUs of the products that meet every condition, by one of its values.

        Raises:
            ValueError: a condition names what no product has.
        """
        for field, wanted in conditions.items():
            if field not in self._known:
                raise ValueError(f"no product has a field {field!r}")
            for value in wanted:
                if value not in self._known[field]:
                    raise ValueError(f"no product has {value!r} as its {field}")
        alternatives = {field: set(wanted) for field, wanted in conditions.items()}
        return {
            sku
            for sku, product in self.products.items()
            if all(
                not wanted.isdisjoint(product.values.get(field, ()))
                for field, wanted in alternatives.items()
            )
        }

    def within(self, filters: Filters) -> set[str]:
        """The SKUs of the products that the filters let through."""
        if not filters:
            return set(self.products)
        where = " AND ".join(filters.conditions())
        sql = f"SELECT p.sku FROM product p WHERE {where}"
        return set(self._connection.exec_driver_sql(sql, filters.parameters()).scalars())


def _product(row: Mapping[str, Any]) -> Product:
    values: dict[str, tuple[str, ...]] = {
        field: (row[field],) if row[field] else () for field in FIELDS
    }
    for field, value in row["attributes"].items():
        listed = value if isinstance(value, list) else [value]
        values.setdefault(field, tuple(item for item in listed if isinstance(item, str) and item))
    return Product(row["sku"], values, row["image_path"])
