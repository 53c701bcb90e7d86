"""What a feed's format says about the cells of a row, with the column names of a file."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from catalog.importing.feeds.formats import FeedFormat, normalise_name

NEXT_ATTRIBUTE = re.compile(r",(?=\w+=)")
LIST = re.compile(r"\s*(?<!\\),\s*")
DEFAULT_OPTION = ("title", "default title")
"""What Shopify writes for a product without options."""

PERSONS = {
    "adult": {"male": "Men", "female": "Women", "unisex": "Unisex"},
    "kids": {"male": "Boys", "female": "Girls", "unisex": "Kids", "": "Kids"},
    "infant": {"male": "Baby boys", "female": "Baby girls", "unisex": "Babies", "": "Babies"},
}
"""Whom a product is for, by the age group and the gender of Google's specification."""

AGE_GROUPS = {"": "adult", "toddler": "kids", "newborn": "infant"}
"""Age groups that are read as another one. Without one, Google takes products as for adults."""

Cells = Mapping[str, Any]


class FeedRows:
    """The rules of a format for the rows of one file.

    Args:
        columns: the names of all columns of the file.
    """

    def __init__(self, feed: FeedFormat, columns: Iterable[str]) -> None:
        self.feed = feed
        self.columns = {normalise_name(column): column for column in columns if column}
        self.lists = {self.find(column) for column in feed.lists}
        self.left_out = [
            (self.find(column), {cell.casefold(): reason for cell, reason in reasons.items()})
            for column, reasons in feed.left_out.items()
        ]
        self.unlimited = [
            (self.find(column), values)
            for column, values in feed.unlimited.items()
            if self.find(column)
        ]
        self.pairs = [
            (self.find(name), self.find(value))
            for name, value in zip(feed.attribute_names, feed.attribute_values, strict=True)
            if self.find(name) and self.find(value)
        ]
        self.attribute_list = self.find(feed.attribute_list)
        self.age_group = self.find(feed.age_group)

    def find(self, column: str) -> str:
        """The file's name of a column of the format; "" if the file does not have it. `a|b` is the
        first of them that it has."""
        names = (self.columns.get(normalise_name(choice), "") for choice in column.split("|"))
        return next(filter(None, names), "")

    def why_left_out(self, cells: Cells) -> str:
        """The reason if the row is no product, or ""."""
        for column, reasons in self.left_out:
            cell = text(cells, column).casefold()
            if reason := reasons.get(cell, reasons.get("*") if cell else ""):
                return f"{reason} ({column})"
        return ""

    def is_left_out_by(self, column: str, cells: Cells) -> bool:
        """Whether this column of the file says that the row is no product."""
        return any(
            text(cells, it).casefold() in reasons for it, reasons in self.left_out if it == column
        )

    def is_unlimited(self, cells: Cells) -> bool:
        """Whether more can be sold than the quantity."""
        return any(text(cells, column).casefold() in known for column, known in self.unlimited)

    def person(self, cells: Cells, gender: str) -> str:
        """Whom the product is for, such as "Boys" of "male" and "kids"; `gender` if the row has
        other words."""
        age = text(cells, self.age_group).casefold()
        return PERSONS.get(AGE_GROUPS.get(age, age), {}).get(gender.casefold(), gender)

    def split_path(self, cell: str) -> list[str]:
        """The parts of the longest category path in a cell."""
        paths = [
            [part for it in path.split(self.feed.path_separator) if (part := it.strip())]
            for path in (LIST.split(cell) if self.feed.path_list else [cell])
        ]
        parts = [part.replace("\\,", ",") for part in max(paths, key=len)]
        return parts[1:] if parts and parts[0] == self.feed.path_root else parts

    def named_attributes(self, cells: Cells) -> Iterator[tuple[str, Any]]:
        """The attributes whose names are in cells, too."""
        for name_column, column in self.pairs:
            name, value = text(cells, name_column), text(cells, column)
            if name and (name.casefold(), value.casefold()) != DEFAULT_OPTION:
                yield name, self.split_list(column, value)
        for pair in NEXT_ATTRIBUTE.split(text(cells, self.attribute_list)):
            name, equals, value = pair.partition("=")
            if equals and name.strip():
                yield name.strip(), value.split("|") if "|" in value else value

    def split_list(self, column: str, cell: Any) -> Any:
        """The values in a cell of one of the format's lists; other cells as they are."""
        if column not in self.lists or not isinstance(cell, str) or "," not in cell:
            return cell
        return [part.replace("\\,", ",") for part in LIST.split(cell.strip()) if part]


def text(cells: Cells, column: str) -> str:
    """The text of a cell without surrounding spaces; "" if there is no such column."""
    return str(cells.get(column) or "").strip()
