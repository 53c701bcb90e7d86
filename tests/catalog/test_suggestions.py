"""Unknown words of the query log, the meanings proposed for them, and the bar."""

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import date
from unittest.mock import patch

import numpy as np
import pytest
from sqlalchemy import Connection, insert

from catalog.db.connection import connect
from catalog.importing import import_catalog
from catalog.indexing import fill
from catalog.search.understanding import parse
from catalog.search.vocabulary import refresh_facet_values
from catalog.synonyms import suggestions
from catalog.synonyms.row import SynonymRow
from catalog.synonyms.starter import trained_words
from catalog.synonyms.store import upsert
from catalog.synonyms.suggestions import (
    Guess,
    KnownWord,
    SuggestionError,
    Suggestions,
    choose_bar,
    measure,
    nearest_known,
    suggest,
)
from catalog.synonyms.unknown_words import (
    Proposal,
    UnknownWord,
    apply_proposals,
    dismiss_word,
    listed_words,
    read_unknown_words,
    store_unknown_words,
)
from catalog.tables import metadata
from tests.catalog.test_search import picture
from tests.conftest import fresh_database
from tests.fakes import LettersAndColours

ENCODER = LettersAndColours("fashion")
SYNONYMS = [
    SynonymRow("Schlappen", "flip flops", "both", "de"),
    SynonymRow("Zehentreter", "flip flops", "both", "de"),
    SynonymRow("flip flops", "sandals", "one-way", "en"),
    SynonymRow("Gardinen", "curtains", "both", "de"),
    SynonymRow("rotfarben", "red", "both", "de"),
    SynonymRow("trainers", "sneakers", "both", "en"),
]
LETTERS = "bcdfghjklmnpqrtvwxz"


@pytest.fixture(scope="module")
def catalogue(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Sneakers and sandals, half of them red and half of them blue, with pictures."""
    folder = tmp_path_factory.mktemp("suggestions")
    rows = ["sku,title,product_type,colour,images"]
    for colour in ("red", "blue"):
        (folder / f"{colour}.png").write_bytes(picture(colour))
        rows += [
            f"{colour}{number},Model {number},{kind},{colour.title()},{colour}.png"
            for kind in ("Sneakers", "Sandals")
            for number in range(0 if kind == "Sneakers" else 5, 5 if kind == "Sneakers" else 10)
        ]
    (folder / "c.csv").write_text("\n".join(rows))
    with pytest.MonkeyPatch.context() as patch, fresh_database(template):
        patch.setenv("MEDIA_ROOT", str(folder / "media"))
        import_catalog(folder / "c.csv", folder)
        fill(ENCODER, "image")
        with connect() as connection:
            upsert(connection, SYNONYMS)
        yield


@pytest.fixture
def connection(catalogue: None) -> Iterator[Connection]:
    """A connection whose changes are undone at the end."""
    with connect() as connection:
        nested = connection.begin_nested()
        yield connection
        if nested.is_active:
            nested.rollback()


def log(connection: Connection, text: str, searches: int = 1, **more: object) -> None:
    table = metadata.tables["query_log"]
    row = {"text": text, "searches": searches, **more}
    connection.execute(insert(table).values(row))


def unknown(connection: Connection) -> list[tuple[str, int, int]]:
    words = read_unknown_words(connection, 10)
    return [(word.word, word.searches, word.unanswered) for word in words]


def test_words_that_nothing_explains_are_counted(connection: Connection) -> None:
    log(connection, "red Zoris", 3, unanswered=1)
    log(connection, "zoris under 50", 2)
    log(connection, "blue gumboots", 4)
    assert unknown(connection) == [("zoris", 5, 1), ("gumboots", 4, 0)]
    assert [it.word for it in read_unknown_words(connection, 1)] == ["zoris"]
    log(connection, "Zori", 1, unanswered=1)  # the plural is the same word
    log(connection, "flip zoris zoris", 1)
    assert unknown(connection) == [("zori", 7, 2), ("gumboots", 4, 0), ("flip", 1, 0)]


@pytest.mark.parametrize(
    "text",
    [
        "schlappen",  # a synonym
        "red sneakers model",  # the catalogue's own words
        "flip flops",  # the words of a meaning
        "gardinen",  # a synonym of something that the shop does not sell
        "sneakers -zoris",
        "sneakers without zoris",
        "ab12 9 x",
    ],
)
def test_known_unwanted_and_coded_words_are_left_out(connection: Connection, text: str) -> None:
    log(connection, text)
    assert unknown(connection) == []


def test_searches_of_all_days_and_spellings_count(connection: Connection) -> None:
    log(connection, "zoris", 3)
    log(connection, "zoris", 2, day=date(2026, 1, 1))
    log(connection, "Zoris", 1, misspelt="zoriss")
    connection.exec_driver_sql("SELECT search.request('gumboots')")
    assert unknown(connection) == [("zoris", 6, 0)]


def test_dismissed_and_switched_off_words_do_not_return(connection: Connection) -> None:
    log(connection, "zoris gumboots")
    store_unknown_words(connection, read_unknown_words(connection, 10))
    assert dismiss_word(connection, "zoris")
    assert not dismiss_word(connection, "never stored")
    upsert(connection, [SynonymRow("Gumboot", "boots", enabled=False)])
    assert unknown(connection) == []
    assert listed_words(connection, 10) == ([], 0)
    store_unknown_words(connection, [])
    log(connection, "more zoris")
    assert [word for word, _, _ in unknown(connection)] == ["more"]


def test_stored_words_are_replaced_and_listed(connection: Connection) -> None:
    proposal = Proposal("Sandals", "one-way", "name", 0.8, 0.5, False, "Schlappen")
    first = UnknownWord("zoris", 5, 1, (proposal,))
    store_unknown_words(connection, [first, UnknownWord("gumboots", 9, 0)])
    assert listed_words(connection, 1) == ([first], 2)
    store_unknown_words(connection, [UnknownWord("gumboots", 10, 2)])
    assert listed_words(connection, 9) == ([UnknownWord("gumboots", 10, 2)], 1)


def proposals(connection: Connection, *words: str) -> Suggestions:
    asked = [UnknownWord(word, 1, 0) for word in words]
    with patch("catalog.synonyms.suggestions.connect", lambda: nullcontext(connection)):
        return suggest(asked, lambda name: ENCODER)


def test_the_nearest_known_word_and_the_nearest_pictures_propose(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suggestions, "NEAREST", 10)
    found = proposals(connection, "schlappens", "redd", "gardinenstange")
    assert found.model == "fashion"
    schlappens, redd, rod = ({it.way: it for it in word.proposals} for word in found.words)
    assert (schlappens["name"].meaning, schlappens["name"].relation) == ("Sandals", "one-way")
    assert schlappens["name"].like == "Schlappen"
    assert (redd["name"].meaning, redd["name"].relation) == ("Red", "both")
    assert (redd["vote"].meaning, redd["vote"].relation) == ("Red", "close")
    assert "name" not in rod, "the nearest word means nothing that is sold here"
    assert not any(it.is_above for word in found.words for it in word.proposals)


def test_votes_say_how_many_more_have_the_value(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suggestions, "NEAREST", 10)
    (word,) = proposals(connection, "blue").words
    (vote,) = (it for it in word.proposals if it.way == "vote")
    assert (vote.meaning, vote.score) == ("Blue", 1.0)
    monkeypatch.setattr(suggestions, "NEAREST", 50)
    (word,) = proposals(connection, "blue").words
    assert [it.way for it in word.proposals] == ["name"], "all 20 products vote"


def test_proposals_above_the_bar_become_close_synonyms(connection: Connection) -> None:
    good = Proposal("Sandals", "one-way", "name", 0.9, 0.95, True, "Schlappen")
    bad = Proposal("Blue", "close", "vote", 0.3, 0.2, False)
    words = [UnknownWord("zoris", 1, 1, (good, bad)), UnknownWord("gumboots", 1, 1, (bad,))]
    assert apply_proposals(connection, words) == 1
    assert apply_proposals(connection, words) == 0
    row = connection.exec_driver_sql("SELECT * FROM synonym WHERE phrase = 'zoris'").one()
    assert (row.meaning, row.relation, row.source, row.enabled) == (
        "Sandals",
        "close",
        "meaning",
        True,
    )
    connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
    refresh_facet_values(connection)
    part = connection.exec_driver_sql("SELECT * FROM search.understand('zoris')").one()
    assert (part.kind, part.keys, part.close) == ("type", [], ["product_type=sandals"])
    assert tuple(parse(connection, "zoris").kinds) == ("type",)


def test_without_a_text_model_the_error_says_so(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELS", "imagenet")
    with pytest.raises(SuggestionError, match="no model in use reads texts"):
        proposals(connection, "zoris")


def test_without_known_words_nothing_is_proposed(database: str) -> None:
    with connect() as connection:
        found = proposals(connection, "zoris")
    assert found.words == (UnknownWord("zoris", 1, 0),)
    assert found.measured["name"].bar is None


def test_words_of_the_same_part_are_not_compared() -> None:
    known = [KnownWord(word, "x", True, (word,), 0) for word in ("same", "near", "far")]
    vectors = np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32)
    parts = np.array([0, 1, -1])
    (without,) = nearest_known(vectors[:1], vectors, known)
    (within,) = nearest_known(vectors[:1], vectors, known, parts[:1], parts)
    assert without == Guess("same", 1.0, 0, "same")
    assert within is not None
    assert (within.key, within.score, within.like) == ("near", pytest.approx(0.8), "near")
    alone = np.array([0, 0, 0])
    assert nearest_known(vectors[:1], vectors, known, alone[:1], alone) == [None]


def test_the_bar_is_the_lowest_score_with_enough_right_proposals() -> None:
    scores = np.linspace(1, 0, 101)  # 1.00, 0.99, ...
    right = np.ones(101, bool)
    right[45:] = False
    assert choose_bar(scores, right) == pytest.approx(0.51)  # 45 of 50
    right[:10] = False
    assert choose_bar(scores, right) is None
    assert choose_bar(scores[:19], np.ones(19, bool)) is None, "too few to tell"
    assert choose_bar(scores[:20], np.ones(20, bool)) == pytest.approx(0.81)


def test_equal_scores_are_above_the_bar_together() -> None:
    right = np.ones(60, bool)
    right[30:] = False
    assert choose_bar(np.full(60, 0.5), right) is None
    assert choose_bar(np.array([0.9] * 30 + [0.5] * 30), right) == 0.9


def test_the_bar_is_checked_with_words_that_did_not_choose_it() -> None:
    red, nothing = frozenset({"red"}), frozenset[str]()
    fitted = [Guess("red", 0.9)] * 30 + [Guess("red", 0.1)] * 30
    left_out = [Guess("red", 0.95), Guess("red", 0.92), Guess("red", 0.5), None]
    found = measure(
        fitted + left_out,
        [red] * 30 + [nothing] * 30 + [red, nothing, red, red],
        np.array([False] * 60 + [True] * 4),
    )
    assert found.bar == 0.9
    assert (found.words, found.right, found.above, found.right_above) == (3, 2, 2, 1)
    assert found.precision(0.9) == pytest.approx(31 / 32)
    assert found.precision(2.0) == pytest.approx(19 / 20), "the best few"
    assert found.precision(0.0) == pytest.approx(32 / 63)


def test_words_of_training_are_told_from_words_for_search_only() -> None:
    assert {"turnschuhe", "damen", "rote"} <= trained_words()
    assert "tennies" not in trained_words()


def test_many_known_words_give_a_bar(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words that end like a shoe are shoes, but words that begin like red are no colours."""
    monkeypatch.setattr(suggestions, "MIN_ABOVE", 5)
    rows = [
        SynonymRow(phrase, meaning, "both", f"q{letter}")
        for letter in LETTERS
        for phrase, meaning in (
            (f"{letter}sneakers", "sneakers"),
            (f"{letter}sandals", "sandals"),
            (f"red{letter}{letter}", f"{letter}curtains"),
        )
    ]
    upsert(connection, rows)
    connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
    refresh_facet_values(connection)
    found = proposals(connection, "supersneakers", "redaura")
    measured = found.measured["name"]
    assert measured.bar is not None
    assert measured.right_above > 0
    proposed = [(it.meaning, it.is_above) for word in found.words for it in word.proposals]
    assert proposed == [("Sneakers", True), ("Red", False)]
