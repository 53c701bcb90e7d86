"""The formats of feeds, such as Shopify's export, as data: the `*.toml` files beside this one.

A format says which columns it is recognised by, which field each column is, and which rows are no
products. The keys of a file are the fields of `FeedFormat`.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache, cached_property
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
PLAIN_NAMES = ("none", "plain")


def normalise_name(column: str) -> str:
    """The name of a column without case, spaces and punctuation."""
    return re.sub(r"[\W_]+", "", column.casefold())


def normalise_pattern(pattern: str) -> str:
    """Like `normalise_name`, for a pattern of names: `*` stands for anything."""
    return "*".join(map(normalise_name, pattern.split("*")))


@dataclass(frozen=True)
class FeedFormat:
    """How a kind of feed is read. Column names match in any case, without spaces and punctuation.

    Args:
        name: the name of its file, for `--format`.
        label: what it is, in words.
        recognised_by: columns that must be there. `a|b` is one of them.
        fields: the columns of each field, the most important one first.
        ignored: patterns of columns that are not read.
        empty: cells that stand for a missing value, besides those of every file.
        unlimited: cells by column with which a quantity does not count.
        path_separator: between the parts of a category path.
        path_list: between several category paths in one cell; "" if there is one.
        path_root: a first part that all category paths have and that is left out.
        picture_root: what the names of picture files begin with and the folder does not have.
        attribute_names, attribute_values: pairs of columns with the name and value of an attribute.
        attribute_list: a column such as "colour=Blue,material=Nylon".
        lists: columns of attributes whose values are separated by commas.
        age_group: a column with an age group of Google's specification, which says with the gender
            whom a product is for.
        escaped: fields in which a backslash and an n are a line end.
        month_first: whether dates such as 1/2/25 begin with the month, if none in the file tells.
        left_out: reasons by cell (`*` is any other that is not empty) by column: rows that are no
            products. "" keeps the row.
        group: the column (or one of `a|b`) that is the same in consecutive rows of one product.
        own: patterns of the columns that rows of a group do not inherit from its first row.
        parent: the rows from which other rows inherit, and the columns that connect them.
        grouped: rows that have the price of the cheapest product that they name.
        continued: columns in which rows without a key continue the row above, with what separates
            their values.
    """

    name: str = ""
    label: str = ""
    recognised_by: tuple[str, ...] = ()
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    empty: frozenset[str] = frozenset()
    unlimited: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    path_separator: str = ">"
    path_list: str = ""
    path_root: str = ""
    picture_root: str = ""
    attribute_names: tuple[str, ...] = ()
    attribute_values: tuple[str, ...] = ()
    attribute_list: str = ""
    lists: tuple[str, ...] = ()
    age_group: str = ""
    escaped: tuple[str, ...] = ()
    month_first: bool | None = None
    left_out: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    group: str = ""
    own: tuple[str, ...] = ()
    parent: Mapping[str, Any] = field(default_factory=dict)
    grouped: Mapping[str, Any] = field(default_factory=dict)
    continued: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.name)

    def matches(self, names: Iterable[str]) -> bool:
        """Whether a header with these normalised names is one of this format."""
        known = set(names)
        return bool(self.recognised_by) and all(
            any(normalise_name(name) in known for name in choice.split("|"))
            for choice in self.recognised_by
        )

    @cached_property
    def by_column(self) -> dict[str, str]:
        """The field of each normalised column name; "" for columns with another use."""
        used = [
            *(self.attribute_names + self.attribute_values),
            *(
                self.attribute_list,
                self.age_group,
                *self.group.split("|"),
                *self.unlimited,
                *self.left_out,
            ),
            *(self.parent.get(name, "") for name in ("column", "reference")),
            *(self.grouped.get(name, "") for name in ("column", "parent")),
            *self.grouped.get("children", "").split("|"),
            *self.continued.get("columns", ()),
        ]
        return dict.fromkeys(map(normalise_name, filter(None, used)), "") | {
            normalise_name(column): name
            for name, columns in self.fields.items()
            for column in columns
        }

    def field_of(self, name: str) -> str | None:
        """The field of a column by its normalised name, "" if it is ignored, None if unknown."""
        if name in self.by_column:
            return self.by_column[name]
        ignored = any(fnmatchcase(name, pattern) for pattern in self._ignored)
        return "" if ignored else None

    @cached_property
    def _ignored(self) -> tuple[str, ...]:
        return tuple(map(normalise_pattern, self.ignored))

    def is_own(self, column: str) -> bool:
        """Whether a row has its own value in the column, even an empty one."""
        name = normalise_name(column)
        return any(fnmatchcase(name, normalise_pattern(pattern)) for pattern in self.own)


PLAIN = FeedFormat()
"""A file that is no known feed: its columns are read by their names."""


@cache
def feed_formats() -> dict[str, FeedFormat]:
    """The formats by name, in the order in which they are tried."""
    formats = (_read(file) for file in sorted(FOLDER.glob("*.toml")))
    # A format that needs more columns comes first.
    return {it.name: it for it in sorted(formats, key=lambda it: -len(it.recognised_by))}


def recognise(names: Iterable[str]) -> FeedFormat:
    """The format of a header with these normalised names; `PLAIN` if it is none."""
    known = set(names)
    return next((it for it in feed_formats().values() if it.matches(known)), PLAIN)


def _read(file: Path) -> FeedFormat:
    entries = tomllib.loads(file.read_text("utf-8"))
    for name, value in entries.items():
        if name == "empty":
            entries[name] = frozenset(value)
        elif isinstance(value, list):
            entries[name] = tuple(value)
    entries["fields"] = {name: tuple(columns) for name, columns in entries["fields"].items()}
    return FeedFormat(name=file.stem, **entries)
