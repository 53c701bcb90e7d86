"""Turkish words for the concepts of the lexicon, from `turkish.toml`, with their endings."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from embedding.lexicon import Concept, Kind, LexiconError

FILE = Path(__file__).parent / "turkish.toml"

LANGUAGE = "tr"

BACK, FRONT = "aıou", "eiöü"
CLOSE = {"a": "ı", "ı": "ı", "o": "u", "u": "u", "e": "i", "i": "i", "ö": "ü", "ü": "ü"}
"""The close vowel of an ending by the last vowel before it."""

SOFT = {"k": "ğ", "ç": "c", "p": "b"}
"""How a last consonant changes before a vowel."""


def turkish_words(concepts: Mapping[Kind, Mapping[str, Concept]]) -> Iterator[tuple[Concept, str]]:
    """Each concept with its words, those of types with their endings.

    Raises:
        LexiconError: an entry names no concept of the lexicon.
    """
    for kind, entries in _read().items():
        for name, words in entries.items():
            concept = concepts.get(kind, {}).get(name)  # type: ignore[call-overload]
            if concept is None:
                raise LexiconError(f"{FILE.name}: there is no concept {kind}.{name} in the lexicon")
            for word in words.split("|"):
                for form in forms(word) if kind == "type" else (word,):
                    yield concept, form


def forms(word: str) -> tuple[str, ...]:
    """A noun, its plural, and both as the last part of a compound: "kadın ayakkabısı"."""
    vowels = [letter for letter in word if letter in BACK + FRONT]
    if not vowels:
        return (word,)
    last = vowels[-1]
    plural = word + ("lar" if last in BACK else "ler")
    if word[-1] in BACK + FRONT:
        compound = f"{word}s{CLOSE[last]}"
    else:
        ending = SOFT.get(word[-1], word[-1]) if len(vowels) > 1 else word[-1]
        compound = word[:-1] + ending + CLOSE[last]
    return word, plural, compound, plural + ("ı" if last in BACK else "i")


@cache
def _read() -> dict[str, dict[str, str]]:
    return tomllib.loads(FILE.read_text("utf-8"))
