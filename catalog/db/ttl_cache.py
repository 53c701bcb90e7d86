"""A cache for values that searches read from the database and that rarely change."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from sqlalchemy import Connection

from catalog.db.connection import driver_connection

SECONDS = 60.0
"""How long a value is used before it is loaded again."""

MAX_VALUES = 1000
"""Maximum number of values; some keys depend on user input."""

Value = TypeVar("Value")


def database_of(connection: Connection) -> str:
    """The database of a connection, as a key of a cache."""
    info = driver_connection(connection).info
    return f"{info.host}:{info.port}/{info.dbname}"


class TtlCache(Generic[Value]):
    """Values loaded by `load`, one per database and key.

    One thread loads an expired value, while others still use it. No thread waits for another: the
    one that loads may wait for the connection that the other one holds, behind a pooler.
    """

    def __init__(self, load: Callable[[Connection, str], Value]) -> None:
        self._load = load
        self._values: dict[tuple[str, str], tuple[float, Value]] = {}
        self._loading = Lock()

    def get(self, connection: Connection, key: str = "") -> Value:
        """The value; one that is `SECONDS` old is loaded again."""
        slot = database_of(connection), key
        cached = self._values.get(slot)
        if cached is None:
            return self._fill(connection, slot)
        if cached[0] < time.monotonic() - SECONDS and self._loading.acquire(blocking=False):
            try:
                return self._fill(connection, slot)
            finally:
                self._loading.release()
        return cached[1]

    def _fill(self, connection: Connection, slot: tuple[str, str]) -> Value:
        value = self._load(connection, slot[1])
        if len(self._values) >= MAX_VALUES:
            self._values.clear()
        self._values[slot] = time.monotonic(), value
        return value

    def forget(self) -> None:
        """Clear the cache."""
        self._values.clear()
