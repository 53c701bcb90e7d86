"""A numpy array in memory that is shared with worker processes.

It is an anonymous file rather than `multiprocessing.shared_memory`: it does not use /dev/shm, which
is small in containers, and the kernel frees it even if the process is killed.
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
    """A uint8 `array` that is shared with the processes that receive it.

    Can only be pickled as an argument of a process that is being started.

    Args:
        file: descriptor of a file of prod(shape) bytes. This object owns and closes it.
        shape: the shape of `array`.
    """

    def __init__(self, file: int, shape: tuple[int, ...]) -> None:
        self._file = file
        self.array = np.frombuffer(mmap.mmap(file, prod(shape)), np.uint8).reshape(shape)

    @classmethod
    def empty(cls, shape: tuple[int, ...]) -> SharedPixels:
        """A new shared array. Its pages are allocated when they are first written to."""
        file = _anonymous_file()
        os.truncate(file, prod(shape))
        return cls(file, shape)

    def close(self) -> None:
        """Close the file. The memory is freed with the last array that refers to it."""
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
