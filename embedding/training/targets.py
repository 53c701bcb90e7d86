"""What views of pictures are trained to: captions, titles, types and labels, on the device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from embedding.training.corpus import Corpus, PhraseComposer, add_captions, unique_titles
from embedding.training.data import Picture
from embedding.training.losses import FALSE, TRUE, UNKNOWN, relate, title_relation
from embedding.training.meanings import Meaning, picture_truth

Indices = NDArray[np.int64]

LABELS = ("colour", "type", "gender")
"""Attributes with a classifier each."""

TYPE = LABELS.index("type")


class Targets:
    """The texts of n pictures, and the relations of texts and pictures.

    Batches are given as the indices of their pictures, (b,). After them there may be views that
    show no garment: no text is true of these, and they are a type of their own.

    Args:
        pictures: n pictures.
        composer: composes their captions.
        pool: number of captions of each picture.
        device: the device to train on.
    """

    def __init__(
        self, pictures: Sequence[Picture], composer: PhraseComposer, pool: int, device: torch.device
    ) -> None:
        self.device = device
        known = picture_truth(pictures, composer.meanings)
        captions = Corpus()
        indices = np.array(
            [
                add_captions(captions, composer, known, picture, pool)
                for picture in range(len(pictures))
            ]
        )
        unique: dict[tuple[str, Meaning], int] = {}
        pairs = zip(captions.texts, captions.meanings, strict=True)
        self.captions_of = np.array([unique.setdefault(it, len(unique)) for it in pairs])[indices]
        """The captions of each picture, (n, pool)."""
        self.captions = [text for text, _ in unique]
        self._meanings = torch.tensor([meaning for _, meaning in unique], device=device)
        self._tables = [torch.from_numpy(table).to(device) for table in known.tables]
        self._values = torch.from_numpy(known.values).to(device)
        self.titles, title_of = unique_titles(pictures)
        groups = sorted({picture.attributes["group"] for picture in pictures})
        group_of = np.array([groups.index(it.attributes["group"]) for it in pictures])
        group_of_title = np.zeros(len(self.titles), np.int64)
        group_of_title[title_of[title_of >= 0]] = group_of[title_of >= 0]
        self._title_of, self._groups, self._group_of_title = (
            torch.from_numpy(each).to(device) for each in (title_of, group_of, group_of_title)
        )
        self.labels = torch.from_numpy(_labels(pictures)).to(device)
        """Classes of `LABELS`, (n, 3), -1 if unknown."""
        self.classes = [max(1, int(column.max()) + 1) for column in self.labels.T]
        """Number of classes of each."""

    def draw_captions(self, batch: Indices, count: int, rng: np.random.Generator) -> Indices:
        """Choose `count` captions of each picture, (b count,)."""
        chosen = rng.integers(0, self.captions_of.shape[1], (len(batch), count))
        captions: Indices = self.captions_of[batch[:, None], chosen].ravel()
        return captions

    def titles_of(self, batch: Tensor) -> Tensor:
        """The distinct titles of the pictures, (t,)."""
        found = self._title_of[batch]
        titles: Tensor = found[found >= 0].unique()
        return titles

    def caption_relation(self, batch: Tensor, captions: Tensor, empty: int) -> Tensor:
        """Relation of pictures and empty views to captions, (b + empty, c)."""
        relation = relate(self._tables, self._values[batch], self._meanings[captions])
        return pad(relation, (0, 0, 0, empty), value=FALSE)

    def title_relation(self, batch: Tensor, titles: Tensor, empty: int) -> Tensor:
        """Relation of pictures and empty views to titles, (b + empty, t)."""
        relation = title_relation(
            self._title_of[batch], self._groups[batch], titles, self._group_of_title[titles]
        )
        return pad(relation, (0, 0, 0, empty), value=FALSE)

    def type_relation(self, batch: Tensor, empty: int) -> Tensor:
        """Relation among pictures and empty views, (b + empty, b + empty)."""
        types = pad(self.labels[batch, TYPE], (0, empty), value=self.classes[TYPE])
        unknown = (types < 0)[:, None] | (types < 0)
        return torch.where(types[:, None] == types, TRUE, FALSE).masked_fill(unknown, UNKNOWN)


def _labels(pictures: Sequence[Picture]) -> NDArray[np.int64]:
    """Classes of `LABELS`, (n, 3), -1 if unknown."""
    columns = []
    for name in LABELS:
        values = sorted({picture.attributes.get(name, "") for picture in pictures} - {""})
        number = {value: index for index, value in enumerate(values)}
        columns.append([number.get(p.attributes.get(name, ""), -1) for p in pictures])
    return np.array(columns, np.int64).T.copy()
