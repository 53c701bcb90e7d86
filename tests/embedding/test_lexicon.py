"""The lexicon: read whole, inflected as its languages do, without false friends."""

import random
from collections import defaultdict

import pytest

from embedding.lexicon import KINDS, LANGUAGES, read_lexicon
from embedding.lexicon.grammar import Word, read_word
from embedding.lexicon.phrases import careless, compose


def test_every_concept_has_words_in_every_language() -> None:
    lexicon = read_lexicon()
    assert list(lexicon) == list(KINDS)
    assert sum(map(len, lexicon.values())) > 200
    for concepts in lexicon.values():
        for concept in concepts.values():
            assert list(concept.words) == list(LANGUAGES)
            assert all(word.text for words in concept.words.values() for word in words), concept


@pytest.mark.parametrize("kind", ["type", "colour"])
def test_no_word_means_two_things_in_different_languages(kind: str) -> None:
    """The text tower is not told the language: "robe" cannot be a dress and a bathrobe."""
    meant = defaultdict(set)
    for concept in read_lexicon()[kind].values():  # type: ignore[index]
        for words in concept.words.values():
            for word in words:
                meant[word.text.lower()].add(concept.name)
    twofold = {word: names for word, names in meant.items() if len(names) > 1}
    assert twofold.keys() <= {"lila"}, "German for purple, Dutch and Spanish for a light one"


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
def test_colours_agree_with_their_noun(language: str, colour: str, noun: str, phrase: str) -> None:
    made = {
        compose(
            read_word(noun, language, "type"),
            [],
            read_word(colour, language, "colour"),
            random.Random(seed),
        )
        for seed in range(40)
    }
    assert phrase in made


def test_words_join_and_agree() -> None:
    draw = random.Random(0)
    shoes = read_word("Schuhe:p", "de", "type")
    assert compose(shoes, [read_word("~Herren", "de", "person")], None, draw) == "Herrenschuhe"
    dress = read_word("sukienka:f", "pl", "type")
    person = read_word("+damski", "pl", "person")
    assert compose(dress, [person], None, draw) == "sukienka damska"


@pytest.mark.parametrize(
    ("entry", "kind", "message"),
    [("Kleid", "type", "no gender"), ("roh/rohe", "colour", "2 forms and not 4")],
)
def test_a_malformed_word_is_refused(entry: str, kind: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_word(entry, "de", kind)


def test_slips_keep_most_of_a_word() -> None:
    draw = random.Random(0)
    slips = {careless("żółte buty", draw) for _ in range(300)}
    assert "zołte buty" not in slips
    assert {"żółte buty", "zolte buty"} <= slips
    assert all(abs(len(slip) - 10) <= 1 for slip in slips)


def test_english_words_do_not_change() -> None:
    noun = Word("shoes", "en", "noun")
    assert read_word("^striped", "en", "pattern").beside(noun) == "striped"
