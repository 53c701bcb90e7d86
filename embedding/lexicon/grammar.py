"""How words change and where they stand, as far as short phrases need it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Place = Literal["noun", "before", "after", "joined"]
"""The noun itself; a word before it; a word after it; a first part that makes one word with it."""

Forms = tuple[str, str, str, str]
"""Masculine, feminine, neuter or masculine plural, plural or feminine plural.

Dutch: of a common noun, of a neuter one, and again the first two.
"""

ROMANCE = ("fr", "es", "it", "pt")

GENDERS = {
    "de": ("m", "f", "n", "p"),
    "nl": ("c", "n", "p"),
    "pl": ("m", "f", "n", "p"),
    "fr": ("m", "f", "mp", "fp"),
    "es": ("m", "f", "mp", "fp"),
    "it": ("m", "f", "mp", "fp"),
    "pt": ("m", "f", "mp", "fp"),
}


@dataclass(frozen=True)
class Word:
    """A word or a short group of words of one language."""

    text: str
    """Its plain form."""
    language: str
    place: Place
    gender: str = ""
    """Of a noun: one of `GENDERS`; empty in English."""
    forms: Forms | None = None
    """Of a word that follows its noun's gender."""

    def beside(self, noun: Word) -> str:
        """The form that stands beside `noun`."""
        if self.forms is None:
            return self.text
        if self.language == "nl":
            bare = noun.gender == "n" or self.place == "after"
            return self.forms[0] if bare else self.forms[1]
        return self.forms[GENDERS[self.language].index(noun.gender)]


def read_word(entry: str, language: str, kind: str) -> Word:
    """A word as the lexicon's files write it; their first lines say how.

    Raises:
        ValueError: a noun without a gender, or forms that are not as many as the language has.
    """
    entry = entry.strip()
    if kind == "type":
        text, _, gender = entry.partition(":")
        if language != "en" and gender not in GENDERS[language]:
            raise ValueError(f"{entry!r} has no gender of {', '.join(GENDERS[language])}")
        return Word(text, language, "noun", gender)
    if kind == "colour":
        return _inflected(entry, language, "after" if language in ROMANCE else "before")
    mark, text = entry[0], entry[1:]
    if mark == "~":
        return Word(text, language, "joined")
    if mark == "^":
        return _inflected(text, language, "before")
    if mark == "+":
        return _inflected(text, language, "after")
    return Word(entry, language, "after")


def _inflected(entry: str, language: str, place: Place) -> Word:
    written = entry.removesuffix("=").split("/")
    word = Word(written[0], language, place)
    if language == "en" or entry.endswith("="):
        return word
    if language == "nl":
        if len(written) == 1:
            return word
        bare, inflected = written
        return replace(word, forms=(bare, inflected, bare, inflected))
    if len(written) == 1:
        return replace(word, forms=RULES[language](entry))
    first, second, third, fourth = _four(written)
    return replace(word, forms=(first, second, third, fourth))


def _four(written: Sequence[str]) -> Sequence[str]:
    if len(written) != 4:
        raise ValueError(f"{'/'.join(written)!r} has {len(written)} forms and not 4")
    return written


def _german(stem: str) -> Forms:
    return stem + "er", stem + "e", stem + "es", stem + "e"


def _french(form: str) -> Forms:
    feminine = form if form.endswith("e") else form + "e"
    plural = form if form.endswith(("s", "x")) else form + "s"
    return form, feminine, plural, feminine + "s"


def _iberian(form: str) -> Forms:
    if form.endswith("o"):
        return form, form[:-1] + "a", form + "s", form[:-1] + "as"
    plural = form + ("s" if form[-1] in "aeéi" else "es")
    return form, form, plural, plural


def _italian(form: str) -> Forms:
    if form.endswith("o"):
        return form, form[:-1] + "a", form[:-1] + "i", form[:-1] + "e"
    if form.endswith("e"):
        return form, form, form[:-1] + "i", form[:-1] + "i"
    return form, form, form, form


def _polish(form: str) -> Forms:
    if form.endswith("y"):
        return form, form[:-1] + "a", form[:-1] + "e", form[:-1] + "e"
    if form.endswith(("ki", "gi")):
        return form, form[:-1] + "a", form + "e", form + "e"
    if form.endswith("i"):
        return form, form + "a", form + "e", form + "e"
    return form, form, form, form


RULES: dict[str, Callable[[str], Forms]] = {
    "de": _german,
    "fr": _french,
    "es": _iberian,
    "it": _italian,
    "pl": _polish,
    "pt": _iberian,
}
"""Regular adjectives, from the form that the lexicon gives."""
