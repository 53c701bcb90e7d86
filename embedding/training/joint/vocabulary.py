"""Which of e5's 250,000 pieces the text tower keeps, and the tokenizer made of them.

Kept is what European languages need, in lower case: case tells a shop nothing, and half the pieces
differ from another in case alone.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

BEGIN, PAD, END, UNKNOWN = "<s>", "<pad>", "</s>", "<unk>"
SPECIALS = (BEGIN, PAD, END, UNKNOWN)

SPACE = "\u2581"
"""What stands for a space at the beginning of a piece."""

SCRIPTS = {"LATIN", "GREEK", "CYRILLIC"}

PREFIX = "query: "
"""What e5 was trained to see before a short text."""

MAIN_WORDS = 60_000
OTHER_WORDS = 12_000
"""The most frequent words that are looked at, of the lexicon's languages and of the others."""

OTHER_LANGUAGES = (
    *("sv", "da", "nb", "fi", "cs", "sk", "hu", "ro", "hr", "sl"),
    *("bg", "el", "ru", "uk", "tr", "ca", "lt", "lv", "is", "mk"),
)


def usable(piece: str) -> bool:
    """Is the piece in lower case and of European letters, digits and signs alone?"""
    text = piece.replace(SPACE, "")
    return text == text.lower() and all(map(_is_european, text))


def _is_european(sign: str) -> bool:
    if sign.isascii() or unicodedata.category(sign)[0] in "PSN":
        return ord(sign) < 0x2E80
    return unicodedata.name(sign, "").partition(" ")[0] in SCRIPTS | {"COMBINING"}


def count_pieces(tokenizer: Tokenizer, words: Mapping[str, float]) -> dict[int, float]:
    """How often each piece is used in the words, each of which counts as often as is said."""
    counts: dict[int, float] = defaultdict(float)
    for encoding, weight in zip(
        tokenizer.encode_batch(list(words), add_special_tokens=False), words.values(), strict=True
    ):
        for number in encoding.ids:
            counts[number] += weight
    return counts


def choose(
    pieces: list[str], scores: Iterable[float], words: Mapping[str, float], size: int
) -> list[int]:
    """The numbers of the pieces to keep, in their order: specials, single signs, the most used."""
    scores = list(scores)
    candidates = [
        number for number, piece in enumerate(pieces) if number < len(SPECIALS) or usable(piece)
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
    """A unigram tokenizer that lower-cases, and puts e5's marks around a text."""
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
