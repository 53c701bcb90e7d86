"""Spelling correction of search words, based on the words of the catalogue and of its synonyms.

How the rules were chosen, and their accuracy: docs/decisions/0008-spelling.md.
"""

import re
from collections.abc import Collection, Iterator

from rapidfuzz import process
from rapidfuzz.distance import OSA

from catalog.search.common_words import common_words
from catalog.search.vocabulary import Vocabulary, consonants
from catalog.text import fold

MIN_LETTERS = 4
TWO_EDITS_FROM = 8
"""Length from which two edits are allowed; in a shorter word, two edits give an unrelated word."""

VOWELS_FROM = 6
"""Length from which two edits are allowed if the consonants are equal: "sandle" is "sandal"."""

FOREIGN_FROM = 7
"""Length from which a word can be corrected to any synonym. Shorter words are near to some word of
some language by chance; see `_is_likely`."""

SYNONYM_FROM = 5
"""The same for synonyms in a language of the catalogue."""

VALUE_FROM = 5
"""Length from which a word that is common elsewhere can be a misspelled facet value."""

FIRST_LETTER = 10
"""How many times as likely a correction is if it has the same first letter, which is rarely
mistyped."""

MEANING = 3
"""How many times as likely a correction is if it is a word of a type, colour or person."""

ONLY_SYNONYM = 0.5
"""The number of products that a word counts as that only synonyms have."""

PREFIXES = frozenset("aetvx")
"""Letters that compounds begin with: A-line, e-bike, T-shirt, V-neck, X-ray."""

MAX_WORDS = 32
"""Maximum number of words to check; the rest stay unchanged, as do words over `MAX_LETTERS`."""

MAX_LETTERS = 40

# Only letters, between spaces or punctuation: not a number, an address or one with digits.
WORD = re.compile(
    "(?<![^\\s\"'\u201c\u2018(\\[,;:!])"
    rf"[^\W\d_]{{1,{MAX_LETTERS}}}(?:-[^\W\d_]{{1,{MAX_LETTERS}}})*"
    "(?=[.:]?(?:[\\s\"'\u201d\u2019)\\],;!?]|$))"
)


def correct(words: str, vocabulary: Vocabulary, doubtful: Collection[str] = ()) -> str | None:
    """`words` with misspelled words replaced, folded; None if there is nothing to correct.

    A word stays unchanged if it has fewer than four letters or other characters than letters, if
    the word or its stem is known to the catalogue, its synonyms or the text model, or if no known
    word is close enough. The last word also stays if a known word begins with it. A word that only
    the text model knows is still corrected if one vowel makes it a word of a type, colour or
    person: "heals" is "heels".
    In a compound such as "t-shrit", each part is a word.

    `doubtful` are folded words that only another language has than the rest of the text. They are
    corrected if one letter makes them a word of a type, colour or person: in "red dres", the Polish
    word for a tracksuit is a dress.
    """
    replacements: list[tuple[int, int, str]] = []
    for start, end, word in _words(words, vocabulary, doubtful):
        if word in doubtful:
            replacement = _doubtful_correction(word, vocabulary)
        else:
            replacement = _correction(word, vocabulary, is_last=end == len(words.rstrip()))
        if replacement:
            replacements.append((start, end, replacement))
    if not replacements:
        return None
    for start, end, replacement in reversed(replacements):
        words = words[:start] + replacement + words[end:]
    return words


def _words(
    text: str, vocabulary: Vocabulary, doubtful: Collection[str]
) -> Iterator[tuple[int, int, str]]:
    """The words to check: where each one starts and ends, and its folded form."""
    for count, match in enumerate(WORD.finditer(text)):
        if count == MAX_WORDS:
            return
        word = fold(match[0])
        if word not in doubtful and vocabulary.knows(word.replace("-", "")):
            continue
        for part in re.finditer("[^-]+", match[0]):
            start = match.start() + part.start()
            yield start, start + len(part[0]), fold(part[0])


def _correction(word: str, vocabulary: Vocabulary, *, is_last: bool) -> str | None:
    """The known word that `word` is most likely a misspelling of, or None."""
    if not MIN_LETTERS <= len(word) <= MAX_LETTERS or vocabulary.knows(word):
        return None
    if is_last and vocabulary.has_prefix(word):
        return None
    if _model_knows(word, vocabulary):
        near = _with_other_vowels(word, 1, vocabulary)
        near = [it for it in near if vocabulary.is_meaning(it) and len(word) >= VALUE_FROM]
    else:
        one_edit = _within(word, 1, vocabulary)
        near = [it for it in one_edit if it in vocabulary.products or vocabulary.is_meaning(it)]
        near = near or _with_other_vowels(word, 2, vocabulary) or one_edit
        if not near and len(word) >= TWO_EDITS_FROM:
            # A word of a single product is too rare to be the target of two edits.
            near = [it for it in _within(word, 2, vocabulary) if vocabulary.products.get(it, 0) > 1]

    def likelihood(known: str) -> float:
        products = vocabulary.products.get(known, ONLY_SYNONYM)
        same_start = FIRST_LETTER if known[0] == word[0] else 1
        return products * same_start * (MEANING if vocabulary.is_meaning(known) else 1)

    return max(near, key=likelihood, default=None)


def _doubtful_correction(word: str, vocabulary: Vocabulary) -> str | None:
    if not MIN_LETTERS <= len(word) <= MAX_LETTERS:
        return None
    near = [
        it
        for it in _within(word, 1, vocabulary)
        if it in vocabulary.products and it[0] == word[0] and vocabulary.is_meaning(it)
    ]
    return max(near, key=lambda it: vocabulary.products[it], default=None)


def _model_knows(word: str, vocabulary: Vocabulary) -> bool:
    return word in common_words() or any(
        root in common_words() and word.startswith(root) for root in vocabulary.roots(word)
    )


def _with_other_vowels(word: str, edits: int, vocabulary: Vocabulary) -> list[str]:
    """Known words with the same consonants and first letter, at most `edits` away."""
    if edits > 1 and len(word) < VOWELS_FROM:
        return []
    return [
        known
        for known in vocabulary.by_consonants.get(consonants(word), ())
        if known[0] == word[0]
        and OSA.distance(word, known) <= edits
        and _is_likely(word, known, vocabulary)
    ]


def _within(word: str, edits: int, vocabulary: Vocabulary) -> list[str]:
    """Known words at most `edits` away. Those of synonyms alone must start as `word` does, and none
    lacks just a letter such as the first of "vneck", unless it is a colour or person: "vpink"."""
    candidates = vocabulary.near_length(len(word), edits)
    found = process.extract(word, candidates, scorer=OSA.distance, score_cutoff=edits, limit=None)
    return [
        known
        for known, _, _ in found
        if (known != word[1:] or word[0] not in PREFIXES or known in vocabulary.colours_and_persons)
        and (known in vocabulary.products or known[0] == word[0])
        and _is_likely(word, known, vocabulary)
    ]


def _is_likely(word: str, known: str, vocabulary: Vocabulary) -> bool:
    """Whether `known` is common enough for the length of `word`. Almost every text of four letters
    is one edit away from a word of some language."""
    if len(word) >= FOREIGN_FROM or vocabulary.is_meaning(known):
        return True
    if len(word) >= SYNONYM_FROM and known in vocabulary.own_synonyms:
        return True
    return vocabulary.products.get(known, 0) >= FOREIGN_FROM - len(word)
