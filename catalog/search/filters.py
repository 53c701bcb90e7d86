"""Metadata filters: a frozen value, its SQL condition, and the counts of a filter panel."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

FACETS: Mapping[str, str] = {
    "category": "Category",
    "product_type": "Type",
    "gender": "For",
    "colour": "Colour",
    "brand": "Brand",
}
"""The columns of `product` that can be filtered and counted by value, each with its label."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions on a product. Values of one facet are alternatives; different facets all apply.

    Prices are inclusive bounds in the catalogue's currency. A product without a price matches
    neither bound.
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
        """The same filters without the values of `facet`."""
        return replace(self, **{facet: ()})  # type: ignore[arg-type]

    def conditions(self, without: str = "") -> Iterator[str]:
        """The SQL conditions on `product p`, with named parameters (`parameters`).

        Args:
            without: a facet to leave out, as its own counts require.
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


def known_values(connection: Connection, filters: Filters) -> Filters:
    """The same, without the values that no product has. Each is looked up in an index."""
    chosen = [facet for facet in FACETS if getattr(filters, facet)]
    if not chosen:
        return filters
    lookups = " UNION ALL ".join(
        f"SELECT '{facet}', value FROM unnest(%({facet})s::text[]) AS value"
        f" WHERE EXISTS (SELECT FROM product p WHERE p.{facet} = value)"
        for facet in chosen
    )
    found = set(map(tuple, connection.exec_driver_sql(lookups, filters.parameters())))
    known = {
        facet: tuple(value for value in getattr(filters, facet) if (facet, value) in found)
        for facet in chosen
    }
    return replace(filters, **known)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value of a facet and the number of products that have it."""

    value: str
    count: int
    or_more: bool = False
    """Whether only the products of the window were counted, so that there may be more."""


FacetCounts = dict[str, list[FacetValue]]
"""For each facet its values, the most frequent first."""


def count_facets(connection: Connection, filters: Filters) -> FacetCounts:
    """Count the products that each value would leave if it were the only one chosen in its facet
    and all other filters stayed. Chosen values are listed even where no product is left.
    """
    counts = " UNION ALL ".join(
        f"SELECT '{facet}', p.{facet}, count(*) FROM product p WHERE "
        + " AND ".join([f"p.{facet} <> ''", *filters.conditions(without=facet)])
        + f" GROUP BY p.{facet}"
        for facet in FACETS
    )
    found: dict[str, dict[str, int]] = {facet: {} for facet in FACETS}
    for facet, value, count in connection.exec_driver_sql(counts, filters.parameters()):
        found[facet][value] = count
    return {facet: list_values(found[facet], getattr(filters, facet)) for facet in FACETS}


def list_values(
    counts: Mapping[str, int], chosen: tuple[str, ...], or_more: bool = False
) -> list[FacetValue]:
    """The values of one facet, the most frequent first; chosen ones are listed with a count of 0
    where no product has them."""
    values = dict.fromkeys(chosen, 0) | dict(counts)
    ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    return [FacetValue(value, count, or_more) for value, count in ordered]
