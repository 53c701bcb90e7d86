"""Bounds how much is done at the same time by all processes that are forked from one."""

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

PAUSE = 0.02
"""Seconds between two looks for a free slot."""


class SharedSlots:
    """A number of slots for the threads of all processes that were forked after it was created.

    A slot is a lock of one byte of a file, which ends with a killed process. Such a lock belongs to
    a process, so each also has locks for its threads.
    """

    def __init__(self, count: int) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  open to the end
        self._owned = [Lock() for _ in range(count)]
        os.register_at_fork(after_in_child=self._forget_threads)

    @contextmanager
    def one(self, seconds: float) -> Iterator[bool]:
        """Hold a slot meanwhile; False if none was free for so many seconds."""
        deadline = time.monotonic() + seconds
        while (slot := self._take()) is None and time.monotonic() < deadline:
            time.sleep(PAUSE)
        try:
            yield slot is not None
        finally:
            if slot is not None:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, slot)
                self._owned[slot].release()

    def _take(self) -> int | None:
        for slot, owned in enumerate(self._owned):
            if not owned.acquire(blocking=False):
                continue
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, slot)
            except BlockingIOError:
                owned.release()
            else:
                return slot
        return None

    def _forget_threads(self) -> None:
        """The threads of the parent, and its locks of the file, are not in a child."""
        self._owned = [Lock() for _ in self._owned]
