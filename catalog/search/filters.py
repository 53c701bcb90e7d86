"""Metadata filters: a frozen value, its SQL condition, and the counts of a filter panel."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection

from catalog.search.facets import IS_SHOWN

MAX_COUNTED = 20_000
"""Maximum number of products whose facet values are counted without a query. If more match, the
values are listed without numbers."""

MAX_VALUES_LISTED = 120
"""The maximum number of values of a facet without a query, besides the chosen ones."""


EXCLUDED = "(SELECT search_internal.excluded(%(excluded)s::text[]))"
"""SQL of the tsquery of the words that no product may contain."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions on a product. Values of one facet are alternatives; different facets all apply.

    `values` has the chosen values by name of the facet, in any spelling that `public.fold_text`
    makes equal. Prices are inclusive bounds in the catalogue's currency. A product without a price
    matches neither bound. No product may contain the words and phrases `excluded`, or have a facet
    value with one of the keys `unwanted`.
    """

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    in_stock: bool = False
    excluded: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        chosen = {facet: tuple(values) for facet, values in self.values.items() if values}
        object.__setattr__(self, "values", MappingProxyType(chosen))

    def __hash__(self) -> int:
        prices = self.min_price, self.max_price
        words = self.excluded, self.unwanted
        return hash((frozenset(self.values.items()), prices, self.in_stock, words))

    def __bool__(self) -> bool:
        return self != Filters()

    def choose(self, facet: str, values: Iterable[str]) -> "Filters":
        """The same filters with these values of one facet instead of the chosen ones."""
        return replace(self, values={**self.values, facet: tuple(values)})

    def open(self, facet: str) -> "Filters":
        """The same filters without the values of `facet`."""
        return self.choose(facet, ())

    def conditions(self) -> Iterator[str]:
        """The SQL conditions on `product p`, with named parameters (`parameters`)."""
        yield from (has_any(f"ARRAY[{', '.join(keys)}]") for keys in self._keys())
        if self.min_price is not None:
            yield "p.price >= %(min_price)s"
        if self.max_price is not None:
            yield "p.price <= %(max_price)s"
        if self.in_stock:
            yield "p.in_stock"
        if self.excluded:
            yield f"(p.lexemes @@ {EXCLUDED}) IS NOT TRUE"
        if self.unwanted:
            yield "NOT p.facets && %(unwanted)s::text[]"

    def keys(self) -> str:
        """SQL of a text[] with the keys of all chosen values; empty if there are none."""
        keys = [key for facet in self._keys() for key in facet]
        return f"ARRAY[{', '.join(keys)}]" if keys else ""

    def _keys(self) -> Iterator[list[str]]:
        """The SQL of the keys of each facet. PostgreSQL folds the values while it plans, so it
        knows how many products have them."""
        for place, values in enumerate(self.values.values()):
            yield [
                f"%(facet_{place})s || '=' || public.fold_text(%(value_{place}_{number})s)"
                for number, _ in enumerate(values)
            ]

    def parameters(self) -> dict[str, Any]:
        chosen: dict[str, Any] = {"min_price": self.min_price, "max_price": self.max_price}
        chosen |= {"excluded": list(self.excluded), "unwanted": list(self.unwanted)}
        for place, (facet, values) in enumerate(self.values.items()):
            chosen[f"facet_{place}"] = facet
            chosen |= {f"value_{place}_{number}": value for number, value in enumerate(values)}
        return chosen


def has_any(keys: str) -> str:
    """The SQL condition that `product p` has one of the facet values `keys`, SQL of a text[]."""
    return f"p.facets && {keys}"


def known_values(connection: Connection, filters: Filters) -> tuple[Filters, list[str]]:
    """The same filters with every value in its most frequent spelling, and the values that are left
    out because no product has them."""
    asked = [(facet, value) for facet, values in filters.values.items() for value in values]
    if not asked:
        return filters, []
    rows = connection.exec_driver_sql(
        "SELECT asked.facet, asked.value, v.value FROM search.facet_value v"
        "  JOIN unnest(%(facets)s::text[], %(values)s::text[]) AS asked (facet, value)"
        "    ON v.key = asked.facet || '=' || public.fold_text(asked.value)",
        {"facets": [facet for facet, _ in asked], "values": [value for _, value in asked]},
    )
    shown = {(facet, value): common for facet, value, common in rows}
    for facet, value in asked:
        if (facet, value) not in shown and (folded := _newer_value(connection, facet, value)):
            shown[facet, value] = folded
    known = {
        facet: tuple(dict.fromkeys(shown[facet, it] for it in values if (facet, it) in shown))
        for facet, values in filters.values.items()
    }
    unknown = [value for facet, value in asked if (facet, value) not in shown]
    return replace(filters, values=known), unknown


def _newer_value(connection: Connection, facet: str, value: str) -> str | None:
    """A value that products have and the view does not have yet, folded as `named_values` does."""
    filters = Filters({facet: (value,)})
    (condition,) = filters.conditions()
    found: str | None = connection.exec_driver_sql(
        "SELECT public.fold_text(%(value_0_0)s)"
        f" WHERE EXISTS (SELECT FROM product p WHERE {condition})",
        filters.parameters(),
    ).scalar()
    return found


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value of a facet, in its most frequent spelling, and the number of products that have it;
    None if only a part of the matching products was looked at."""

    value: str
    count: int | None


FacetCounts = Mapping[str, Sequence[FacetValue]]
"""For each facet its values, the most frequent first."""


def named_values(counted: str) -> str:
    """SQL that selects facet, value and products from `counted`, SQL of a relation with the columns
    key and products. A value that is newer than the view is shown folded."""
    return f"""SELECT f.name AS facet,
       coalesce(v.value, substr(counted.key, length(f.name) + 2)) AS value, counted.products
  FROM ({counted}) AS counted
       JOIN facet f ON f.name = split_part(counted.key, '=', 1) AND {IS_SHOWN}
       LEFT JOIN search.facet_value v ON v.key = counted.key"""


def count_facets(connection: Connection, filters: Filters) -> FacetCounts:
    """Count the products that each value would leave if it were the only one chosen in its facet
    and all other filters stayed. Chosen values are listed even where no product is left.
    """
    others, is_exact = _count(connection, filters)
    counts = {
        facet: list_values(values, (), is_exact)
        for facet, values in others.items()
        if facet not in filters.values
    }
    for facet, chosen in filters.values.items():
        found, is_exact = _count(connection, filters.open(facet), facet, chosen)
        counts[facet] = list_values(found.get(facet, {}), chosen, is_exact)
    return counts


def _count(
    connection: Connection, filters: Filters, only: str = "", chosen: tuple[str, ...] = ()
) -> tuple[dict[str, dict[str, int]], bool]:
    """Count the most frequent values of every facet, or of `only` and its `chosen` values.

    Also returns whether all products were counted.
    """
    conditions = " AND ".join(filters.conditions())
    if conditions:
        matching = f"SELECT p.facets FROM product p WHERE {conditions} LIMIT {MAX_COUNTED + 1}"
        counted = named_values(
            "SELECT key, count(*) AS products FROM matching, unnest(matching.facets) AS key"
            " GROUP BY key"
        )
    else:
        matching = "SELECT WHERE false"
        counted = "SELECT facet, value, products FROM search.facet_value"
    rows = connection.exec_driver_sql(
        f"""
WITH matching AS MATERIALIZED ({matching})
SELECT facet, value, products, (SELECT count(*) FROM matching) <= {MAX_COUNTED} AS is_exact
  FROM (SELECT named.*,
               row_number() OVER (PARTITION BY facet ORDER BY products DESC, value) AS place
          FROM ({counted}) AS named
         WHERE %(only)s IN ('', facet)) AS ranked
 WHERE place <= {MAX_VALUES_LISTED} OR value = ANY (%(chosen)s::text[])""",
        filters.parameters() | {"only": only, "chosen": list(chosen)},
    ).all()
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row.facet, {})[row.value] = row.products
    return found, all(row.is_exact for row in rows)


def list_values(
    counts: Mapping[str, int], chosen: tuple[str, ...], is_exact: bool
) -> list[FacetValue]:
    """The values of one facet, the most frequent first; chosen ones are listed with a count of 0
    where no product has them. Without numbers, unless all products were counted."""
    values = dict.fromkeys(chosen, 0) | dict(counts)
    ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    return [FacetValue(value, count if is_exact else None) for value, count in ordered]
