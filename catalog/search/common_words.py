"""Common English words and names, which spelling correction treats as correct."""

from functools import cache
from pathlib import Path

FILE = Path(__file__).with_suffix(".txt")
"""The alphabetic tokens of all-MiniLM-L6-v2's vocabulary (Apache-2.0), in lower case, one per line.
Its tokenizer splits all rarer words into pieces."""


@cache
def common_words() -> frozenset[str]:
    """About 22,000 words in lower case."""
    return frozenset(FILE.read_text("utf-8").split())
