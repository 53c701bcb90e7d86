"""Counts requests in memory that the processes of one `serve` share, for `shop.rates`.

A kept connection is answered by one process, so no process can know a client's rate alone. Counters
have a fixed size: a client's requests in this minute and in the one before it, of which the share
counts that the last 60 seconds overlap.
"""

import fcntl
import mmap
import struct
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from shop.rate_memory import MemoryStorage

SETS = 2**13
"""The number of sets of counters. A key belongs to one set, by its hash."""

WAYS = 4
"""Counters of a set. The one that was used in the earliest minute makes room for another."""

_COUNTER = struct.Struct("=qQII")
"""Hash of the key, number of the minute, requests in it, requests in the minute before."""


class SharedMemory(MemoryStorage):
    """The counters. Create it before the processes are forked: they must have the same seed of
    `hash` too."""

    STORAGE_SCHEME = ["shared-memory"]  # noqa: RUF012  as the base class has it

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False) -> None:
        super().__init__(uri, wrap_exceptions)
        self._counters = mmap.mmap(-1, SETS * WAYS * _COUNTER.size)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  open to the end
        self._lock = Lock()

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        with self._locked():
            minute, share = _minute(expiry)
            offset, now, before = self._read(key, minute)
            if now + before * (1 - share) + amount > limit:
                return False
            _COUNTER.pack_into(self._counters, offset, hash(key), minute, now + amount, before)
        return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When a window begins that ends when one more request is accepted, and the requests."""
        with self._locked():
            minute, share = _minute(expiry)
            _, now, before = self._read(key, minute)
        free_at = share  # in minutes since the start of this one
        if now >= limit:
            free_at = 2 - (limit - 1) / now
        elif before:
            free_at = max(share, 1 - (limit - 1 - now) / before)
        begin = time.time() + (free_at - share - 1) * expiry
        return begin, round(now + before * (1 - share))

    def reset(self) -> int:
        with self._locked():
            self._counters[:] = bytes(len(self._counters))
        return 0

    def clear(self, key: str) -> None:
        with self._locked():
            offset, _, _ = self._read(key, 0)
            _COUNTER.pack_into(self._counters, offset, 0, 0, 0, 0)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Between threads and processes. The lock of a killed process ends with it."""
        with self._lock:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)

    def _read(self, key: str, minute: int) -> tuple[int, int, int]:
        """Where the counter of a key is, and its requests in this minute and in the one before."""
        own = hash(key)
        first = own % SETS * WAYS
        offsets = [(first + way) * _COUNTER.size for way in range(WAYS)]
        counters = {offset: _COUNTER.unpack_from(self._counters, offset) for offset in offsets}
        for offset, (other, used, now, before) in counters.items():
            if other == own and used == minute:
                return offset, now, before
            if other == own:
                return offset, 0, now if used == minute - 1 else 0
        return min(offsets, key=lambda offset: counters[offset][1]), 0, 0


def _minute(expiry: int) -> tuple[int, float]:
    """The number of this minute, and the share of it that has passed."""
    minutes = time.monotonic() / expiry
    return int(minutes), minutes % 1
