"""An array in memory that worker processes share with their parent.

An anonymous file rather than `multiprocessing.shared_memory`: it needs no room in /dev/shm, which
containers keep small, and nothing of it is left when the process is killed.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from math import prod
from multiprocessing.reduction import DupFd
from typing import Any

import numpy as np


class SharedPixels:
    """8-bit values, of which a process that is started with it sees the very same.

    Can be pickled only while a process is being started, as one of its arguments.

    Args:
        file: descriptor of a file as large as `shape`, which the object keeps and closes.
        shape: of the `array`.
    """

    def __init__(self, file: int, shape: tuple[int, ...]) -> None:
        self._file = file
        self.array = np.frombuffer(mmap.mmap(file, prod(shape)), np.uint8).reshape(shape)

    @classmethod
    def empty(cls, shape: tuple[int, ...]) -> SharedPixels:
        """Memory of its own, taken as it is first written to."""
        file = _anonymous_file()
        os.truncate(file, prod(shape))
        return cls(file, shape)

    def close(self) -> None:
        """Give up the file; the memory goes with the last array that looks into it."""
        os.close(self._file)

    def __reduce__(self) -> tuple[Any, ...]:
        return _attach, (DupFd(self._file), self.array.shape)


def _attach(file: Any, shape: tuple[int, ...]) -> SharedPixels:
    return SharedPixels(file.detach(), shape)


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("pixels")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
