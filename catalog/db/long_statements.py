"""Runs long statements, whose placeholders are converted only once.

psycopg converts named placeholders again for each execution of a statement of more than 4 kB. The
statement of a search has 14 kB, of which that took a millisecond.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.rows import dict_row

MAX_STATEMENTS = 128
"""The maximum number of statements that are kept. There is one for each combination of signals,
filters and orders."""

PLACEHOLDER = re.compile(r"%(?:%|\((\w+)\)s)")


def execute_long(
    connection: psycopg.Connection, sql: str, parameters: Mapping[str, Any], **options: Any
) -> psycopg.Cursor[dict[str, Any]]:
    """Execute a statement with placeholders such as `%(name)s`; results are transferred in binary.

    Args:
        options: further arguments of psycopg's `execute`.
    """
    query, names = _with_numbers(sql)
    values = [parameters[name] for name in names]
    cursor = psycopg.RawCursor(connection, row_factory=dict_row)
    return cursor.execute(query, values, binary=True, **options)


@lru_cache(maxsize=MAX_STATEMENTS)
def _with_numbers(sql: str) -> tuple[bytes, tuple[str, ...]]:
    """The statement with `$1` in place of the first name and so on, and the names in this order."""
    numbers: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        return f"${numbers.setdefault(found[1], len(numbers) + 1)}" if found[1] else "%"

    return PLACEHOLDER.sub(number, sql).encode(), tuple(numbers)
