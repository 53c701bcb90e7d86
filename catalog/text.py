"""Normalizes text from outside before any other code reads it."""

import re

# Lone surrogates are invalid text, which no database or tokenizer accepts.
SPACE = re.compile(r"[\s\x00\ud800-\udfff]+")


def normalize_space(text: str) -> str:
    """Replace each run of whitespace, NUL and lone surrogates by one space, and strip both ends."""
    return SPACE.sub(" ", text).strip()
