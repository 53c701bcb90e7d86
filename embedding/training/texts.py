"""The training texts: vectors of titles and phrases, and of which pictures they are true."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from embedding.encoder import Encoder
from embedding.training.data import Picture
from embedding.training.objective import FALSE, TRUE, UNKNOWN
from embedding.training.phrases import ATTRIBUTES, Claims, phrases

Codes = NDArray[np.int64]

NOT_STATED = 0
"""Code of an attribute that a phrase does not claim, or that is unknown for a picture."""


class Texts:
    """All titles and phrases of the pictures, encoded once. Each batch samples from them."""

    def __init__(self, pictures: list[Picture], encoder: Encoder) -> None:
        made = [phrases(picture.attributes) for picture in pictures]
        claims = dict(chain.from_iterable(each.items() for each in made))
        places = {text: place for place, text in enumerate(claims)}
        codes: dict[str, int] = {}
        self._known = encode_claims([picture.attributes for picture in pictures], codes)
        self._claims = encode_claims(list(claims.values()), codes)
        self._phrases = [np.array([places[text] for text in each]) for each in made]
        self._phrase_vectors = torch.from_numpy(encoder.encode_texts(list(claims)))

        # A title is true of the pictures with this title and false of those with another one. Of
        # pictures without a title it is false if the kind of product differs, else unknown.
        titled = {picture.title: picture for picture in pictures if picture.title}
        places = {title: place for place, title in enumerate(titled)}
        groups = [{"group": picture.attributes["group"]} for picture in titled.values()]
        self._title = np.array([places.get(picture.title, -1) for picture in pictures])
        self._title_claims = encode_claims(groups, codes)
        self._title_vectors = torch.from_numpy(encoder.encode_texts(list(titled)))

    def draw(
        self, batch: NDArray[np.int64], count: int, rng: np.random.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """The titles of a batch of n pictures, then `count` phrases sampled for each picture.

        Yields unit vectors (m, d) of m different texts, and their relation (n, m) to the pictures.
        """
        title = self._title[batch]
        chosen = np.unique(title[title >= 0])
        if len(chosen):
            unknown = relate(self._known[batch], self._title_claims[chosen]) != FALSE
            relation = np.where(unknown & (title < 0)[:, None], UNKNOWN, FALSE)
            relation[title[:, None] == chosen] = TRUE
            yield self._title_vectors[chosen], torch.from_numpy(relation)
        chosen = np.unique([rng.choice(self._phrases[index], count) for index in batch])
        relation = relate(self._known[batch], self._claims[chosen])
        yield self._phrase_vectors[chosen], torch.from_numpy(relation)


def encode_claims(claims: Sequence[Claims], codes: dict[str, int]) -> Codes:
    """Claims as integers, (n, len(ATTRIBUTES)). New values are added to `codes`, which numbers
    them."""
    return np.array(
        [
            [
                codes.setdefault(claim[name], len(codes) + 1) if name in claim else NOT_STATED
                for name in ATTRIBUTES
            ]
            for claim in claims
        ],
        dtype=np.int64,
    ).reshape(-1, len(ATTRIBUTES))


def relate(known: Codes, claims: Codes) -> NDArray[np.int64]:
    """The relation of m phrases to n pictures, (n, m): TRUE, UNKNOWN or FALSE.

    FALSE if a claim contradicts a known attribute, TRUE if all claimed attributes are known.
    """
    known, claims = known[:, None, :], claims[None, :, :]
    claimed = claims != NOT_STATED
    contradicted = (claimed & (known != NOT_STATED) & (known != claims)).any(2)
    open_ = (claimed & (known == NOT_STATED)).any(2)
    return np.select([contradicted, open_], [FALSE, UNKNOWN], TRUE)
