"""Memory that is freed stays with the process while that is wanted, and is given back after."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from embedding.memory import _glibc, keeping_memory

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or _glibc() is None, reason="the allocator is not glibc's"
)
MEGABYTES = 400


def resident() -> float:
    """Megabytes of memory that the process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


def use_memory() -> None:
    arrays = [np.ones(1_000_000, np.uint8) for _ in range(MEGABYTES)]
    del arrays


def test_freed_memory_is_kept_and_given_back_at_the_end() -> None:
    before = resident()
    use_memory()
    assert resident() - before < MEGABYTES / 2
    with keeping_memory():
        use_memory()
        assert resident() - before > MEGABYTES / 2
    assert resident() - before < MEGABYTES / 2


def test_it_is_given_back_after_an_error_too() -> None:
    def fail() -> None:
        use_memory()
        raise ZeroDivisionError

    before = resident()
    with pytest.raises(ZeroDivisionError), keeping_memory():
        fail()
    assert resident() - before < MEGABYTES / 2
