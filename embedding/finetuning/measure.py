"""What a model finds among held-out products."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from embedding.finetuning.frozen_features import FrozenFeatures
from embedding.finetuning.pictures import Pictures
from embedding.finetuning.products import Product
from embedding.finetuning.towers import Towers
from embedding.training.metrics import mean_average_precision, recall_at

MEASURED = 3000
"""Maximum number of pictures that are ranked; at most half of them are queries."""

BATCH = 32


@dataclass(frozen=True)
class Figures:
    """Figures from 0 to 1; None if there is nothing to measure them with."""

    title_recall: float | None
    """Share of the titles for which a picture with this title is among the first ten."""
    type_map: float | None
    """Mean average precision of pictures of the same product type, without those of the product."""

    @property
    def score(self) -> float:
        """Their mean, by which epochs and weights are compared."""
        known = [it for it in (self.title_recall, self.type_map) if it is not None]
        return float(np.mean(known)) if known else 0.0

    def __str__(self) -> str:
        named = {"title to picture R@10": self.title_recall, "type mAP": self.type_map}
        return ", ".join(f"{name} {it:.3f}" for name, it in named.items() if it is not None)


def measure(
    towers: Towers,
    products: Sequence[Product],
    pictures: Pictures,
    chosen: Sequence[int],
    features: FrozenFeatures | None = None,
) -> Figures:
    """The figures of the chosen products, whose pictures are found among those of all products.

    Args:
        towers: the model.
        products: all products.
        pictures: their pictures.
        chosen: indices of the products to measure.
        features: those of the pictures, if they are known.
    """
    own = pictures.of(chosen)[: MEASURED // 2]
    known = set(own)
    # The others are spread evenly, and stay the same.
    others = [row for row in range(len(pictures)) if row not in known]
    room = MEASURED - len(own)
    rows = own + others[:: max(1, -(-len(others) // room))]
    owners = [pictures.owners[row] for row in rows]

    def embed(part: list[int]) -> Tensor:
        if features is not None:
            return towers.finish(features.of(part).to(_device(towers)))
        return towers.embed_pixels(pictures.pixels(part).to(_device(towers)))

    with torch.inference_mode():
        vectors = _joined(
            embed(rows[start : start + BATCH]) for start in range(0, len(rows), BATCH)
        )
        titles = sorted({products[owner].title for owner in owners[: len(own)]} - {""})
        recall = None
        if titles and "text" in towers.modalities:
            found = _joined(
                towers.embed_texts(titles[start : start + BATCH])
                for start in range(0, len(titles), BATCH)
            )
            known_titles = np.array([products[owner].title for owner in owners])
            relevant = known_titles == np.array(titles)[:, None]
            recall = recall_at(10, found @ vectors.T, relevant)
    return Figures(recall, _type_map(vectors, [products[it] for it in owners], len(own)))


def _type_map(
    vectors: NDArray[np.float32], owners: Sequence[Product], queries: int
) -> float | None:
    """The mean average precision of the first `queries` pictures among all, (n, d)."""
    kinds = np.array([it.attributes.get("type") or it.attributes.get("group", "") for it in owners])
    skus = np.array([it.sku for it in owners])
    others = skus[:queries, None] != skus
    relevant = (kinds[:queries, None] == kinds) & others & (kinds != "")
    measured = relevant.any(1)
    if not measured.any() or len(set(kinds) - {""}) < 2:
        return None
    among = others & (kinds != "")
    scores = (vectors[:queries] @ vectors.T)[measured]
    return mean_average_precision(scores, relevant[measured], among[measured])


def _joined(parts: Iterable[Tensor]) -> NDArray[np.float32]:
    joined: NDArray[np.float32] = np.concatenate(
        [normalize(part.float()).cpu().numpy() for part in parts]
    )
    return joined


def _device(towers: Towers) -> torch.device:
    return next(towers.network.parameters()).device
