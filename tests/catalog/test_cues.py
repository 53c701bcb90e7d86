"""The words that structure a query: complete, without conflicts among them and with the lexicon."""

import tomllib
import unicodedata
from collections import defaultdict

from catalog.search.cues import FILE, read_cues
from catalog.synonyms.starter import phrases
from embedding.lexicon import LANGUAGES, read_lexicon

AT_NUMBERS = {
    *("under", "under_after", "over", "over_after", "between", "range", "around", "around_after"),
    *("currency", "size", "size_system", "age", "year_old", "month_old", "at_price", "unit"),
    *("dimension", "identifier", "question", "nor"),
    *(f"times_{number}" for number in (100, 1000, 100_000, 10_000_000)),
    *(f"number_{number}" for number in (*range(2, 20), 25, *range(20, 100, 10))),
}
"""Cues that count only next to a number."""

ANYWHERE = {
    *("not", "but_not", "not_after", "or", "and", "for", "filler"),
    *("cheap", "expensive", "cheapest", "dearest", "newest"),
}

MORE_NUMBERS = {f"number_{n}" for n in (1, *range(100, 1000, 100), *range(1000, 11_000, 1000))}

CUE_LANGUAGES = {*LANGUAGES, "tr"}

OPPOSITE = [{"under", "over"}, {"under_after", "over_after"}, {"year_old", "month_old"}]

ALSO_CONCEPTS = {"cheap", "new"}
"""Concepts for training, whose words are cues in queries."""


def folded(text: str) -> str:
    """Without case and accents, the way in which SQL compares words (`public.fold_text`)."""
    letters = unicodedata.normalize("NFKD", text.casefold().replace("ł", "l"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def test_each_cue_has_phrases_in_every_language() -> None:
    languages = defaultdict(set)
    for cue in read_cues():
        languages[cue.cue].add(cue.language)
    # Some languages have words for more numbers, such as "quinientos".
    usual = {name: found for name, found in languages.items() if name not in MORE_NUMBERS}
    assert usual == dict.fromkeys(AT_NUMBERS | ANYWHERE, CUE_LANGUAGES)


def test_each_currency_has_names_in_every_language() -> None:
    currencies = tomllib.loads(FILE.read_text("utf-8"))["currency"]
    assert {"EUR", "GBP", "INR", "USD"} < currencies.keys()
    for code, names in currencies.items():
        assert names.keys() == CUE_LANGUAGES, code


def test_phrases_are_in_lower_case_without_extra_spaces() -> None:
    typed = [cue.phrase for cue in read_cues()]
    assert [phrase for phrase in typed if phrase != " ".join(phrase.lower().split())] == []
    assert "" not in typed


def test_a_phrase_is_listed_once_per_cue() -> None:
    for name, entries in tomllib.loads(FILE.read_text("utf-8")).items():
        for words in entries.values() if name in ("currency", "number", "times") else [entries]:
            for language, listed in words.items():
                found = listed.split("|")
                assert len(found) == len(set(found)), (name, language)


def test_no_phrase_has_two_meanings_that_its_place_cannot_tell_apart() -> None:
    cues = defaultdict(set)
    for cue in read_cues():
        cues[cue.language, folded(cue.phrase)].add(cue.cue)
    conflicts = {
        phrase: found
        for phrase, found in cues.items()
        if len(found & ANYWHERE) > 1 or any(pair <= found for pair in OPPOSITE)
    }
    assert conflicts == {}


def test_no_cue_is_a_word_of_the_lexicon() -> None:
    """A cue comes before the words for products: "top" would be no type, were it a cue."""
    cues = {(cue.language, folded(cue.phrase)) for cue in read_cues()}
    concepts = [concept for kind in read_lexicon().values() for concept in kind.values()]
    both = {
        (language, phrase, concept.name)
        for concept in concepts
        for language in LANGUAGES
        for phrase in phrases(concept, language)
        if (language, folded(phrase)) in cues and concept.name not in ALSO_CONCEPTS
    }
    assert both == set()
