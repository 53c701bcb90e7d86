"""Counts requests in the memory of this process, for `shop.rates`.

The memory storage of `limits` keeps every client that it has ever seen, and starts a thread for
each request. This one has a maximum size.
"""

import time
from collections import OrderedDict, deque
from threading import Lock

from limits.storage import MovingWindowSupport, Storage

MAX_CLIENTS = 10_000
"""The maximum number of counters. Those that were not used for the longest time are forgotten."""

MAX_TIMES = 500_000
"""The maximum number of requests that all counters remember, in about 16 MB."""


class MemoryStorage(Storage, MovingWindowSupport):
    """What storages in memory have in common: nothing fails, and windows move."""

    @property
    def base_exceptions(self) -> type[Exception]:
        return OSError  # memory raises none

    def check(self) -> bool:
        return True

    # Only strategies with fixed windows use these.

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError

    def get(self, key: str) -> int:
        raise NotImplementedError

    def get_expiry(self, key: str) -> float:
        raise NotImplementedError


class BoundedMemory(MemoryStorage):
    """The moving windows of the clients: the times of their requests, the oldest first."""

    STORAGE_SCHEME = ["bounded-memory"]  # noqa: RUF012  as the base class has it

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False) -> None:
        super().__init__(uri, wrap_exceptions)
        self._lock = Lock()
        self._windows: OrderedDict[str, deque[float]] = OrderedDict()
        self._times = 0

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        with self._lock:
            window = self._window(key, expiry)
            if len(window) + amount > limit:
                return False
            window.extend([time.monotonic()] * amount)
            self._times += amount
            while len(self._windows) > MAX_CLIENTS or self._times > MAX_TIMES:
                _, oldest = self._windows.popitem(last=False)
                self._times -= len(oldest)
        return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        with self._lock:
            window = self._window(key, expiry)
            age = time.monotonic() - window[0] if window else 0.0
            return time.time() - age, len(window)

    def _window(self, key: str, expiry: int) -> deque[float]:
        """The requests of the last `expiry` seconds."""
        window = self._windows.setdefault(key, deque())
        self._windows.move_to_end(key)
        start = time.monotonic() - expiry
        while window and window[0] < start:
            window.popleft()
            self._times -= 1
        return window

    def reset(self) -> int:
        with self._lock:
            number = len(self._windows)
            self._windows.clear()
            self._times = 0
            return number

    def clear(self, key: str) -> None:
        with self._lock:
            self._times -= len(self._windows.pop(key, ()))
