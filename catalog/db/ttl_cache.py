"""A cache for what searches read from the database and what rarely changes."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from sqlalchemy import Connection

from catalog.db.connection import driver_connection

SECONDS = 60.0
"""How long a value may be used."""

MAX_VALUES = 1000
"""Values kept at the same time: some keys are made of what people ask."""

Value = TypeVar("Value")


class TtlCache(Generic[Value]):
    """Values read by `load`, one a database and key; threads that come at once read it once."""

    def __init__(self, load: Callable[[Connection, str], Value]) -> None:
        self._load = load
        self._kept: dict[tuple[str, str], tuple[float, Value]] = {}
        self._loading = Lock()

    def get(self, connection: Connection, key: str = "") -> Value:
        """The value, at most `SECONDS` old."""
        info = driver_connection(connection).info
        place = f"{info.host}:{info.port}/{info.dbname}", key
        kept = self._kept.get(place)
        if kept is None or kept[0] < time.monotonic() - SECONDS:
            with self._loading:
                kept = self._kept.get(place)
                if kept is None or kept[0] < time.monotonic() - SECONDS:
                    kept = time.monotonic(), self._load(connection, key)
                    if len(self._kept) >= MAX_VALUES:
                        self._kept.clear()
                    self._kept[place] = kept
        return kept[1]

    def forget(self) -> None:
        """Read everything anew when it is next asked for."""
        self._kept.clear()
