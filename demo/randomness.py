"""Random numbers that are the same on every run, for every product, in every process."""

from __future__ import annotations

import hashlib
import random


def stable_seed(*parts: object) -> int:
    """Return a 64-bit seed that depends on the text of `parts` alone.

    Python's own `hash()` of a string changes from one process to the next, which would draw
    every product differently on each run.
    """
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def generator(*parts: object) -> random.Random:
    """Return a random generator of its own for the purpose named by `parts`."""
    return random.Random(stable_seed(*parts))
