"""Generates short search phrases from words of the lexicon."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Sequence

from embedding.lexicon.grammar import ROMANCE, Word

IN_COLOUR = {
    "de": "in {}",
    "fr": "en {}",
    "es": "en {}",
    "it": "in {}",
    "nl": "in het {}",
    "pl": "w kolorze {}",
    "pt": "em {}",
}
"""A colour after its noun, with a preposition.

English has no entry, so that the evaluation of the image tower has a wording that was not used in
training.
"""

PHOTO = {
    "en": "a photo of {}",
    "de": "ein Foto von {}",
    "fr": "une photo de {}",
    "es": "una foto de {}",
    "it": "una foto di {}",
    "nl": "een foto van {}",
    "pl": "zdjęcie: {}",
    "pt": "uma foto de {}",
}


def compose(noun: Word, others: Sequence[Word], colour: Word | None, rng: random.Random) -> str:
    """Compose a phrase from a noun, its colour if given, and other words that describe it.

    The word order is chosen at random among those that are usual in the language.
    """
    language = noun.language
    name, before, after = noun.text, [], []
    for word in others:
        if word.position == "joined" and " " not in name and name == noun.text:
            name = word.text + name.lower()
        elif word.position == "before":
            before.append(word.agreeing_with(noun))
        elif word.position == "joined":
            after.append(word.text)
        else:
            after.append(word.agreeing_with(noun))
    rng.shuffle(before)
    rng.shuffle(after)
    if colour is not None:
        chance = rng.random()
        if chance < 0.1 and language in IN_COLOUR and colour.forms is not None and language != "pl":
            after.insert(0, IN_COLOUR[language].format(colour.text))
        elif language in ROMANCE or chance < (0.35 if language == "pl" else 0.17):
            form = colour.text if language in ("de", "nl") else colour.agreeing_with(noun)
            after.insert(0 if rng.random() < 0.8 else len(after), form)
        else:
            before.insert(0 if rng.random() < 0.3 else len(before), colour.agreeing_with(noun))
    text = " ".join([*before, name, *after])
    return PHOTO[language].format(text) if rng.random() < 0.03 else text


def with_typos(text: str, rng: random.Random) -> str:
    """The text, sometimes without accents or with one typing error."""
    chance = rng.random()
    if chance < 0.1:
        plain = unicodedata.normalize("NFD", text.replace("ł", "l").replace("ß", "ss"))
        return "".join(character for character in plain if not unicodedata.combining(character))
    if chance < 0.13 and len(text) > 6:
        index = rng.randrange(1, len(text) - 2)
        return text[:index] + text[index + 1] + text[index] + text[index + 2 :]
    if chance < 0.15 and len(text) > 6:
        index = rng.randrange(1, len(text) - 1)
        return text[:index] + text[index + 1 :]
    return text
