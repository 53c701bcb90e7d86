"""The catalogue's products, read once, and which of them match the conditions of a judgment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from catalog.search.facets import enabled_facets
from catalog.search.filters import Filters

FIELDS = (
    *("title", "brand", "category", "subcategory", "product_type", "gender", "colour", "usage"),
)
"""Columns that a condition may name, in addition to the keys of the products' `attributes`."""


@dataclass(frozen=True, slots=True)
class Product:
    """A product's SKU, its values, and the path of its main picture, relative to the media folder.

    Variants of each other have the same `leader`, the SKU of one of them.
    `values` maps each of `FIELDS`, and each attribute, to its values; the tuple is empty if the
    field is.
    """

    sku: str
    values: Mapping[str, tuple[str, ...]]
    image_path: str | None
    leader: str

    def first(self, field: str) -> str:
        """The field's first value, "" if it has none."""
        return next(iter(self.values.get(field, ())), "")


class Catalogue:
    """The catalogue's products. `products` is by SKU and sorted by SKU; `facets` are the names of
    the enabled facets."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.facets = tuple(facet.name for facet in enabled_facets(connection))
        rows = connection.exec_driver_sql(
            f"SELECT p.sku, {', '.join(f'p.{field}' for field in FIELDS)}, p.attributes,"
            " i.path AS image_path, coalesce(leader.sku, p.sku) AS leader FROM product p"
            " LEFT JOIN product_image i ON i.product_id = p.id AND i.position = 0"
            " LEFT JOIN product_variant v ON v.product_id = p.id"
            " LEFT JOIN product leader ON leader.id = v.leader_id"
            ' ORDER BY p.sku COLLATE "C"'
        )
        self.products = {row.sku: _product(row._asdict()) for row in rows}
        self._known: dict[str, set[str]] = {field: set() for field in FIELDS}
        for product in self.products.values():
            for field, values in product.values.items():
                self._known.setdefault(field, set()).update(values)

    def matching(self, conditions: Mapping[str, Sequence[str]]) -> set[str]:
        """The SKUs of the products that have, for every field, one of the given values.

        Raises:
            ValueError: no product has such a field, or such a value of it.
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

    def passing(self, filters: Filters) -> set[str]:
        """The SKUs of the products that match the filters."""
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
    return Product(row["sku"], values, row["image_path"], row["leader"])
