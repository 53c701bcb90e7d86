"""The texts of the training: captions of each picture, phrases that mean the same, titles."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from embedding.lexicon import LANGUAGES, Concept, Language, Word
from embedding.lexicon.phrases import careless, compose
from embedding.training.data import Picture
from embedding.training.joint.meanings import ASPECTS, EXTRA, Known, Meaning, Meanings
from embedding.training.objective import TRUE

ENGLISH_SHARE = 0.35
"""Of the captions; the other languages share the rest."""

FIRST_WORD = 0.4
"""How often the first synonym is taken; else any."""

HELD_OUT_SHARE = 1 / 3


@dataclass
class Corpus:
    """Texts, and what they mean."""

    texts: list[str] = field(default_factory=list)
    meanings: list[Meaning] = field(default_factory=list)

    def add(self, text: str, meaning: Meaning) -> int:
        """Append a text; its place."""
        self.texts.append(text)
        self.meanings.append(meaning)
        return len(self.texts) - 1


def held_out(concept: Concept) -> bool:
    """Are the concept's foreign words kept back, in a run that measures what carries over?

    By the SHA-256 of its name, the same always.
    """
    digest = hashlib.sha256(f"{concept.kind} {concept.name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < HELD_OUT_SHARE


class Speaker:
    """Puts meanings into words."""

    def __init__(self, meanings: Meanings, keep_back: bool, seed: int) -> None:
        self.meanings = meanings
        self.keep_back = keep_back
        self.draw = random.Random(seed)

    def language(self, meaning: Meaning, english: float = ENGLISH_SHARE) -> Language:
        """A language in which the meaning may be said."""
        concepts = self._concepts(meaning)
        if self.keep_back and any(map(held_out, concepts)):
            return "en"
        return "en" if self.draw.random() < english else self.draw.choice(LANGUAGES[1:])

    def say(self, meaning: Meaning, language: Language, plainly: bool = False) -> str:
        """The meaning in words; `plainly` in the first ones and without slips."""
        noun, others, colour = None, [], None
        for concept in self._concepts(meaning):
            word = self._word(concept, language, plainly)
            if concept.kind == "type":
                noun = word
            elif concept.kind == "colour":
                colour = word
            else:
                others.append(word)
        if noun is None:
            words = [word.text for word in (colour, *others) if word is not None]
            return " ".join(words)
        text = compose(noun, others, colour, random.Random(0) if plainly else self.draw)
        return text if plainly else careless(text, self.draw)

    def _concepts(self, meaning: Meaning) -> list[Concept]:
        found = (self.meanings.concepts[aspect][number] for aspect, number in enumerate(meaning))
        return [concept for concept in found if concept is not None]

    def _word(self, concept: Concept, language: Language, plainly: bool) -> Word:
        words = concept.words[language]
        if plainly or self.draw.random() < FIRST_WORD:
            return words[0]
        return self.draw.choice(words)


def caption(corpus: Corpus, speaker: Speaker, known: Known, picture: int, count: int) -> list[int]:
    """Add `count` captions of a picture, each true of it; their places."""
    draw = speaker.draw
    true = [np.flatnonzero(known.truth(aspect, picture)[1:] == TRUE) + 1 for aspect in range(4)]
    types = sorted(true[0], key=lambda number: _width(speaker.meanings, int(number)))
    places = []
    for _ in range(count):
        # The narrowest type most often: "heels" rather than "shoes".
        rank = min(int(draw.expovariate(1.6)), len(types) - 1)
        shares = (1.0, 0.7, 0.5, 0.35)
        chosen = [int(types[rank]) if len(types) else 0]
        for aspect in range(1, len(ASPECTS)):
            some = len(true[aspect]) and draw.random() < shares[aspect]
            chosen.append(int(draw.choice(list(true[aspect]))) if some else 0)
        meaning: Meaning = (chosen[0], chosen[1], chosen[2], chosen[3])
        places.append(corpus.add(speaker.say(meaning, speaker.language(meaning)), meaning))
    return places


def _width(meanings: Meanings, number: int) -> int:
    concept = meanings.concepts[0][number]
    assert concept is not None
    return sum(10 if value.startswith("@") else 1 for value in concept.true_of)


def bouquet(
    corpus: Corpus, speaker: Speaker, plain: Corpus, seen: dict[Meaning, int]
) -> tuple[list[tuple[int, int]], list[int]]:
    """Add four meanings that differ in one thing, each in two wordings.

    Returns:
        The places of each meaning's two wordings, and of its plain English one in `plain`, which
        `seen` remembers.
    """
    draw = speaker.draw
    sizes = [len(aspect) for aspect in speaker.meanings.concepts]
    shares = (1.0, 0.75, 0.35, 0.35)
    base = [
        draw.randrange(1, n) if draw.random() < p else 0 for n, p in zip(sizes, shares, strict=True)
    ]
    if draw.random() < 0.05:
        base[draw.randrange(EXTRA + 1)] = 0
    if not any(base):
        base[0] = draw.randrange(1, sizes[0])
    variants = [base]
    for aspect in (1, 0, draw.choice([0, 1, 2])):
        other = list(base)
        other[aspect] = draw.randrange(1, sizes[aspect])
        variants.append(other)
    pairs, plainly = [], []
    for one, two, three, four in variants:
        meaning: Meaning = (one, two, three, four)
        first = speaker.say(meaning, speaker.language(meaning, 0.5))
        second = speaker.say(meaning, speaker.language(meaning, 0.1))
        pairs.append((corpus.add(first, meaning), corpus.add(second, meaning)))
        if meaning not in seen:
            seen[meaning] = plain.add(speaker.say(meaning, "en", plainly=True), meaning)
        plainly.append(seen[meaning])
    return pairs, plainly


def title_words(pictures: Sequence[Picture]) -> tuple[list[str], NDArray[np.int64]]:
    """The pictures' different titles, and the place of each one's, -1 where it has none."""
    places: dict[str, int] = {}
    found = [
        places.setdefault(picture.title, len(places)) if picture.title else -1
        for picture in pictures
    ]
    return list(places), np.array(found)
