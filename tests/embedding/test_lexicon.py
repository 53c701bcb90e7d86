"""The lexicon: complete, correctly inflected, and without ambiguous words."""

import random
from collections import defaultdict

import pytest

from embedding.lexicon import KINDS, LANGUAGES, read_lexicon
from embedding.lexicon.grammar import Word, read_word
from embedding.lexicon.phrases import compose, with_typos


def test_every_concept_has_words_in_every_language() -> None:
    lexicon = read_lexicon()
    assert list(lexicon) == list(KINDS)
    assert sum(map(len, lexicon.values())) > 200
    for concepts in lexicon.values():
        for concept in concepts.values():
            assert list(concept.words) == list(LANGUAGES)
            assert all(word.text for words in concept.words.values() for word in words), concept


@pytest.mark.parametrize("kind", ["type", "colour"])
def test_no_word_has_two_meanings(kind: str) -> None:
    """The text tower does not know the language, so "robe" cannot mean both dress and bathrobe."""
    meant = defaultdict(set)
    for concept in read_lexicon()[kind].values():  # type: ignore[index]
        for words in concept.words.values():
            for word in words:
                meant[word.text.lower()].add(concept.name)
    ambiguous = {word: names for word, names in meant.items() if len(names) > 1}
    assert ambiguous.keys() <= {"lila"}, "purple in German, lilac in Dutch and Spanish"


@pytest.mark.parametrize(
    ("language", "colour", "noun", "phrase"),
    [
        ("en", "red", "sneakers", "red sneakers"),
        ("de", "rot", "Turnschuhe:p", "rote Turnschuhe"),
        ("de", "rot", "Kleid:n", "rotes Kleid"),
        ("de", "rosa=", "Kleid:n", "rosa Kleid"),
        ("fr", "noir", "robe:f", "robe noire"),
        ("fr", "blanc/blanche/blancs/blanches", "chaussures:fp", "chaussures blanches"),
        ("fr", "gris/grise/gris/grises", "pantalons:mp", "pantalons gris"),
        ("es", "rojo", "zapatos:mp", "zapatos rojos"),
        ("es", "gris", "botas:fp", "botas grises"),
        ("it", "nero", "scarpe:fp", "scarpe nere"),
        ("it", "verde", "stivali:mp", "stivali verdi"),
        ("nl", "rood/rode", "schoenen:p", "rode schoenen"),
        ("nl", "rood/rode", "overhemd:n", "rood overhemd"),
        ("pl", "czerwony", "sukienka:f", "czerwona sukienka"),
        ("pl", "niebieski", "buty:p", "niebieskie buty"),
        ("pt", "preto", "calças:fp", "calças pretas"),
        ("pt", "azul/azul/azuis/azuis", "sapatos:mp", "sapatos azuis"),
    ],
)
def test_colours_agree_with_the_noun(language: str, colour: str, noun: str, phrase: str) -> None:
    composed = {
        compose(
            read_word(noun, language, "type"),
            [],
            read_word(colour, language, "colour"),
            random.Random(seed),
        )
        for seed in range(40)
    }
    assert phrase in composed


def test_compounds_and_inflected_words() -> None:
    rng = random.Random(0)
    shoes = read_word("Schuhe:p", "de", "type")
    assert compose(shoes, [read_word("~Herren", "de", "person")], None, rng) == "Herrenschuhe"
    dress = read_word("sukienka:f", "pl", "type")
    person = read_word("+damski", "pl", "person")
    assert compose(dress, [person], None, rng) == "sukienka damska"


@pytest.mark.parametrize(
    ("entry", "kind", "message"),
    [
        ("Kleid", "type", "gender must be one of"),
        ("roh/rohe", "colour", "expected 4 forms, found 2"),
    ],
)
def test_a_malformed_word_is_rejected(entry: str, kind: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_word(entry, "de", kind)


def test_typos_change_the_length_by_at_most_one() -> None:
    rng = random.Random(0)
    typed = {with_typos("żółte buty", rng) for _ in range(300)}
    assert "zołte buty" not in typed
    assert {"żółte buty", "zolte buty"} <= typed
    assert all(abs(len(text) - 10) <= 1 for text in typed)


def test_english_words_are_not_inflected() -> None:
    noun = Word("shoes", "en", "noun")
    assert read_word("^striped", "en", "pattern").agreeing_with(noun) == "striped"
