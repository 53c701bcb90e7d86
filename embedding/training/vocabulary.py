"""Reduces e5's vocabulary of 250,000 pieces, and builds the tokenizer.

The reduced vocabulary contains lower-case pieces of European languages. Case does not matter in a
search query, and half of the pieces differ from another piece only in case.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from embedding.loaders.fashion import PREFIX

BEGIN, PAD, END, UNKNOWN = "<s>", "<pad>", "</s>", "<unk>"
SPECIALS = (BEGIN, PAD, END, UNKNOWN)

SPACE = "\u2581"
"""Replaces the space at the start of a piece."""

SCRIPTS = {"LATIN", "GREEK", "CYRILLIC"}


MAIN_WORDS = 60_000
OTHER_WORDS = 12_000
"""Number of most frequent words per language of the lexicon and per other language."""

OTHER_LANGUAGES = (
    *("sv", "da", "nb", "fi", "cs", "sk", "hu", "ro", "hr", "sl"),
    *("bg", "el", "ru", "uk", "tr", "ca", "lt", "lv", "is", "mk"),
)


def is_usable(piece: str) -> bool:
    """Whether the piece has only lower-case European letters, digits, punctuation and symbols."""
    text = piece.replace(SPACE, "")
    return text == text.lower() and all(map(_is_european, text))


def _is_european(character: str) -> bool:
    if character.isascii() or unicodedata.category(character)[0] in "PSN":
        return ord(character) < 0x2E80
    return unicodedata.name(character, "").partition(" ")[0] in SCRIPTS | {"COMBINING"}


def count_pieces(tokenizer: Tokenizer, words: Mapping[str, float]) -> dict[int, float]:
    """Return the weighted count of each piece in the words, by its id in the tokenizer.

    Args:
        tokenizer: splits the words.
        words: the weight of each word.
    """
    counts: dict[int, float] = defaultdict(float)
    for encoding, weight in zip(
        tokenizer.encode_batch(list(words), add_special_tokens=False), words.values(), strict=True
    ):
        for number in encoding.ids:
            counts[number] += weight
    return counts


def choose_pieces(
    pieces: list[str], scores: Iterable[float], words: Mapping[str, float], size: int
) -> list[int]:
    """Choose the pieces of the reduced vocabulary.

    Special tokens, single characters and the pieces of the prefix are always chosen, then the
    pieces with the highest counts.

    Args:
        pieces: all pieces; the special tokens come first.
        scores: log probability of each piece.
        words: the weight of each word; see `count_pieces`.
        size: number of pieces to choose.

    Returns:
        Indices of the chosen pieces, in ascending order.
    """
    scores = list(scores)
    candidates = [
        number for number, piece in enumerate(pieces) if number < len(SPECIALS) or is_usable(piece)
    ]
    kept = {
        number
        for number in candidates
        if number < len(SPECIALS) or len(pieces[number].lstrip(SPACE)) <= 1
    }
    tokenizer = make_tokenizer(
        [pieces[number] for number in candidates], [scores[number] for number in candidates]
    )
    counts = count_pieces(tokenizer, words)
    prefix = tokenizer.encode(PREFIX, add_special_tokens=False).ids
    kept |= {candidates[number] for number in prefix}
    for number in sorted(counts, key=counts.__getitem__, reverse=True):
        if len(kept) >= size:
            break
        kept.add(candidates[number])
    return sorted(kept)


def make_tokenizer(pieces: list[str], scores: list[float]) -> Tokenizer:
    """Build a unigram tokenizer that lower-cases texts and adds e5's begin and end tokens."""
    tokenizer = Tokenizer(
        models.Unigram(list(zip(pieces, map(float, scores), strict=True)), SPECIALS.index(UNKNOWN))
    )
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Lowercase(),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A {END}", special_tokens=[(BEGIN, 0), (END, 2)]
    )
    return tokenizer
