"""Metadata filters: a frozen value, its SQL condition, and the counts a filter panel shows."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

FACETS = ("category", "product_type", "gender", "colour", "brand")


@dataclass(frozen=True, slots=True)
class Filters:
    """What a product must be. Several values of one facet are alternatives; facets add up.

    Prices are inclusive bounds in the catalogue's currency; a product without a price is within
    none.
    """

    category: tuple[str, ...] = ()
    product_type: tuple[str, ...] = ()
    gender: tuple[str, ...] = ()
    colour: tuple[str, ...] = ()
    brand: tuple[str, ...] = ()
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    in_stock: bool = False

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) not in ((), None, False) for field in fields(self))

    def open(self, facet: str) -> "Filters":
        """The same, with nothing chosen in one facet."""
        return replace(self, **{facet: ()})  # type: ignore[arg-type]

    def conditions(self, without: str = "") -> Iterator[str]:
        """The SQL conditions on `product p`, their values as named parameters (`parameters`).

        `without` leaves one facet out, as its own counts must.
        """
        for facet in FACETS:
            if getattr(self, facet) and facet != without:
                yield f"p.{facet} = ANY(%({facet})s)"
        if self.min_price is not None:
            yield "p.price >= %(min_price)s"
        if self.max_price is not None:
            yield "p.price <= %(max_price)s"
        if self.in_stock:
            yield "p.in_stock"

    def parameters(self) -> dict[str, Any]:
        values: dict[str, Any] = {facet: list(getattr(self, facet)) for facet in FACETS}
        return values | {"min_price": self.min_price, "max_price": self.max_price}


@dataclass(frozen=True, slots=True)
class FacetValue:
    value: str
    count: int
    or_more: bool = False
    """Whether a window cut the count off."""


def count_facets(connection: Connection, filters: Filters) -> dict[str, list[FacetValue]]:
    """For each facet its values, the most frequent first, with the number of products that would
    be left if the value were the only one chosen in that facet and the other filters stayed.

    Chosen values are listed even where no product is left.
    """
    counts = " UNION ALL ".join(
        f"SELECT '{facet}', p.{facet}, count(*) FROM product p WHERE "
        + " AND ".join([f"p.{facet} <> ''", *filters.conditions(without=facet)])
        + f" GROUP BY p.{facet}"
        for facet in FACETS
    )
    found: dict[str, dict[str, int]] = {
        facet: dict.fromkeys(getattr(filters, facet), 0) for facet in FACETS
    }
    for facet, value, count in connection.exec_driver_sql(counts, filters.parameters()):
        found[facet][value] = count
    return {
        facet: [
            FacetValue(value, count)
            for value, count in sorted(values.items(), key=lambda item: (-item[1], item[0]))
        ]
        for facet, values in found.items()
    }
