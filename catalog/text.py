"""Normalizes text from outside before any other code reads it, and names for display."""

import re

# Lone surrogates are invalid text, which no database or tokenizer accepts.
SPACE = re.compile(r"[\s\x00\ud800-\udfff]+")


def normalize_space(text: str) -> str:
    """Replace each run of whitespace, NUL and lone surrogates by one space, and strip both ends."""
    return SPACE.sub(" ", text).strip()


def readable(name: str) -> str:
    """The name of an attribute as a label: without underscores, with a capital letter."""
    words = normalize_space(name.replace("_", " "))
    return words[:1].upper() + words[1:]
