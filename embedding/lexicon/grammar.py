"""Inflection and word order, as far as short phrases need them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Position = Literal["noun", "before", "after", "joined"]
"""The noun itself, a word before or after the noun, or the first part of a compound with it."""

Forms = tuple[str, str, str, str]
"""Four inflected forms, in the order of `GENDERS`.

German and Polish: masculine, feminine, neuter, plural. French, Spanish, Italian and Portuguese:
masculine, feminine, masculine plural, feminine plural. Dutch: base form, inflected form, and the
same two again.
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
    """A word or a short phrase in one language."""

    text: str
    """The base form."""
    language: str
    position: Position
    gender: str = ""
    """The gender of a noun, one of `GENDERS`. Empty for English nouns and for other words."""
    forms: Forms | None = None
    """The inflected forms of a word that agrees with its noun, else None."""

    def agreeing_with(self, noun: Word) -> str:
        """The form that agrees with `noun`."""
        if self.forms is None:
            return self.text
        if self.language == "nl":
            base = noun.gender == "n" or self.position == "after"
            return self.forms[0] if base else self.forms[1]
        return self.forms[GENDERS[self.language].index(noun.gender)]


def read_word(entry: str, language: str, kind: str) -> Word:
    """Parse an entry of a lexicon file. The comment at the top of each file describes the syntax.

    Raises:
        ValueError: a noun has no valid gender, or the number of forms is wrong.
    """
    entry = entry.strip()
    if kind == "type":
        text, _, gender = entry.partition(":")
        if language != "en" and gender not in GENDERS[language]:
            raise ValueError(f"{entry!r}: the gender must be one of {', '.join(GENDERS[language])}")
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


def _inflected(entry: str, language: str, position: Position) -> Word:
    forms = entry.removesuffix("=").split("/")
    word = Word(forms[0], language, position)
    if language == "en" or entry.endswith("="):
        return word
    if language == "nl":
        if len(forms) == 1:
            return word
        base, inflected = forms
        return replace(word, forms=(base, inflected, base, inflected))
    if len(forms) == 1:
        return replace(word, forms=RULES[language](entry))
    first, second, third, fourth = _four(forms)
    return replace(word, forms=(first, second, third, fourth))


def _four(forms: Sequence[str]) -> Sequence[str]:
    if len(forms) != 4:
        raise ValueError(f"{'/'.join(forms)!r}: expected 4 forms, found {len(forms)}")
    return forms


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
"""Rules for regular adjectives, from the form in the lexicon."""
