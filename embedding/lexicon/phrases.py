"""Short phrases of a shop's visitors, made of the lexicon's words."""

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
"""How a colour follows its noun by a preposition. Not in English: so the image tower's test has a
wording that nothing was trained on."""

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


def compose(noun: Word, others: Sequence[Word], colour: Word | None, draw: random.Random) -> str:
    """A phrase of a noun, perhaps its colour, and other words about it, in one of their orders."""
    language = noun.language
    name, before, after = noun.text, [], []
    for word in others:
        if word.place == "joined" and " " not in name and name == noun.text:
            name = word.text + name.lower()
        elif word.place == "before":
            before.append(word.beside(noun))
        elif word.place == "joined":
            after.append(word.text)
        else:
            after.append(word.beside(noun))
    draw.shuffle(before)
    draw.shuffle(after)
    if colour is not None:
        way = draw.random()
        if way < 0.1 and language in IN_COLOUR and colour.forms is not None and language != "pl":
            after.insert(0, IN_COLOUR[language].format(colour.text))
        elif language in ROMANCE or way < (0.35 if language == "pl" else 0.17):
            form = colour.text if language in ("de", "nl") else colour.beside(noun)
            after.insert(0 if draw.random() < 0.8 else len(after), form)
        else:
            before.insert(0 if draw.random() < 0.3 else len(before), colour.beside(noun))
    text = " ".join([*before, name, *after])
    return PHOTO[language].format(text) if draw.random() < 0.03 else text


def careless(text: str, draw: random.Random) -> str:
    """The text as people in a hurry type it: now and then without accents, or with a slip."""
    way = draw.random()
    if way < 0.1:
        plain = unicodedata.normalize("NFD", text.replace("ł", "l").replace("ß", "ss"))
        return "".join(sign for sign in plain if not unicodedata.combining(sign))
    if way < 0.13 and len(text) > 6:
        place = draw.randrange(1, len(text) - 2)
        return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    if way < 0.15 and len(text) > 6:
        place = draw.randrange(1, len(text) - 1)
        return text[:place] + text[place + 1 :]
    return text
