"""Training texts: captions of the pictures, groups of similar phrases, and titles."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from embedding.lexicon import LANGUAGES, Concept, Language, Word
from embedding.lexicon.phrases import compose, with_typos
from embedding.training.data import Picture
from embedding.training.losses import TRUE
from embedding.training.meanings import ASPECTS, EXTRA, Meaning, Meanings, PictureTruth

ENGLISH_SHARE = 0.35
"""Share of English captions. The other languages share the rest equally."""

FIRST_SYNONYM_SHARE = 0.4
"""Probability of choosing the first synonym. Otherwise any synonym is chosen at random."""

HELD_OUT_SHARE = 1 / 3
"""Share of the concepts that `held_out` selects."""


@dataclass
class Corpus:
    """Texts and their meanings, by index."""

    texts: list[str] = field(default_factory=list)
    meanings: list[Meaning] = field(default_factory=list)

    def add(self, text: str, meaning: Meaning) -> int:
        """Append a text and return its index."""
        self.texts.append(text)
        self.meanings.append(meaning)
        return len(self.texts) - 1


def held_out(concept: Concept) -> bool:
    """Whether the concept's foreign words are held out when a run measures generalisation.

    The choice depends only on the SHA-256 of the concept's kind and name.
    """
    digest = hashlib.sha256(f"{concept.kind} {concept.name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < HELD_OUT_SHARE


class PhraseComposer:
    """Composes phrases from meanings.

    Args:
        meanings: the concepts and their words.
        hold_out: use only the English words of the concepts selected by `held_out`.
        seed: seed of all random choices.
    """

    def __init__(self, meanings: Meanings, hold_out: bool, seed: int) -> None:
        self.meanings = meanings
        self.hold_out = hold_out
        self.rng = random.Random(seed)

    def choose_language(self, meaning: Meaning, english: float = ENGLISH_SHARE) -> Language:
        """Choose a language for a phrase, English with probability `english`."""
        concepts = self._concepts(meaning)
        if self.hold_out and any(map(held_out, concepts)):
            return "en"
        return "en" if self.rng.random() < english else self.rng.choice(LANGUAGES[1:])

    def phrase(self, meaning: Meaning, language: Language, canonical: bool = False) -> str:
        """Compose a phrase. A canonical one uses the first synonyms and has no typing errors."""
        noun, others, colour = None, [], None
        for concept in self._concepts(meaning):
            word = self._word(concept, language, canonical)
            if concept.kind == "type":
                noun = word
            elif concept.kind == "colour":
                colour = word
            else:
                others.append(word)
        if noun is None:
            words = [word.text for word in (colour, *others) if word is not None]
            return " ".join(words)
        text = compose(noun, others, colour, random.Random(0) if canonical else self.rng)
        return text if canonical else with_typos(text, self.rng)

    def _concepts(self, meaning: Meaning) -> list[Concept]:
        found = (self.meanings.concepts[aspect][number] for aspect, number in enumerate(meaning))
        return [concept for concept in found if concept is not None]

    def _word(self, concept: Concept, language: Language, canonical: bool) -> Word:
        words = concept.words[language]
        if canonical or self.rng.random() < FIRST_SYNONYM_SHARE:
            return words[0]
        return self.rng.choice(words)


def add_captions(
    corpus: Corpus, composer: PhraseComposer, known: PictureTruth, picture: int, count: int
) -> list[int]:
    """Add `count` captions that are true for a picture, and return their indices in `corpus`."""
    rng = composer.rng
    true = [np.flatnonzero(known.truth(aspect, picture)[1:] == TRUE) + 1 for aspect in range(4)]
    types = sorted(true[0], key=lambda number: _generality(composer.meanings, int(number)))
    indices = []
    for _ in range(count):
        # Prefer the most specific type: "heels" rather than "shoes".
        rank = min(int(rng.expovariate(1.6)), len(types) - 1)
        shares = (1.0, 0.7, 0.5, 0.35)
        chosen = [int(types[rank]) if len(types) else 0]
        for aspect in range(1, len(ASPECTS)):
            some = len(true[aspect]) and rng.random() < shares[aspect]
            chosen.append(int(rng.choice(list(true[aspect]))) if some else 0)
        meaning: Meaning = (chosen[0], chosen[1], chosen[2], chosen[3])
        indices.append(
            corpus.add(composer.phrase(meaning, composer.choose_language(meaning)), meaning)
        )
    return indices


def _generality(meanings: Meanings, number: int) -> int:
    concept = meanings.concepts[0][number]
    assert concept is not None
    return sum(10 if value.startswith("@") else 1 for value in concept.true_of)


def add_phrase_group(
    corpus: Corpus, composer: PhraseComposer, canonical: Corpus, seen: dict[Meaning, int]
) -> tuple[list[tuple[int, int]], list[int]]:
    """Add a group of phrases: a random meaning and three variants of it, each in two wordings.

    The variants are hard negatives: each differs from the first meaning in at most one aspect.

    Args:
        corpus: receives the phrases.
        composer: composes the phrases.
        canonical: receives the canonical English phrase of each new meaning.
        seen: index in `canonical` of each known meaning; updated.

    Returns:
        For each of the four meanings, the indices of its two wordings in `corpus`, and the index
        of its canonical phrase in `canonical`.
    """
    rng = composer.rng
    sizes = [len(aspect) for aspect in composer.meanings.concepts]
    shares = (1.0, 0.75, 0.35, 0.35)
    base = [
        rng.randrange(1, n) if rng.random() < p else 0 for n, p in zip(sizes, shares, strict=True)
    ]
    if rng.random() < 0.05:
        base[rng.randrange(EXTRA + 1)] = 0
    if not any(base):
        base[0] = rng.randrange(1, sizes[0])
    variants = [base]
    for aspect in (1, 0, rng.choice([0, 1, 2])):
        other = list(base)
        other[aspect] = rng.randrange(1, sizes[aspect])
        variants.append(other)
    pairs, canonical_indices = [], []
    for one, two, three, four in variants:
        meaning: Meaning = (one, two, three, four)
        first = composer.phrase(meaning, composer.choose_language(meaning, 0.5))
        second = composer.phrase(meaning, composer.choose_language(meaning, 0.1))
        pairs.append((corpus.add(first, meaning), corpus.add(second, meaning)))
        if meaning not in seen:
            seen[meaning] = canonical.add(composer.phrase(meaning, "en", canonical=True), meaning)
        canonical_indices.append(seen[meaning])
    return pairs, canonical_indices


def unique_titles(pictures: Sequence[Picture]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the distinct titles, and each picture's title as an index, (n,), -1 if it has none."""
    index: dict[str, int] = {}
    indices = [
        index.setdefault(picture.title, len(index)) if picture.title else -1 for picture in pictures
    ]
    return list(index), np.array(indices)
