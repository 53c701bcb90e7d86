"""The one form that text from outside is brought into before anything else reads it."""

import re

# Lone surrogates are not text: no database and no tokenizer accepts them.
SPACE = re.compile(r"[\s\x00\ud800-\udfff]+")


def normalize_space(text: str) -> str:
    """`text` with single spaces between words and none around them; NUL counts as space."""
    return SPACE.sub(" ", text).strip()
