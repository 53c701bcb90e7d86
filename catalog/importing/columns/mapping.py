"""Which column of an import file is read as which field."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from catalog.importing.cells.texts import FieldError
from catalog.importing.columns.names import (
    FIELDS,
    PICTURES,
    REPEATED,
    field_by_name,
)
from catalog.importing.feeds.formats import PLAIN, FeedFormat, normalise_name


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of each field, the most important one first, and those of the attributes."""

    fields: Mapping[str, tuple[str, ...]]
    attributes: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    feed: FeedFormat = field(default=PLAIN)

    @property
    def names(self) -> tuple[str, ...]:
        """All columns."""
        return (*self.attributes, *self.ignored, *sum(self.fields.values(), ()))

    @classmethod
    def from_header(
        cls, header: Sequence[str], mapping: Mapping[str, str], feed: FeedFormat = PLAIN
    ) -> "Columns":
        """Match columns to fields: first by `mapping` (column to field), then as the columns of
        `feed`, then by name.

        Raises:
            FieldError: no column for `sku` or `title`, two columns for one field, or an unknown
                column or field in `mapping`.
        """
        for column, target in mapping.items():
            if column not in header:
                raise FieldError(f"--map: no column {column!r}; columns are {_join(header)}")
            if target not in FIELDS and target != "":
                raise FieldError(f"--map: no field {target!r}; fields are {_join(FIELDS)}")
        targets = _targets(header, mapping, feed)
        fields: dict[str, tuple[str, ...]] = {}
        problems = []
        for name in FIELDS:
            columns = [column for column, target in targets.items() if target == name]
            if len(columns) > 1 and not _may_be_several(name, columns, mapping, feed):
                problems.append(_both(columns, header, name))
            if columns:
                fields[name] = tuple(_by_importance(name, columns, feed))
        attributes = [column for column, target in targets.items() if target is None]
        if not feed:
            problems += [
                f"the header has a column twice: {_both(pair, header)}"
                for pair in _repeated(attributes)
            ]
        if problems:
            raise FieldError("; ".join(problems))
        if missing := [name for name in ("sku", "title") if name not in fields]:
            options = " ".join(f"--map 'COLUMN={name}'" for name in missing)
            raise FieldError(
                f"no column for {' and '.join(missing)} in {_join(header)}: specify"
                f" {'it' if len(missing) == 1 else 'them'} with {options}"
            )
        ignored = (column for column, target in targets.items() if target == "")
        return cls(fields, tuple(attributes), tuple(ignored), feed)


def unique_names(header: Iterable[str]) -> list[str]:
    """The names with a number where a name comes again: price, "price (2)"."""
    seen: dict[str, int] = {}
    names = []
    for name in header:
        seen[name] = seen.get(name, 0) + 1
        names.append(f"{name} ({seen[name]})" if name and seen[name] > 1 else name)
    return names


def _targets(
    header: Sequence[str], mapping: Mapping[str, str], feed: FeedFormat
) -> dict[str, str | None]:
    """The field of each column; "" if it is ignored, None if it is an attribute."""
    targets: dict[str, str | None] = {"": ""} if "" in header else {}
    for column in header:
        if column in mapping or not column:
            continue
        targets[column] = feed.field_of(normalise_name(REPEATED.sub("", column))) if feed else None
    # A column that the format does not know may still be a field that no other column is.
    taken = {target for target in (*targets.values(), *mapping.values()) if target}
    for column, target in targets.items():
        if target is None:
            by_name = field_by_name(column)
            if by_name in taken and by_name not in PICTURES:  # it was chosen against
                by_name = "" if REPEATED.search(column) else None
            targets[column] = by_name
        elif target in mapping.values() and target not in PICTURES:
            targets[column] = ""
    return targets | dict(mapping)


def _may_be_several(
    name: str, columns: Sequence[str], mapping: Mapping[str, str], feed: FeedFormat
) -> bool:
    """Whether several columns of a field are no mistake."""
    if name in PICTURES:
        return True
    known = [column for column in columns if column not in mapping]
    return len(known) == len(columns) and name in feed.fields


def _by_importance(name: str, columns: Sequence[str], feed: FeedFormat) -> list[str]:
    order = [normalise_name(column) for column in feed.fields.get(name, ())]

    def place(column: str) -> int:
        base = normalise_name(REPEATED.sub("", column))
        return order.index(base) if base in order else len(order)

    return sorted(columns, key=place)


def _repeated(columns: Iterable[str]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for column in columns:
        groups.setdefault(REPEATED.sub("", column), []).append(column)
    return [group for group in groups.values() if len(group) > 1]


def _both(columns: Sequence[str], header: Sequence[str], name: str = "") -> str:
    """Names the columns with their places, and how to choose one."""
    places = [f"{column!r} (column {header.index(column) + 1})" for column in columns]
    listed = f"{', '.join(places[:-1])} and {places[-1]}"
    if not name:
        return f"{listed}: ignore one with --map '{columns[-1]}='"
    choices = " or ".join(f"--map '{column}={name}'" for column in columns)
    return f"the columns {listed} both map to {name}: choose with {choices}"


def _join(names: Iterable[str]) -> str:
    return ", ".join(names)
