"""Grouped products, which have no price of their own: they cost what the cheapest of their products
does."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from catalog.importing.feeds.rules import LIST, Cells, FeedRows, text
from catalog.importing.feeds.variants import MAX_PARENTS, Fields, Read, Record
from catalog.importing.row_notes import LeftOut, RowError

AMOUNT = re.compile(r"=[\d.]*$")
"""What Magento writes behind an SKU: how many of it are in the group."""

PriceOf = Callable[[Cells], Decimal | None]


def with_group_prices(
    rows: Iterable[Read], rules: FeedRows, fields: Fields, price_of: PriceOf
) -> Iterable[Read]:
    """The rows. A grouped product without a price comes after the others, with the prices of the
    cheapest of its products.

    Args:
        price_of: the price in the cells of a row; None if there is none or it is invalid.
    """
    if rules.find(rules.feed.grouped.get("children", "")):
        return _Groups(rules, fields, price_of).read(rows)
    return rows


class _Groups:
    """The prices of all rows, and the grouped products that wait for them."""

    def __init__(self, rules: FeedRows, fields: Fields, price_of: PriceOf) -> None:
        grouped: Mapping[str, Any] = rules.feed.grouped
        self.rules, self.price_of = rules, price_of
        self.kind, self.values = rules.find(grouped["column"]), grouped["values"]
        self.children = rules.find(grouped["children"])
        self.keys = [rules.find(it) for it in grouped["keys"]]
        self.parent = rules.find(grouped.get("parent", ""))
        self.published = rules.find(grouped.get("published", ""))
        names = ("price", "sale_price", "regular_price", "sale_start", "sale_end", "sale_dates")
        self.columns = [column for name in names for column in fields.get(name, ())]
        self.waiting: deque[Record] = deque()
        self.prices: dict[str, tuple[Decimal, tuple[Any, ...]]] = {}
        """The lowest price by the name of a product or of its parent, with its cells."""
        self.names: dict[str, list[str]] = {}
        """All names by each name of a product without a price, such as one with variations."""

    def read(self, rows: Iterable[Read]) -> Iterator[Read]:
        for row in rows:
            if isinstance(row, RowError | LeftOut):
                yield row
                continue
            cells = row[1]
            price = self.price_of(cells)
            if price is None and text(cells, self.kind).casefold() in self.values:
                self.waiting.append(row)
                if len(self.waiting) > MAX_PARENTS:
                    yield self._settle(self.waiting.popleft())
                continue
            self._remember(cells, price)
            yield row
        for row in self.waiting:
            yield self._settle(row)

    def _remember(self, cells: Cells, price: Decimal | None) -> None:
        names = self._names(cells)
        if price is None:
            self.names |= dict.fromkeys(names, names)
        elif not self.rules.is_left_out_by(self.published, cells):
            found = (price, tuple(cells.get(column) for column in self.columns))
            for name in filter(None, [*names, text(cells, self.parent)]):
                if name not in self.prices or price < self.prices[name][0]:
                    self.prices[name] = found

    def _names(self, cells: Cells) -> list[str]:
        """The SKU, and other keys as rows refer to them: "id:12"."""
        values = [text(cells, key) for key in self.keys]
        return [f"id:{it}" if place else it for place, it in enumerate(values) if it]

    def _settle(self, row: Record) -> Record:
        line, cells, doubt = row
        children = [AMOUNT.sub("", it) for it in LIST.split(text(cells, self.children)) if it]
        names = [name for child in children for name in self.names.get(child, [child])]
        found = [self.prices[it] for it in [*names, *self._names(cells)] if it in self.prices]
        if found:
            cells |= dict(zip(self.columns, min(found, key=lambda it: it[0])[1], strict=True))
            return line, cells, doubt
        return line, cells, "; ".join(filter(None, [doubt, "none of its products has a price"]))
