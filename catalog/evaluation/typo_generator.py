"""One slip of the finger."""

import re
from random import Random
from string import ascii_lowercase

WORD = re.compile(r"[^\W\d_]{4,}")
"""Shorter words are not misspelt: one edit makes them another word."""


def misspell(text: str, random: Random) -> str | None:
    """`text` with one letter inserted, deleted or substituted, or two neighbours transposed, in
    one of its words of at least four letters; None where there is no such word.
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


def _insert(word: str, place: int, random: Random) -> str:
    return word[:place] + random.choice(ascii_lowercase) + word[place:]


def _delete(word: str, place: int, _random: Random) -> str:
    return word[:place] + word[place + 1 :]


def _substitute(word: str, place: int, random: Random) -> str:
    return word[:place] + random.choice(ascii_lowercase) + word[place + 1 :]


def _transpose(word: str, place: int, _random: Random) -> str:
    return word[:place] + word[place : place + 2][::-1] + word[place + 2 :]
