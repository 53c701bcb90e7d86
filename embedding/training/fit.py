"""Training of the head on cached features."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize
from tqdm import tqdm

from embedding.loaders.head import Head
from embedding.training.data import Picture
from embedding.training.objective import contrastive_loss, kind_loss
from embedding.training.texts import Texts


@dataclass(frozen=True)
class Recipe:
    """What was settled by search on the validation part; see the model card."""

    epochs: int = 30
    seed: int = 0
    batch: int = 128
    phrases: int = 3
    """Phrases drawn for each picture of a batch."""
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    dropout: float = 0.5
    temperature: float = 0.065
    kind_weight: float = 0.1
    kind_temperature: float = 0.1


def fit(
    pictures: list[Picture], features: NDArray[np.float16], texts: Texts, recipe: Recipe
) -> Head:
    """A head trained on the pictures, whose features are (n, views, POOLED + EARLY).

    Each batch sees one random view of each of its pictures. Runs on the CPU, which takes a minute
    or two, and gives the same weights for the same input on the same machine.
    """
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    views = torch.from_numpy(features)
    kinds = _kinds(pictures)
    head = Head(recipe.dropout).train()
    optimiser = torch.optim.AdamW(
        head.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    size = min(recipe.batch, len(pictures))
    steps = recipe.epochs * (len(pictures) // size)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, _warm_cosine(steps))
    batches = _batches(len(pictures), size, steps, rng)
    for batch in tqdm(batches, total=steps, desc="training", unit="batch"):
        view = torch.from_numpy(rng.integers(views.shape[1], size=size))
        images = normalize(head(views[batch, view].float()))
        loss = torch.zeros(())
        for vectors, relation in texts.draw(batch, recipe.phrases, rng):
            loss = loss + contrastive_loss(images, vectors, relation, recipe.temperature)
        if recipe.kind_weight:
            kind = kind_loss(images, kinds[batch], recipe.kind_temperature)
            loss = loss + recipe.kind_weight * kind
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return head.eval()


def _kinds(pictures: list[Picture]) -> Tensor:
    """Each picture's product type as a number, -1 where it is unknown."""
    types = sorted({picture.attributes.get("type", "") for picture in pictures} - {""})
    number = {name: index for index, name in enumerate(types)}
    return torch.tensor(
        [number.get(picture.attributes.get("type", ""), -1) for picture in pictures]
    )


def _batches(
    count: int, size: int, steps: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """`steps` batches of indices; the pictures are shuffled anew when too few are left."""
    while steps > 0:
        order = rng.permutation(count)
        for start in range(0, count - size + 1, size):
            yield order[start : start + size]
            steps -= 1


def _warm_cosine(steps: int, warm: int = 50) -> Callable[[int], float]:
    """Learning rate as a share of its peak: a linear rise, then half a cosine down to nought."""
    return lambda step: min(1.0, (step + 1) / warm) * (1 + math.cos(math.pi * step / steps)) / 2
