"""Trains the image tower: first only the head, then the whole network."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from embedding.loaders.fashion_tower import ImageTower
from embedding.progress import Progress
from embedding.training.augment import augment
from embedding.training.data import Picture
from embedding.training.objective import contrastive_loss, kind_loss
from embedding.training.texts import Texts


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters, chosen on the validation part; see the model card."""

    epochs: int = 14
    head_epochs: int = 4
    """Number of first epochs that do not train the backbone: a random head would damage it.

    A. Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform
    Out-of-Distribution", 2022.
    """
    seed: int = 0
    batch: int = 128
    phrases: int = 3
    """Phrases sampled for each picture of a batch."""
    learning_rate: float = 1e-3
    backbone_learning_rate: float = 2e-4
    weight_decay: float = 0.05
    dropout: float = 0.5
    temperature: float = 0.065
    title_weight: float = 0.5
    """Weight of the titles' loss; that of the phrases has weight 1."""
    kind_weight: float = 0.1
    kind_temperature: float = 0.1


def fit(pictures: list[Picture], pixels: Tensor, texts: Texts, recipe: Recipe) -> ImageTower:
    """Train an image tower on the pictures, with 8-bit RGB pixels (n, SIZE, SIZE, 3).

    Every picture of a batch is augmented once. Training runs on the device of the pixels. On a CPU
    it is deterministic on the same machine.
    """
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    generator = torch.Generator().manual_seed(recipe.seed)
    device = pixels.device
    kinds = _kinds(pictures).to(device)
    tower = ImageTower(recipe.dropout).train()
    tower.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    tower.backbone.requires_grad_(True)
    size = min(recipe.batch, len(pictures))
    steps = recipe.epochs * (len(pictures) // size)
    frozen = recipe.head_epochs * (len(pictures) // size)
    optimiser = torch.optim.AdamW(
        [
            {"params": tower.head.parameters(), "lr": recipe.learning_rate},
            {"params": tower.backbone.parameters(), "lr": recipe.backbone_learning_rate},
        ],
        weight_decay=recipe.weight_decay,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, [_warm_cosine(0, steps), _warm_cosine(frozen, steps)]
    )
    batches = _batches(len(pictures), size, steps, rng)
    with Progress("training", " batches", steps) as bar:
        for step, batch in enumerate(batches):
            views = augment(pixels[batch], generator)
            half = torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")
            with half, torch.set_grad_enabled(step >= frozen):
                features = tower.backbone(views)
            images = normalize(tower.head(features))
            loss = torch.zeros((), device=device)
            terms = list(texts.draw(batch, recipe.phrases, rng))
            weights = [recipe.title_weight, 1.0][-len(terms) :]
            for weight, (vectors, relation) in zip(weights, terms, strict=True):
                loss = loss + weight * contrastive_loss(
                    images, vectors.to(device), relation.to(device), recipe.temperature
                )
            if recipe.kind_weight:
                kind = kind_loss(images, kinds[batch], recipe.kind_temperature)
                loss = loss + recipe.kind_weight * kind
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            bar.advance(detail=f"loss={loss.item():.2f}")
    return tower.eval().requires_grad_(False)


def _kinds(pictures: list[Picture]) -> Tensor:
    """Each picture's product type as a number, (n,); -1 if it is unknown."""
    types = sorted({picture.attributes.get("type", "") for picture in pictures} - {""})
    number = {name: index for index, name in enumerate(types)}
    return torch.tensor(
        [number.get(picture.attributes.get("type", ""), -1) for picture in pictures]
    )


def _batches(
    count: int, size: int, steps: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """`steps` batches of indices, (size,). The pictures are shuffled for every epoch."""
    while steps > 0:
        order = rng.permutation(count)
        for start in range(0, count - size + 1, size):
            yield order[start : start + size]
            steps -= 1


def _warm_cosine(first: int, last: int, warm: int = 50) -> Callable[[int], float]:
    """The learning rate as a share of its peak, by step: zero before step `first`, then a linear
    warm-up, multiplied by a cosine decay to zero at step `last`."""

    def share(step: int) -> float:
        if step < first:
            return 0.0
        done = (step - first) / max(1, last - first)
        return min(1.0, (step - first + 1) / warm) * (1 + math.cos(math.pi * done)) / 2

    return share
