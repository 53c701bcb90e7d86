"""The texts of the products that a model is fine-tuned on, and of which products they are true."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedding.finetuning.products import Product
from embedding.training.corpus import Corpus, PhraseComposer, add_captions
from embedding.training.data import Picture
from embedding.training.losses import FALSE, TRUE, UNKNOWN
from embedding.training.meanings import ASPECTS, Truth, picture_truth, read_meanings
from embedding.training.phrases import ATTRIBUTES, WORDINGS, phrases

CLAIMED = (*ATTRIBUTES, "material", "occasion")
"""What an English phrase can say about a product."""

MORE_WORDINGS = (
    *WORDINGS,
    "{material} {noun}",
    "{colour} {material} {noun}",
    "{noun} for {occasion}",
    "{occasion} {noun}",
)

CAPTIONS_IN_LANGUAGES = 16
"""Captions from the lexicon for each product, of which each epoch draws some."""


@dataclass
class Texts:
    """Texts, and for which of the products they are true.

    `relate(tables, rows, columns)` of `embedding.training.losses` gives the relation of any product
    to any caption.
    """

    captions: list[str] = field(default_factory=list)
    columns: list[tuple[int, ...]] = field(default_factory=list)
    """For each caption, its column in each table."""
    captions_of: list[list[int]] = field(default_factory=list)
    """For each product, its captions."""
    tables: list[Truth] = field(default_factory=list)
    rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    """For each product, its row in each table."""
    titles: list[str] = field(default_factory=list)
    title_of: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """For each product, the index of its title, -1 if it has none."""
    look_of: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """For each product, the number of its combination of attributes, -1 if none is known."""


def compose_texts(products: Sequence[Product], languages: bool, seed: int) -> Texts:
    """Titles and captions of the products.

    Args:
        products: n products.
        languages: also compose captions in the languages of the lexicon.
        seed: of the choice of words.
    """
    texts = Texts(captions_of=[[] for _ in products])
    _add_titles(texts, products)
    blank: tuple[int, ...] = ()
    rows = []
    if languages:
        blank = (0,) * len(ASPECTS)
        rows.append(_add_lexicon_captions(texts, products, seed))
    rows.append(_add_phrases(texts, products, blank))
    texts.rows = np.concatenate(rows, 1)
    return texts


def _add_titles(texts: Texts, products: Sequence[Product]) -> None:
    titles: dict[str, int] = {}
    looks: dict[tuple[tuple[str, str], ...], int] = {}
    texts.title_of = np.array(
        [titles.setdefault(it.title, len(titles)) if it.title else -1 for it in products], np.int64
    )
    keys = [tuple(sorted(product.attributes.items())) for product in products]
    texts.look_of = np.array(
        [looks.setdefault(key, len(looks)) if key else -1 for key in keys], np.int64
    )
    texts.titles = list(titles)


def _add_lexicon_captions(
    texts: Texts, products: Sequence[Product], seed: int
) -> NDArray[np.int64]:
    """Add captions in eight languages; returns the rows of the products, (n, aspects)."""
    meanings = read_meanings()
    composer = PhraseComposer(meanings, hold_out=False, seed=seed)
    pictures = [
        Picture(Path(), it.sku, it.title, {"group": "", **it.attributes}) for it in products
    ]
    known = picture_truth(pictures, meanings)
    # Of a value that the lexicon does not have, nothing is known.
    for table in known.tables:
        unheard = ~(table[:, 1:] == TRUE).any(1)
        table[unheard, 1:] = UNKNOWN
    corpus = Corpus()
    for index, captions in enumerate(texts.captions_of):
        if (known.truth(0, index)[1:] == TRUE).any():
            found = add_captions(corpus, composer, known, index, CAPTIONS_IN_LANGUAGES)
            captions.extend(found)
    texts.captions, texts.tables = list(corpus.texts), list(known.tables)
    texts.columns = [(*meaning, *(0 for _ in CLAIMED)) for meaning in corpus.meanings]
    return known.values


def _add_phrases(
    texts: Texts, products: Sequence[Product], blank: tuple[int, ...]
) -> NDArray[np.int64]:
    """Add English phrases; returns the rows of the products, (n, claims).

    Row 0 of each table is of products whose value is not known, column 0 of phrases without it.
    """
    numbers: dict[str, dict[str, int]] = {name: {"": 0} for name in CLAIMED}
    for product in products:
        for name, value in product.attributes.items():
            numbers[name].setdefault(value, len(numbers[name]))
    for values in numbers.values():
        table = np.full((len(values), len(values)), FALSE, np.int8)
        table[0] = UNKNOWN
        np.fill_diagonal(table, TRUE)
        table[:, 0] = TRUE
        texts.tables.append(table)

    def numbered(values: Mapping[str, str]) -> tuple[int, ...]:
        return tuple(numbers[name][values.get(name, "")] for name in CLAIMED)

    index_of: dict[str, int] = {}
    for product, captions in zip(products, texts.captions_of, strict=True):
        for text, claims in phrases(product.attributes, MORE_WORDINGS).items():
            if text not in index_of:
                index_of[text] = len(texts.captions)
                texts.captions.append(text)
                texts.columns.append((*blank, *numbered(claims)))
            captions.append(index_of[text])
    return np.array([numbered(product.attributes) for product in products], np.int64)


def draw_captions(texts: Texts, batch: Sequence[int], count: int, rng: random.Random) -> list[int]:
    """Up to `count` captions of each product of a batch, without repetition."""
    drawn: dict[int, None] = {}
    for product in batch:
        captions = texts.captions_of[product]
        drawn.update(dict.fromkeys(rng.sample(captions, min(count, len(captions)))))
    return list(drawn)
