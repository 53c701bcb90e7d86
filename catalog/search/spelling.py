"""Misspelt words of a search, put right from the catalogue's own words.

How the rules were chosen, and what they achieve: docs/decisions/0008-spelling.md.
"""

import re

from rapidfuzz import process
from rapidfuzz.distance import OSA
from snowballstemmer import stemmer

from catalog.search.vocabulary import Vocabulary
from embedding.model_vocabulary import model_words

MIN_LETTERS = 4
TWO_EDITS_FROM = 8
"""Letters from which a word may hold two slips; in a shorter one, two lead to another word."""

FIRST_LETTER = 10
"""How many times as likely a word is that begins as it was typed: the first letter is seldom
wrong."""

MAX_WORDS = 32
"""Words looked at, and those of at most `MAX_LETTERS`; all others stay as they are."""

MAX_LETTERS = 40

# Letters alone, between spaces and punctuation: no part of a compound, a number or an address.
WORD = re.compile(
    "(?<![^\\s\"'\u201c\u2018(\\[,;:!])"
    rf"[^\W\d_]{{{MIN_LETTERS},{MAX_LETTERS}}}"
    "(?=[.:]?(?:[\\s\"'\u201d\u2019)\\],;!?]|$))"
)


def correct(words: str, vocabulary: Vocabulary) -> str | None:
    """`words` with the misspelt ones replaced, in lower case; None where nothing needs it.

    A word stays if it is shorter than four letters, not of letters alone, known to the catalogue
    or to the text model, itself or by its stem, or if nothing known is near enough. So does the
    last one if some known word begins with it.
    """
    stem = stemmer("english").stemWord  # it has a state: one for each thread
    replacements: list[tuple[re.Match[str], str]] = []
    for count, match in enumerate(WORD.finditer(words)):
        if count == MAX_WORDS:
            break
        word = match[0].lower()
        if word in vocabulary.products or word in model_words():
            continue
        if (root := stem(word)) in vocabulary.stems or root in model_words():
            continue
        if match.end() == len(words.rstrip()) and vocabulary.begins(word):
            continue
        if nearest := _nearest(word, vocabulary):
            replacements.append((match, nearest))
    if not replacements:
        return None
    for match, nearest in reversed(replacements):
        words = words[: match.start()] + nearest + words[match.end() :]
    return words


def _nearest(word: str, vocabulary: Vocabulary) -> str | None:
    """The word of the catalogue that was most likely meant, if any."""
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

    # A word of a single product is too rare to be what somebody missed by two letters.
    likely = [match for match in found if match[1] < 2 or vocabulary.products[match[0]] > 1]
    return max(likely, key=likelihood)[0] if likely else None
