"""Evaluation of both towers per language, in addition to `training.evaluate`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch.nn.functional import normalize

from embedding.lexicon import LANGUAGES, Concept, Kind, read_training_lexicon
from embedding.loaders.transformer import TextTower
from embedding.training.bundle import encode
from embedding.training.corpus import PhraseComposer, held_out
from embedding.training.data import Picture
from embedding.training.evaluate import Figure
from embedding.training.losses import FALSE, TRUE
from embedding.training.meanings import Meaning, picture_truth, read_meanings
from embedding.training.metrics import Matrix, mean_average_precision


class TextEncoder:
    """A text tower with its tokenizer, with the part of `Encoder` that the evaluation needs."""

    def __init__(self, tower: TextTower, tokenizer: Tokenizer) -> None:
        self.tower, self.tokenizer = tower, tokenizer

    def encode_texts(self, texts: list[str]) -> NDArray[np.float32]:
        """Encode texts as unit vectors, (n, d)."""
        vectors: NDArray[np.float32] = normalize(encode(self.tower, self.tokenizer, texts)).numpy()
        return vectors


def by_language(pictures: list[Picture], vectors: Matrix, texts: TextEncoder) -> Iterator[Figure]:
    """mAP of queries for pictures by colour, type and person, in each language.

    The queries are the combinations of the three that occur in the pictures.

    Args:
        pictures: n pictures.
        vectors: their unit vectors, (n, d).
        texts: encodes the queries.
    """
    meanings = read_meanings()
    known = picture_truth(pictures, meanings)
    relevant_of: dict[Meaning, NDArray[np.bool_]] = {}
    truths = [known.tables[aspect][known.values[:, aspect]] for aspect in range(3)]
    for picture in range(len(pictures)):
        found = [np.flatnonzero(truth[picture, 1:] == TRUE) + 1 for truth in truths]
        if not all(map(len, found)):
            continue
        most_specific = min(found[0], key=lambda number: int((truths[0][:, number] != FALSE).sum()))
        meaning: Meaning = (int(most_specific), int(found[1][0]), int(found[2][0]), 0)
        relevant_pictures = np.logical_and.reduce(
            [truths[aspect][:, number] == TRUE for aspect, number in enumerate(meaning[:3])]
        )
        relevant_of.setdefault(meaning, relevant_pictures)
    if not relevant_of:
        return
    composer = PhraseComposer(meanings, False, 0)
    relevant = np.array(list(relevant_of.values()))
    for language in LANGUAGES:
        queries = [composer.phrase(meaning, language, canonical=True) for meaning in relevant_of]
        scores = texts.encode_texts(queries) @ vectors.T
        name = f"words ({language}, colour+type+person) -> pictures, mAP"
        yield Figure(name, mean_average_precision(scores, relevant), len(queries))


def by_word(texts: TextEncoder, kinds: Sequence[Kind] = ("type", "colour")) -> Iterator[Figure]:
    """Accuracy of assigning foreign words to concepts, in each language.

    A word is assigned to the concept of its kind whose English words have the nearest mean vector.
    Concepts that `held_out` selects are reported separately.
    """
    for kind in kinds:
        concepts = list(read_training_lexicon()[kind].values())
        centres = np.stack([_centre(texts, concept) for concept in concepts])
        for language in LANGUAGES[1:]:
            for is_held_out in (False, True):
                rows = [
                    (word.text, index)
                    for index, concept in enumerate(concepts)
                    if held_out(concept) == is_held_out
                    for word in concept.words[language]
                ]
                scores = texts.encode_texts([text for text, _ in rows]) @ centres.T
                correct = scores.argmax(1) == np.array([index for _, index in rows])
                which = "held out" if is_held_out else "others"
                name = f"{kind} words ({language}, {which}) -> concept, accuracy"
                yield Figure(name, float(correct.mean()), len(rows))


def _centre(texts: TextEncoder, concept: Concept) -> NDArray[np.float32]:
    mean = texts.encode_texts([word.text for word in concept.words["en"]]).mean(0)
    centre: NDArray[np.float32] = mean / np.linalg.norm(mean)
    return centre
