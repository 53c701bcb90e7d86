"""The starter synonyms: rows from the lexicon of the project (`embedding/lexicon`), and Turkish
words for it.

The first English word of a concept is the meaning of all its other words.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from catalog.synonyms.row import SynonymRow
from catalog.synonyms.turkish import LANGUAGE, turkish_words
from embedding.lexicon import (
    LANGUAGES,
    Concept,
    Kind,
    Language,
    Word,
    read_lexicon,
    read_training_lexicon,
)

SOURCE = "starter"

PREPOSITIONS: Mapping[str, tuple[str, ...]] = {
    "en": ("for the", "for a", "for", "made of", "with", "in"),
    "de": ("für den", "für die", "für ein", "für einen", "für", "fürs", "zum", "zur", "aus", "mit"),
    "fr": ("pour la", "pour le", "pour les", "pour", "avec", "en", "de", "à", "au"),
    "es": ("para el", "para la", "para", "con", "de", "en", "a"),
    "it": ("per la", "per lo", "per il", "per", "con", "da", "di", "in", "a"),
    "nl": ("voor de", "voor het", "voor een", "voor", "met", "van", "om te"),
    "pl": ("dla", "do", "na", "ze", "z", "w"),
    "pt": ("para a", "para o", "para", "com", "de", "em", "às", "à"),
}
"""Prepositions before a noun, with its article; longer ones first."""

NOT_ALONE = {
    *("him", "her", "them", "ihn", "sie", "lui", "elle", "él", "ella", "lei", "hem", "haar"),
    *("niego", "niej", "ele", "ela"),
}
"""Words that name nothing without their preposition."""


@cache
def starter_rows() -> tuple[SynonymRow, ...]:
    """All starter synonyms, in the order of the lexicon, each key once.

    Raises:
        LexiconError: an entry of the lexicon is malformed.
    """
    concepts = [concept for kind in read_lexicon().values() for concept in kind.values()]
    rows: dict[tuple[str, str, str], SynonymRow] = {}
    for row in (*_words(concepts), *_turkish(), *_relations(concepts)):
        if row.phrase.casefold() != row.meaning.casefold():
            key = (row.phrase.casefold(), row.meaning.casefold(), row.language)
            rows.setdefault(key, row)
    return tuple(rows.values())


def meaning(concept: Concept) -> str:
    """The first English word of a concept, without its preposition."""
    if not concept.words:
        return concept.search["en"][0]
    text = concept.words["en"][0].text
    return _bare(text, "en") or text


def concept_kinds() -> dict[str, Kind]:
    """The kind of each concept of the lexicon by its meaning. Of two concepts with the same
    meaning, the first counts.

    Raises:
        LexiconError: an entry of the lexicon is malformed.
    """
    kinds: dict[str, Kind] = {}
    for kind, concepts in read_lexicon().items():
        for concept in concepts.values():
            kinds.setdefault(meaning(concept), kind)
    return kinds


def phrases(concept: Concept, language: Language) -> list[str]:
    """All words for a concept in one language, with their inflected forms.

    A word for training that another concept of the kind has for search belongs to that one:
    training has one concept for coats and parkas, search has two.
    """
    elsewhere = _search_words(concept.kind, language) - _folded(concept.search.get(language, ()))
    stated = [
        form
        for word in concept.words.get(language, ())
        for form in _forms(word, concept.kind == "person")
        if form.casefold() not in elsewhere
    ]
    return list(dict.fromkeys([*stated, *concept.search.get(language, ())]))


@cache
def trained_words() -> frozenset[str]:
    """All single words in the phrases that the packaged models were trained with, case-folded."""
    texts = (
        text
        for concepts in read_training_lexicon().values()
        for concept in concepts.values()
        for words in concept.words.values()
        for word in words
        for text in (word.text, *(word.forms or ()))
    )
    return frozenset(part for text in texts for part in re.findall(r"\w+", text.casefold()))


@cache
def _search_words(kind: Kind, language: Language) -> frozenset[str]:
    concepts = read_lexicon()[kind].values()
    return _folded(text for concept in concepts for text in concept.search.get(language, ()))


def _folded(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(map(str.casefold, texts))


def _words(concepts: list[Concept]) -> Iterator[SynonymRow]:
    for language in LANGUAGES:
        stated = _folded(phrase for concept in concepts for phrase in phrases(concept, language))
        for concept in concepts:
            known = phrases(concept, language)
            bare = [_bare(word.text, language) for word in concept.words.get(language, ())]
            # "w paski" is striped, but "paski" alone may be a word for belts.
            known += [text for text in bare if text and text.casefold() not in stated]
            for phrase in known:
                yield SynonymRow(phrase, meaning(concept), "both", language, SOURCE)


def _turkish() -> Iterator[SynonymRow]:
    for concept, word in turkish_words(read_lexicon()):
        yield SynonymRow(word, meaning(concept), "both", LANGUAGE, SOURCE)


def _relations(concepts: list[Concept]) -> Iterator[SynonymRow]:
    lexicon = read_lexicon()
    for relation in ("one-way", "close"):
        for concept in concepts:
            for other in concept.accepts if relation == "one-way" else concept.close:
                target = meaning(lexicon[other.kind][other.name])
                yield SynonymRow(meaning(concept), target, relation, "en", SOURCE)


def _forms(word: Word, person: bool) -> Iterator[str]:
    if word.position == "joined" and not person:  # "Lauf" means running only in a compound
        return
    yield word.text
    if word.forms is None:
        return
    yield from word.forms
    if word.language == "de" and word.forms[1].endswith("e"):
        yield from (word.forms[1] + ending for ending in "nm")  # "mit roten Streifen"


def _bare(text: str, language: str) -> str:
    """The one word after a preposition; "" if there is none that can stand alone."""
    for preposition in PREPOSITIONS[language]:
        rest = text.removeprefix(preposition + " ")
        if rest != text:
            return "" if " " in rest or rest in NOT_ALONE else rest
    return ""
