"""The loss of a batch: pictures against captions, titles, judged queries and product types."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from embedding.finetuning.data import Texts, draw_captions
from embedding.finetuning.products import JudgedQuery, Product
from embedding.finetuning.relations import judged_relation, kind_relation, title_relation
from embedding.finetuning.towers import Towers
from embedding.training.losses import contrastive, relate, supervised_contrastive

TITLE_WEIGHT, JUDGED_WEIGHT, KIND_WEIGHT = 1.0, 1.0, 0.2
"""Weights of the losses of titles, judged queries and product types; captions have 1."""

KIND_TEMPERATURE = 0.1


class Loss:
    """The loss of batches of one run.

    Args:
        towers: the model.
        products: all products.
        texts: their captions and titles.
        judged: judged queries.
        captions: captions of each product in a batch.
    """

    def __init__(
        self,
        towers: Towers,
        products: Sequence[Product],
        texts: Texts,
        judged: Sequence[JudgedQuery],
        captions: int,
    ) -> None:
        self.towers, self.products, self.texts, self.judged = towers, products, texts, judged
        self.captions = captions
        self._columns = torch.tensor(texts.columns or [[0]])
        self._rows = torch.from_numpy(texts.rows)
        self._tables = [torch.from_numpy(table) for table in texts.tables]

    def of(self, images: Tensor, owners: NDArray[np.int64], draws: random.Random) -> Tensor:
        """The loss of `images` (n, d), unit vectors; `owners` are the indexes of their products.

        `draws` chooses the captions.
        """
        device = images.device
        kinds = kind_relation([self.products[owner] for owner in owners]).to(device)
        by_kind = supervised_contrastive(images, kinds, KIND_TEMPERATURE)
        if "text" not in self.towers.modalities:
            return by_kind
        loss = KIND_WEIGHT * by_kind
        parts = [part for part in self._texts(owners, draws) if part[0]]
        if not parts:
            return loss
        half = torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")
        with half:
            vectors = self.towers.embed_texts([text for part in parts for text in part[0]])
        split = normalize(vectors.float()).split([len(part[0]) for part in parts])
        for (_, relation, weight), found in zip(parts, split, strict=True):
            logits = images @ found.T / self.towers.temperature
            loss = loss + weight * contrastive(logits, relation.to(device))
        return loss

    def _texts(
        self, owners: NDArray[np.int64], draws: random.Random
    ) -> list[tuple[list[str], Tensor, float]]:
        """Captions, titles and queries, each with their relation to the products and a weight."""
        texts = self.texts
        captions = draw_captions(texts, list(dict.fromkeys(owners)), self.captions, draws)
        titles = np.unique(texts.title_of[owners])
        titles = titles[titles >= 0]
        skus = {self.products[owner].sku for owner in owners}
        queries = [it for it in self.judged if not skus.isdisjoint(it.relevant)]
        return [
            (
                [texts.captions[it] for it in captions],
                relate(self._tables, self._rows[owners], self._columns[captions]),
                1.0,
            ),
            (
                [texts.titles[it] for it in titles],
                title_relation(texts, owners, titles),
                TITLE_WEIGHT,
            ),
            (
                [it.text for it in queries],
                judged_relation(texts, self.products, owners, queries),
                JUDGED_WEIGHT,
            ),
        ]
