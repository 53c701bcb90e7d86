"""Misspelled words are corrected to words of the catalogue; possibly correct words are kept."""

from string import ascii_lowercase

import pytest
from hypothesis import given
from hypothesis import strategies as st
from snowballstemmer import stemmer

from catalog.search.spelling import MAX_WORDS, correct
from catalog.search.vocabulary import Vocabulary

PRODUCTS = {
    "adidas": 40,
    "sneakers": 30,
    "shirt": 90,
    "shirts": 20,
    "skirt": 12,
    "mouse": 3,
    "sandals": 25,
    "kurta": 15,
    "pantalons": 1,
    "elegant": 9,
    "heels": 6,
    "red": 50,
    "2go": 4,
    "t-shirt": 8,
    "puma": 3,
    "toxic": 1,
    "cotton": 1,
}
VOCABULARY = Vocabulary(
    PRODUCTS,
    frozenset(map(stemmer("english").stemWord, PRODUCTS)),
    synonyms=frozenset({"turnschuhe", "rote", "trainer", "silber", "frock", "hike", "nocna"}),
    own_synonyms=frozenset({"trainer", "frock", "hike"}),
    meanings=frozenset({"sneakers", "shirts", "sandals", "heels"}),
    colours_and_persons=frozenset({"red"}),
)


@pytest.mark.parametrize(
    ("words", "corrected"),
    [
        ("snekers", "sneakers"),
        ("adiddas", "adidas"),
        ("red snekers adiddas shoes", "red sneakers adidas shoes"),
        ("Snekers, red", "sneakers, red"),
        ('"snekers".', '"sneakers".'),
        ("snekers. Red", "sneakers. Red"),
        ("shrit 1", "shirt 1"),  # the more frequent of shirt, shirts, skirt
        ("snekaesr 1", "sneakers 1"),  # two edits in eight letters
        ("sndlas 1", "sandals 1"),  # two vowels
        ("turnschue rote", "turnschuhe rote"),  # a word of a synonym
        ("pumq 1", "puma 1"),  # four letters, a word of three products
        ("cotten 1", "cotton 1"),  # six letters, a word of one product
        ("frokc 1", "frock 1"),  # a synonym in a language of the catalogue
        ("red heals 1", "red heels 1"),  # known to the model, a vowel from a type
        ("t-shrit 1", "t-shirt 1"),  # a part of a compound
        ("snekers-x", "sneakers-x"),
        ("xred 1", "red 1"),  # no compound ends with a colour
    ],
)
def test_misspelled_words_are_corrected(words: str, corrected: str) -> None:
    assert correct(words, VOCABULARY) == corrected


@pytest.mark.parametrize(
    "words",
    [
        "",
        "red sneakers",
        "SNEAKERS",
        "sneaker",  # its stem is known
        "adid",  # the beginning of a word, still being typed
        "rote kurta",  # known to a synonym in another language
        "trainers 1",  # the plural of one
        "ROTE Kurtá",
        "xskirt 1",  # not yet, an x-skirt
        "elephant",  # known to the model, although close to a word of the catalogue
        "wedding house 1",
        "with from they",
        "asdfghjkl",
        "rde 1",  # too short
        "hoke 1",  # one edit from a synonym, which almost every word of four letters is
        "toxiv 1",  # five letters, a word of one product
        "silbre 1",  # six letters, a synonym in another language
        "nacni 1",  # two vowels in five letters
        "sndlxs 1",  # two edits in six letters
        "pantaloxxs 1",  # two edits from a word of a single product
        "adidas2 snek3rs 12345 AB-1234 snekers.com snekers@x.y",
        "כפכפים 👟 ' \\ % \x00",
    ],
)
def test_other_words_are_kept(words: str) -> None:
    assert correct(words, VOCABULARY) is None


def test_only_the_last_word_may_be_a_prefix() -> None:
    assert correct("skir", VOCABULARY) is None
    assert correct("skir red", VOCABULARY) == "skirt red"


def test_an_empty_catalogue_corrects_nothing() -> None:
    assert correct("snekers", Vocabulary()) is None


def test_only_the_first_words_are_checked() -> None:
    corrected = correct("snekers " * 1_250, VOCABULARY)
    assert corrected is not None
    assert corrected.count("sneakers") == MAX_WORDS
    assert correct("snekers" * 1_430, VOCABULARY) is None


@given(st.text() | st.text(ascii_lowercase + " ,-'", max_size=60))
def test_correcting_any_text_twice_changes_nothing(words: str) -> None:
    corrected = correct(words, VOCABULARY)
    assert corrected != words
    if corrected is not None:
        assert correct(corrected + " 1", VOCABULARY) in (None, corrected + " 1")
