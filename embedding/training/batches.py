"""Batches of random views with the texts that they are compared with, and their losses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate

from embedding.loaders.fashion_tower import DIMENSIONS
from embedding.training.losses import AttributeClassifiers, contrastive, supervised_contrastive
from embedding.training.recipe import Recipe
from embedding.training.run import Losses
from embedding.training.targets import Indices, Targets
from embedding.training.views import RandomViews, Views

KIND_TEMPERATURE = 0.1


@dataclass(frozen=True)
class Batch:
    """Views of pictures, views without a garment after them, and texts."""

    pictures: Tensor
    """Indices of the pictures, (b,)."""
    views: Views
    """b + `empty` views."""
    captions: Tensor
    titles: Tensor
    """Indices of texts, (c,) and (t,)."""

    @property
    def empty(self) -> int:
        """Number of views without a garment."""
        return len(self.views.pixels) - len(self.pictures)


class Batches:
    """Draws batches.

    Args:
        recipe: hyperparameters.
        targets: of n pictures.
        catalogues: name of the catalogue of each picture.
        canvases: uint8, (n, CANVAS, CANVAS, 4), on the device.
        corners: of snapshots; see `Grounds`.
        seed: of all random choices.
    """

    def __init__(
        self,
        recipe: Recipe,
        targets: Targets,
        catalogues: Sequence[str],
        canvases: Tensor,
        corners: Tensor,
        seed: int,
    ) -> None:
        self.recipe, self.targets, self.canvases = recipe, targets, canvases
        self.rng = np.random.default_rng(seed)
        self.generator = torch.Generator(canvases.device).manual_seed(seed)
        self._views = RandomViews(corners, recipe.side, self.generator)
        self._rows = draw_rows(catalogues, recipe.shares, recipe.batch, self.rng)

    def draw(self, extra: int = 0) -> Batch:
        """Draw a batch.

        Args:
            extra: number of captions of any pictures, besides those of the batch.
        """
        recipe, targets, rng = self.recipe, self.targets, self.rng
        rows = next(self._rows)
        captions = targets.draw_captions(rows, recipe.captions, rng)
        others = rng.integers(0, len(targets.captions), extra)
        pictures = torch.from_numpy(rows).to(self.canvases.device)
        with torch.no_grad():
            views = self._views.of(self.canvases[pictures])
            views += self._views.empty(max(2, round(recipe.batch * recipe.empty_share)))
        chosen = torch.from_numpy(np.concatenate([captions, others])).to(pictures.device)
        return Batch(pictures, views, chosen, targets.titles_of(pictures))


def draw_rows(
    catalogues: Sequence[str], shares: Mapping[str, float], size: int, rng: np.random.Generator
) -> Iterator[Indices]:
    """Draw the pictures of batches, each catalogue in random orders, one after the other.

    Args:
        catalogues: name of the catalogue of each picture.
        shares: of the catalogues; see `Recipe`.
        size: about the number of pictures in a batch.
        rng: random numbers.
    """
    names = np.array(catalogues)
    rows = {name: np.flatnonzero(names == name) for name in sorted(set(catalogues))}
    weights = {name: shares.get(name, len(each) / len(names)) for name, each in rows.items()}
    total = sum(weights.values())
    counts = {n: min(len(rows[n]), round(size * w / total)) for n, w in weights.items()}
    left: dict[str, Indices] = {name: np.zeros(0, np.int64) for name in rows}
    while True:
        batch = []
        for name, count in counts.items():
            if len(left[name]) < count:
                left[name] = rng.permutation(rows[name])
            batch.append(left[name][:count])
            left[name] = left[name][count:]
        yield np.concatenate(batch)


def classifiers(targets: Targets) -> AttributeClassifiers:
    """Classifiers of the labels of the targets."""
    return AttributeClassifiers(targets.classes, DIMENSIONS).to(targets.device)


def weights_of(recipe: Recipe) -> dict[str, float]:
    """Weights of the losses of `picture_losses`."""
    return {
        "captions": 1.0,
        "titles": recipe.title_weight,
        "kind": recipe.kind_weight,
        "labels": recipe.label_weight,
        "mask": recipe.mask_weight,
    }


def picture_losses(
    batch: Batch,
    targets: Targets,
    classify: AttributeClassifiers,
    vectors: Tensor,
    logits: Tensor,
    captions: Tensor,
    titles: Tensor,
    temperature: float,
) -> Losses:
    """The losses of a batch, without weights.

    Args:
        batch: n = b + empty views.
        targets: of all pictures.
        classify: classifies vectors.
        vectors: unit vectors of the views, (n, d).
        logits: where the tower sees a garment, (n, h, w).
        captions: unit vectors of the batch's captions, (c, d).
        titles: unit vectors of the batch's titles, (t, d).
        temperature: of the contrastive losses.
    """
    pictures, empty = batch.pictures, batch.empty
    return {
        "captions": contrastive(
            vectors @ captions.T / temperature,
            targets.caption_relation(pictures, batch.captions, empty),
        ),
        "titles": contrastive(
            vectors @ titles.T / temperature, targets.title_relation(pictures, batch.titles, empty)
        ),
        "kind": supervised_contrastive(
            vectors, targets.type_relation(pictures, empty), KIND_TEMPERATURE
        ),
        "labels": classify(vectors[: len(pictures)], targets.labels[pictures]),
        "mask": mask_loss(batch.views, logits),
    }


def mask_loss(views: Views, logits: Tensor) -> Tensor:
    """Mean cross-entropy of where the tower sees a garment, for views where it is known.

    Args:
        views: n views.
        logits: (n, h, w).

    Returns:
        A scalar.
    """
    size = logits.shape[1:]
    wanted = interpolate(views.garment[:, None], size, mode="bilinear", antialias=True)[:, 0]
    each = binary_cross_entropy_with_logits(
        logits.float(), wanted.clamp(0, 1), reduction="none"
    ).mean((1, 2))
    return (each * views.known).sum() / views.known.sum().clamp_min(1)
