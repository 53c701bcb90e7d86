"""What a model finds among held-out products."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from embedding.finetuning.data import Product
from embedding.finetuning.pictures import Pictures
from embedding.finetuning.towers import Towers
from embedding.training.metrics import mean_average_precision, recall_at

MEASURED = 3000
"""Maximum number of pictures that are measured, since each is compared with each."""

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
    towers: Towers, products: Sequence[Product], pictures: Pictures, chosen: Sequence[int]
) -> Figures:
    """The figures of the chosen products.

    Args:
        towers: the model.
        products: all products.
        pictures: their pictures.
        chosen: indices of the products to measure.
    """
    rows = pictures.of(chosen)[:MEASURED]
    owners = [pictures.owners[row] for row in rows]
    with torch.inference_mode():
        vectors = _joined(
            towers.embed_pixels(pictures.pixels(rows[start : start + BATCH]).to(_device(towers)))
            for start in range(0, len(rows), BATCH)
        )
        titles = sorted({products[owner].title for owner in owners} - {""})
        recall = None
        if titles and "text" in towers.modalities:
            found = _joined(
                towers.embed_texts(titles[start : start + BATCH])
                for start in range(0, len(titles), BATCH)
            )
            own = np.array([products[owner].title for owner in owners])
            relevant = own == np.array(titles)[:, None]
            recall = recall_at(10, found @ vectors.T, relevant)
    return Figures(recall, _type_map(vectors, [products[it] for it in owners]))


def _type_map(vectors: NDArray[np.float32], owners: Sequence[Product]) -> float | None:
    kinds = np.array([it.attributes.get("type") or it.attributes.get("group", "") for it in owners])
    skus = np.array([it.sku for it in owners])
    others = skus[:, None] != skus
    relevant = (kinds[:, None] == kinds) & others & (kinds != "")
    queries = relevant.any(1)
    if not queries.any() or len(set(kinds) - {""}) < 2:
        return None
    among = others & (kinds != "")
    return mean_average_precision((vectors @ vectors.T)[queries], relevant[queries], among[queries])


def _joined(parts: Iterable[Tensor]) -> NDArray[np.float32]:
    joined: NDArray[np.float32] = np.concatenate(
        [normalize(part.float()).cpu().numpy() for part in parts]
    )
    return joined


def _device(towers: Towers) -> torch.device:
    return next(towers.network.parameters()).device
