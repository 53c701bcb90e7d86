"""Values that are kept in the memory of a process for some seconds, up to a number and a size."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

MAX_ENTRIES = 2000
"""The maximum number of values."""

MAX_BYTES = 32 * 2**20
"""The maximum size of all values, as far as `size_of` knows it."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Kept(Generic[Value]):
    """A value, and when it is too old, by the clock of `time.monotonic`."""

    value: Value
    size: int
    until: float


class KeptValues(Generic[Value]):
    """Values by key. They are shared, so nobody may change them.

    Args:
        size_of: about how many bytes a value needs.
    """

    def __init__(self, size_of: Callable[[Value], int]) -> None:
        self._size_of = size_of
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, Kept[Value]] = OrderedDict()  # the oldest first
        self._size = 0

    def get(self, key: Hashable) -> Kept[Value] | None:
        """The value of a key, unless it is too old."""
        now = monotonic()
        with self._lock:
            while self._kept and next(iter(self._kept.values())).until <= now:
                self._drop_oldest()
            kept = self._kept.get(key)
        return None if kept is None or kept.until <= now else kept

    def keep(self, key: Hashable, value: Value, until: float) -> None:
        """Keep a value. The oldest ones are dropped if there are too many, or if all are too
        large."""
        kept = Kept(value, self._size_of(value), until)
        with self._lock:
            if (known := self._kept.pop(key, None)) is not None:
                self._size -= known.size
            self._kept[key] = kept
            self._size += kept.size
            while len(self._kept) > MAX_ENTRIES or self._size > MAX_BYTES:
                self._drop_oldest()

    def forget(self) -> None:
        """Forget all values."""
        with self._lock:
            self._kept.clear()
            self._size = 0

    def _drop_oldest(self) -> None:
        _, oldest = self._kept.popitem(last=False)
        self._size -= oldest.size
