"""`keeping_memory` keeps freed memory in the process and returns it at the end."""

import subprocess
import sys

import pytest

from embedding.malloc import _glibc

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(
        sys.platform != "linux" or _glibc() is None, reason="the allocator is not glibc's"
    ),
]

# In a separate process: one with much free memory would not allocate more from the system.
PROGRAM = """
import os
import numpy as np
from contextlib import suppress
from embedding.malloc import keeping_memory

MEGABYTES = 400

def grown():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6 - before

def use_memory():
    arrays = [np.ones(1_000_000, np.uint8) for _ in range(MEGABYTES)]
    assert grown() > MEGABYTES / 2

before = 0
before = grown()
use_memory()
assert grown() < MEGABYTES / 2
with suppress(ZeroDivisionError), keeping_memory():
    use_memory()
    assert grown() > MEGABYTES / 2
    {end}
assert grown() < MEGABYTES / 2
"""


@pytest.mark.parametrize("end", ["pass", "1 / 0"])
def test_freed_memory_is_kept_and_returned_at_the_end(end: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(end=end)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
