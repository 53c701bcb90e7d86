"""The lexicon: complete, correctly inflected, and without ambiguous words."""

import random
from collections import defaultdict
from pathlib import Path

import pytest

from embedding.lexicon import (
    FILES,
    KINDS,
    LANGUAGES,
    LexiconError,
    Reference,
    read_lexicon,
    read_training_lexicon,
)
from embedding.lexicon.grammar import Word, read_word
from embedding.lexicon.phrases import compose, with_typos
from embedding.training.meanings import read_meanings

BOTH = "".join(f'{language} = "schal"\n' for language in LANGUAGES if language != "en")


def test_every_training_concept_has_words_in_every_language() -> None:
    lexicon = read_training_lexicon()
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
    for concept in read_training_lexicon()[kind].values():  # type: ignore[index]
        for words in concept.words.values():
            for word in words:
                meant[word.text.lower()].add(concept.name)
    ambiguous = {word: names for word, names in meant.items() if len(names) > 1}
    assert ambiguous.keys() <= {"lila"}, "purple in German, lilac in Dutch and Spanish"


def write_lexicon(folder: Path, **files: str) -> Path:
    """Write a lexicon of these files, the others empty, and return its folder."""
    for file in FILES.values():
        (folder / f"{file}.toml").write_text(files.get(file, ""), "utf-8")
    return folder


def test_words_and_relations_for_search(tmp_path: Path) -> None:
    materials = f"""
[wool]
en = "^woollen"
{BOTH}
accepts = ["cashmere"]
close = ["occasion.winter"]
search.en = "wool | knit"
[cashmere.search]
en = "cashmere"
"""
    occasions = "[winter.search]\nen = 'for winter'\n"
    lexicon = read_lexicon(write_lexicon(tmp_path, materials=materials, occasions=occasions))
    wool, cashmere = lexicon["material"].values()
    assert (wool.search, wool.accepts) == (
        {"en": ("wool", "knit")},
        (Reference("material", "cashmere"),),
    )
    assert wool.close == (Reference("occasion", "winter"),)
    assert [word.text for word in wool.words["en"]] == ["woollen"], "without the words for search"
    assert (cashmere.words, cashmere.true_of) == ({}, frozenset())


def test_training_sees_nothing_that_is_for_search_only() -> None:
    every, training = read_lexicon(), read_training_lexicon()
    for_search_only = {
        (concept.kind, concept.name)
        for concepts in every.values()
        for concept in concepts.values()
        if not concept.words
    }
    assert for_search_only
    numbered = [concept for aspect in read_meanings().concepts for concept in aspect if concept]
    assert not for_search_only & {(concept.kind, concept.name) for concept in numbered}
    assert len(numbered) == sum(map(len, training.values()))


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("[a]\nen = 'x'", "materials.toml: a: missing languages ['de', "),
        (f"[a]\nen = 'x||y'\n{BOTH}", "a: an empty word in ['en']"),
        ("[a]\ncolor = 'x'", "a: unknown keys ['color']"),
        ("[a.search]\nde = 'x'", "a: for search only, so it needs English search words"),
        ("[a]\nis = 'x'\nsearch.en = 'x'", "a: for search only, so it needs English search words"),
        ("[a.search]\nen = 'x'\nsv = 'x'", "a: search has unknown languages ['sv']"),
        ("[a.search]\nen = 'x|'", "a: search.en: '' is empty or has a mark"),
        ("[a.search]\nen = '^x'", "a: search.en: '^x' is empty or has a mark"),
        ("[a]\naccepts = 'b'\nsearch.en = 'x'", "a: 'b' must be a list of names"),
        ("[a]\naccepts = ['b']\nsearch.en = 'x'", "a: no other concept material.b"),
        ("[a]\nclose = ['a']\nsearch.en = 'x'", "a: no other concept material.a"),
        ("[a]\nclose = ['type.b']\nsearch.en = 'x'", "a: no other concept type.b"),
        ("[a]\nclose = ['shoe.b']\nsearch.en = 'x'", "a: 'shoe.b': the kind must be one of"),
        ("[a]\nclose = ['b']\naccepts = ['b']\nsearch.en = 'x'", "both accepts and close: ['b']"),
        ("[a", "materials.toml: Expected ']'"),
    ],
)
def test_a_malformed_entry_is_reported_with_its_file_and_concept(
    tmp_path: Path, table: str, reason: str
) -> None:
    with pytest.raises(LexiconError) as error:
        read_lexicon(write_lexicon(tmp_path, materials=table))
    assert reason in str(error.value)
    assert "materials.toml" in str(error.value)


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
