"""What glibc does with memory that is freed. Elsewhere nothing of this has an effect."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4  # malloc.h
MAPPINGS = 65536
LARGE = 32 << 20
"""The size, in bytes, that glibc's own threshold of what is mapped by itself grows to."""


def keep_memory() -> None:
    """Keep what is freed for the next batch, instead of giving its pages back.

    Encoders, decoders and training take the same large arrays over and over, and pages that are
    asked for anew cost a good part of what is computed in them: on a CPU training is three times
    as fast, `fashion` twice in batches of 32. The process stays as large as it ever was.
    """
    if libc := _glibc():
        libc.mallopt(M_TRIM_THRESHOLD, -1)
        libc.mallopt(M_MMAP_MAX, 0)


@contextmanager
def keeping_memory() -> Iterator[None]:
    """`keep_memory` for a while; at the end what is free is given back."""
    keep_memory()
    try:
        yield
    finally:
        if libc := _glibc():
            libc.mallopt(M_MMAP_MAX, MAPPINGS)
            libc.mallopt(M_MMAP_THRESHOLD, LARGE)
            libc.mallopt(M_TRIM_THRESHOLD, 2 * LARGE)
            libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
