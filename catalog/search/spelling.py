"""Spelling correction of search words, based on the words of the catalogue.

How the rules were chosen, and their accuracy: docs/decisions/0008-spelling.md.
"""

import re

from rapidfuzz import process
from rapidfuzz.distance import OSA
from snowballstemmer import stemmer

from catalog.search.vocabulary import Vocabulary
from embedding.model_vocabulary import model_words

MIN_LETTERS = 4
TWO_EDITS_FROM = 8
"""Length from which two edits are allowed; in a shorter word, two edits give an unrelated word."""

FIRST_LETTER = 10
"""How many times as likely a correction is if it has the same first letter, which is rarely
mistyped."""

MAX_WORDS = 32
"""Maximum number of words to check; the rest stay unchanged, as do words over `MAX_LETTERS`."""

MAX_LETTERS = 40

# Only letters, between spaces or punctuation: not part of a compound, a number or an address.
WORD = re.compile(
    "(?<![^\\s\"'\u201c\u2018(\\[,;:!])"
    rf"[^\W\d_]{{{MIN_LETTERS},{MAX_LETTERS}}}"
    "(?=[.:]?(?:[\\s\"'\u201d\u2019)\\],;!?]|$))"
)


def correct(words: str, vocabulary: Vocabulary) -> str | None:
    """`words` with misspelled words replaced, in lower case; None if there is nothing to correct.

    A word stays unchanged if it has fewer than four letters or other characters than letters, if
    the word or its stem is known to the catalogue or to the text model, or if no known word is
    close enough. The last word also stays if a known word begins with it.
    """
    stem = stemmer("english").stemWord  # not thread-safe, so not shared
    replacements: list[tuple[re.Match[str], str]] = []
    for count, match in enumerate(WORD.finditer(words)):
        if count == MAX_WORDS:
            break
        word = match[0].lower()
        if word in vocabulary.products or word in model_words():
            continue
        if (root := stem(word)) in vocabulary.stems or root in model_words():
            continue
        if match.end() == len(words.rstrip()) and vocabulary.has_prefix(word):
            continue
        if replacement := _closest_word(word, vocabulary):
            replacements.append((match, replacement))
    if not replacements:
        return None
    for match, replacement in reversed(replacements):
        words = words[: match.start()] + replacement + words[match.end() :]
    return words


def _closest_word(word: str, vocabulary: Vocabulary) -> str | None:
    """The catalogue word that `word` is most likely a misspelling of, or None."""
    edits = 2 if len(word) >= TWO_EDITS_FROM else 1
    candidates = [
        known
        for letters in range(len(word) - edits, len(word) + edits + 1)
        for known in vocabulary.by_length.get(letters, ())
    ]
    found = process.extract(word, candidates, scorer=OSA.distance, score_cutoff=edits, limit=None)

    def likelihood(match: tuple[str, float, int]) -> tuple[float, int]:
        known, distance, _ = match
        products = vocabulary.products[known]
        return -distance, products * (FIRST_LETTER if known[0] == word[0] else 1)

    # A word of a single product is too rare to be the target of two edits.
    likely = [match for match in found if match[1] < 2 or vocabulary.products[match[0]] > 1]
    return max(likely, key=likelihood)[0] if likely else None
