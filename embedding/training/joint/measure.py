"""How well both towers do, besides the figures of `training.evaluate`: language by language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch.nn.functional import normalize

from embedding.lexicon import LANGUAGES, Concept, Kind, read_lexicon
from embedding.loaders.transformer import TextTower
from embedding.training.data import Picture
from embedding.training.evaluate import Figure
from embedding.training.joint.bundle import encode
from embedding.training.joint.corpus import Speaker, held_out
from embedding.training.joint.meanings import Meaning, know, read_meanings
from embedding.training.metrics import Matrix, mean_average_precision
from embedding.training.objective import FALSE, TRUE


class Words:
    """A text tower with its tokenizer, as far as measuring needs an encoder."""

    def __init__(self, tower: TextTower, tokenizer: Tokenizer) -> None:
        self.tower, self.tokenizer = tower, tokenizer

    def encode_texts(self, texts: list[str]) -> NDArray[np.float32]:
        """Unit vectors, (n, d)."""
        vectors: NDArray[np.float32] = normalize(encode(self.tower, self.tokenizer, texts)).numpy()
        return vectors


def by_language(pictures: list[Picture], vectors: Matrix, words: Words) -> Iterator[Figure]:
    """Colour, type and person of each picture, said in each language, as a query for pictures."""
    meanings = read_meanings()
    known = know(pictures, meanings)
    asked: dict[Meaning, NDArray[np.bool_]] = {}
    truths = [known.tables[aspect][known.values[:, aspect]] for aspect in range(3)]
    for picture in range(len(pictures)):
        found = [np.flatnonzero(truth[picture, 1:] == TRUE) + 1 for truth in truths]
        if not all(map(len, found)):
            continue
        narrow = min(found[0], key=lambda number: int((truths[0][:, number] != FALSE).sum()))
        meaning: Meaning = (int(narrow), int(found[1][0]), int(found[2][0]), 0)
        right = np.logical_and.reduce(
            [truths[aspect][:, number] == TRUE for aspect, number in enumerate(meaning[:3])]
        )
        asked.setdefault(meaning, right)
    if not asked:
        return
    speaker = Speaker(meanings, False, 0)
    relevant = np.array(list(asked.values()))
    for language in LANGUAGES:
        texts = [speaker.say(meaning, language, plainly=True) for meaning in asked]
        scores = words.encode_texts(texts) @ vectors.T
        name = f"words ({language}, colour+type+person) -> pictures, mAP"
        yield Figure(name, mean_average_precision(scores, relevant), len(texts))


def by_word(words: Words, kinds: Sequence[Kind] = ("type", "colour")) -> Iterator[Figure]:
    """Each foreign word's nearest concept by the English words, among all of its kind.

    Told apart by whether a run that keeps words back has been taught the concept's foreign words.
    """
    for kind in kinds:
        concepts = list(read_lexicon()[kind].values())
        centres = np.stack([_centre(words, concept) for concept in concepts])
        for language in LANGUAGES[1:]:
            for back in (False, True):
                rows = [
                    (word.text, place)
                    for place, concept in enumerate(concepts)
                    if held_out(concept) == back
                    for word in concept.words[language]
                ]
                scores = words.encode_texts([text for text, _ in rows]) @ centres.T
                right = scores.argmax(1) == np.array([place for _, place in rows])
                which = "kept back" if back else "others"
                name = f"{kind} words ({language}, {which}) -> concept, first"
                yield Figure(name, float(right.mean()), len(rows))


def _centre(words: Words, concept: Concept) -> NDArray[np.float32]:
    mean = words.encode_texts([word.text for word in concept.words["en"]]).mean(0)
    centre: NDArray[np.float32] = mean / np.linalg.norm(mean)
    return centre
