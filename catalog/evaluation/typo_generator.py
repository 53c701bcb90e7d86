"""Makes queries with one typo, to measure spelling correction."""

import re
from random import Random
from string import ascii_lowercase

WORD = re.compile(r"[^\W\d_]{4,}")
"""Words that get typos. In shorter words one edit often gives another real word."""


def add_typo(text: str, random: Random) -> str | None:
    """`text` with one random edit in one of its words of at least four letters.

    The edit inserts, deletes or replaces a letter, or swaps two neighbours. Returns None if there
    is no such word.
    """
    words = list(WORD.finditer(text))
    if not words:
        return None
    word = random.choice(words)
    edited = _edit(word.group(), random)
    return text[: word.start()] + edited + text[word.end() :]


def _edit(word: str, random: Random) -> str:
    edit = random.choice((_insert, _delete, _substitute, _transpose))
    while (edited := edit(word, random.randrange(len(word)), random)) == word:
        pass
    return edited


def _insert(word: str, index: int, random: Random) -> str:
    return word[:index] + random.choice(ascii_lowercase) + word[index:]


def _delete(word: str, index: int, _random: Random) -> str:
    return word[:index] + word[index + 1 :]


def _substitute(word: str, index: int, random: Random) -> str:
    return word[:index] + random.choice(ascii_lowercase) + word[index + 1 :]


def _transpose(word: str, index: int, _random: Random) -> str:
    return word[:index] + word[index : index + 2][::-1] + word[index + 2 :]
