"""Reproducible random generators, identical in every run and process."""

from __future__ import annotations

import hashlib
import random


def stable_seed(*parts: object) -> int:
    """Return a 64-bit seed that depends only on the text of `parts`.

    Python's `hash()` of a string differs between processes, so it cannot be used as a seed.
    """
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def generator(*parts: object) -> random.Random:
    """Return a separate random generator for the purpose named by `parts`."""
    return random.Random(stable_seed(*parts))
