"""Feeds in which several rows are one product with variants: rows get what they inherit.

In some, the rows of a product follow each other and only the first one is complete (`group`). In
others, a row is the parent of rows that name it (`parent`). Or rows without an SKU have more values
of the product above (`continued`).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from catalog.importing.cells.texts import parse_sku
from catalog.importing.feeds.rules import FeedRows, text
from catalog.importing.row_notes import LeftOut, RowError
from catalog.text import fold

MAX_GROUP = 5_000
"""The maximum number of rows of one product."""

MAX_PARENTS = 2_000
"""How many parents are kept for the rows that name them, the last ones."""

Record = tuple[int, dict[str, Any], str]
"""The line of a row, its cells by column, and a doubt about how it was divided into cells."""


Read = Record | RowError | LeftOut

Fields = Mapping[str, tuple[str, ...]]
"""The columns of each field, the most important one first."""


def with_variants(rows: Iterable[Read], rules: FeedRows, fields: Fields) -> Iterable[Read]:
    """The rows with what they inherit. Those that are no products are left out with a reason."""
    if rules.find(rules.feed.group):
        return _Groups(rules, fields).read(rows)
    if rules.find(rules.feed.parent.get("column", "")):
        return _Parents(rules).read(rows)
    return rows


def with_continued(rows: Iterable[Read], rules: FeedRows) -> Iterable[Read]:
    """The rows with the values that rows without an SKU add to them, which are left out."""
    columns = rules.feed.continued.get("columns", ())
    return _Continued(rules).read(rows) if any(map(rules.find, columns)) else rows


class _Groups:
    """Consecutive rows with the same handle."""

    def __init__(self, rules: FeedRows, fields: Fields) -> None:
        self.rules = rules
        self.handle = rules.find(rules.feed.group)
        self.inherited = [it for it in rules.columns.values() if not rules.feed.is_own(it)]
        self.sku = fields["sku"][0]
        self.options = [value for _, value in rules.pairs]
        pictures = fields.get("image_url", ())
        self.own_picture, self.pictures = pictures[:-1], pictures[-1:]
        prices = fields.get("price", ())
        self.variant = {self.sku, *self.options, *prices} - {self.handle}

    def read(self, rows: Iterable[Read]) -> Iterator[Read]:
        group: list[Record] = []
        for row in rows:
            if isinstance(row, RowError | LeftOut):
                yield row
                continue
            handle = text(row[1], self.handle)
            if group and (not handle or handle != text(group[0][1], self.handle)):
                yield from self._complete(group)
                group = []
            if len(group) < MAX_GROUP:
                group.append(row)
            else:
                reason = f"more than {MAX_GROUP} rows of one product"
                yield RowError(row[0], parse_sku(text(row[1], self.sku)), reason)
        yield from self._complete(group)

    def _complete(self, rows: list[Record]) -> Iterator[Record | LeftOut]:
        """The rows of one product."""
        if not rows:
            return
        first = rows[0][1]
        handle = text(first, self.handle)
        every = [
            dict.fromkeys(cell for column in self.pictures if (cell := text(cells, column)))
            for _, cells, _ in rows
        ]
        shared = "|".join(dict.fromkeys(picture for one in every for picture in one))
        for line, cells, doubt in rows:
            if cells is not first and not any(text(cells, column) for column in self.variant):
                yield LeftOut(line, "", f"adds a picture to {handle}")
                continue
            for column in self.inherited:
                if not text(cells, column):
                    cells[column] = first.get(column)
            for column in self.pictures:
                cells[column] = shared
            self._name(cells, handle)
            yield line, cells, doubt

    def _name(self, cells: dict[str, Any], handle: str) -> None:
        """Give a row without an SKU one of its handle and its options. Shopify writes an apostrophe
        in front of numbers."""
        sku = "" if self.sku == self.handle else text(cells, self.sku).removeprefix("'")
        if not sku:
            values = (fold(text(cells, column)) for column in self.options)
            options = [it.replace(" ", "-") for it in values if it not in ("", "default title")]
            sku = "-".join([handle, *options])
        cells[self.sku] = sku


class _Continued:
    """Rows without a key, which continue the row above."""

    def __init__(self, rules: FeedRows) -> None:
        self.key = rules.find(rules.feed.continued["key"])
        columns = rules.feed.continued["columns"].items()
        self.separators = {name: mark for it, mark in columns if (name := rules.find(it))}

    def read(self, rows: Iterable[Read]) -> Iterator[Read]:
        product: Record | None = None
        for row in rows:
            if isinstance(row, RowError | LeftOut):
                yield row
            elif product is None or text(row[1], self.key):
                if product is not None:
                    yield product
                product = row
                self._escape(row[1])
            else:
                self._escape(row[1])
                self._add(product[1], row[1])
                yield LeftOut(row[0], "", f"continues {text(product[1], self.key)}")
        if product is not None:
            yield product

    def _escape(self, cells: dict[str, Any]) -> None:
        """A cell has one value, so that a comma in it separates nothing."""
        for column, separator in self.separators.items():
            cells[column] = text(cells, column).replace(separator, f"\\{separator}")

    def _add(self, product: dict[str, Any], cells: dict[str, Any]) -> None:
        for column, separator in self.separators.items():
            if more := text(cells, column):
                known = text(product, column)
                product[column] = f"{known}{separator}{more}" if known else more


class _Parents:
    """Rows that name their parent by its SKU, or by its id as "id:12"."""

    def __init__(self, rules: FeedRows) -> None:
        self.rules = rules
        parent = rules.feed.parent
        self.kind = rules.find(parent["column"])
        self.values = parent["values"]
        self.keys = [key for it in parent["keys"] if (key := rules.find(it))]
        self.reference = rules.find(parent["reference"])
        self.inherited = [column for it in parent["inherit"] if (column := rules.find(it))]
        self.reason = parent["reason"]
        self.waiting: dict[int, Record] = {}
        self.known: dict[str, Record] = {}
        self.used: set[int] = set()

    def read(self, rows: Iterable[Read]) -> Iterator[Read]:
        for row in rows:
            if isinstance(row, RowError | LeftOut):
                yield row
            elif text(row[1], self.kind).casefold() in self.values:
                self.waiting[row[0]] = row
                for key in self.keys:
                    if name := text(row[1], key):
                        self.known[name] = self.known[f"id:{name}"] = row
                if len(self.waiting) > MAX_PARENTS:
                    yield self._settle(next(iter(self.waiting)))
            else:
                if parent := self.known.get(text(row[1], self.reference)):
                    self.used.add(parent[0])
                    for column in self.inherited:
                        if not text(row[1], column):
                            row[1][column] = parent[1].get(column)
                yield row
        for line in list(self.waiting):
            yield self._settle(line)

    def _settle(self, line: int) -> Record | LeftOut:
        """What becomes of a parent: a product only if no row has named it."""
        row = self.waiting.pop(line)
        names = [name for key in self.keys if (name := text(row[1], key))]
        for name in names:
            if self.known.get(name) is row:
                del self.known[name], self.known[f"id:{name}"]
        if line not in self.used:
            return row
        return LeftOut(line, names[0] if names else "", self.reason)
