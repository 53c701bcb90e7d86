"""Teaches the head of a finished image tower that a piece of fabric looks like its garment.

Shoppers cut prints out of pictures. Without this step, such a piece has the vector of a ground
without a garment, since most of them are plain or patterned too. Other vectors stay as they are:
the head learns them from itself.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import interpolate, normalize

from embedding.loaders.fashion_tower import ImageTower
from embedding.training.grounds import uniform
from embedding.training.images import ImageRecipe
from embedding.training.run import half, rate
from embedding.training.views import RandomViews, on_white, plain_views

TRIES = 12
"""How many places are tried for a piece that is wholly of fabric."""

COVERED = 0.97
"""Minimum share of a piece that is garment."""

SIDES = (24, 96)
"""Least and greatest side of a piece, in pixels of the canvas."""

RATE, WEIGHT_DECAY, DROPOUT = 2e-4, 0.02, 0.3

WEIGHTS = (6.0, 2.0, 1.0)
"""Weights of pictures and views, of views without a garment, and of pieces."""

CHUNK = 32
"""Number of pictures that are computed at once."""

FLAT_EVERY = 5
"""After so many groups of views without a garment, there is one of a single colour each: fabric
has a texture."""


def learn_fabrics(
    tower: ImageTower, canvases: Tensor, corners: Tensor, recipe: ImageRecipe
) -> ImageTower:
    """Train the head in place, and return the tower in evaluation mode.

    Without pictures of garments on white, the tower stays as it is.

    Args:
        tower: a trained tower, on the device of the others.
        canvases: uint8, (n, CANVAS, CANVAS, 4).
        corners: see `Grounds`.
        recipe: hyperparameters.
    """
    tower.eval()
    random = np.random.default_rng(recipe.seed)
    generator = torch.Generator(canvases.device).manual_seed(recipe.seed)
    garments = on_white(canvases).nonzero().squeeze(1).cpu().numpy()
    pieces, owners = cut_pieces(canvases, garments, recipe, random)
    if not len(pieces):
        return tower
    views = RandomViews(corners, recipe.side, generator)
    drawn = torch.from_numpy(random.choice(garments, recipe.fabric_views)).to(canvases.device)
    counts = [CHUNK] * (recipe.fabric_empty // CHUNK)
    whole = [_features(tower, plain_views(it, recipe.side)) for it in canvases.split(CHUNK)]
    whole += [_features(tower, views.of(canvases[it]).pixels) for it in drawn.split(CHUNK)]
    empty = [_features(tower, views.empty(count).pixels) for count in counts]
    empty += [_features(tower, _flat(recipe.side, generator)) for _ in counts[::FLAT_EVERY]]
    parts = [_features(tower, it) for it in pieces.split(CHUNK)]
    kinds = (whole, empty, parts)
    features = torch.cat([it for kind in kinds for it in kind])
    weights = torch.cat(
        [it.new_full((len(it),), w) for kind, w in zip(kinds, WEIGHTS, strict=True) for it in kind]
    )
    with torch.no_grad():
        targets = normalize(tower.head(features))
        targets[-len(pieces) :] = targets[owners]
    _fit(tower.head, features, targets, weights, recipe)
    return tower


def cut_pieces(
    canvases: Tensor, garments: NDArray[np.int64], recipe: ImageRecipe, random: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Cut squares out of garments, at most two of each.

    Returns:
        Pixels, uint8 (m, side, side, 3), and the number of the canvas of each, (m,).
    """
    pieces: list[Tensor] = []
    owners: list[int] = []
    ground = canvases[..., 3].cpu().numpy()
    for number in random.permutation(np.repeat(garments, 2)):
        if len(pieces) == recipe.fabric_pieces:
            break
        side = int(random.integers(*SIDES))
        for _ in range(TRIES):
            top, left = random.integers(0, ground.shape[1] - side, 2)
            place = (slice(top, top + side), slice(left, left + side))
            if (ground[number][place] == 0).mean() > COVERED:
                pixels = canvases[int(number)][place][..., :3].permute(2, 0, 1)[None].float()
                piece = interpolate(pixels, (recipe.side, recipe.side), mode="bilinear")
                pieces.append(piece[0].permute(1, 2, 0).round().byte())
                owners.append(int(number))
                break
    found = torch.stack(pieces) if pieces else canvases.new_empty((0, recipe.side, recipe.side, 3))
    return found, torch.tensor(owners, dtype=torch.long, device=canvases.device)


def _flat(side: int, generator: torch.Generator) -> Tensor:
    """Pictures of one colour each, (CHUNK, side, side, 3)."""
    colours = uniform(generator)(CHUNK, 1, 1, 3) * 255
    return colours.round().expand(-1, side, side, -1).contiguous()


def _features(tower: ImageTower, pixels: Tensor) -> Tensor:
    with torch.no_grad(), half(pixels.device):
        features, _ = tower.features(pixels)
    return features.float()


def _fit(
    head: nn.Module, features: Tensor, targets: Tensor, weights: Tensor, recipe: ImageRecipe
) -> None:
    """Fit the vectors of the head to the targets, by their cosines."""
    torch.manual_seed(recipe.seed)
    generator = torch.Generator(features.device).manual_seed(recipe.seed)
    head.requires_grad_(True).train()
    for module in head.modules():
        if isinstance(module, nn.Dropout):
            module.p = DROPOUT
        elif isinstance(module, nn.BatchNorm1d):
            module.eval()
    optimiser = torch.optim.AdamW(head.parameters(), weight_decay=WEIGHT_DECAY)
    for step in range(recipe.fabric_steps):
        optimiser.param_groups[0]["lr"] = RATE * rate(step / recipe.fabric_steps, recipe.warm_share)
        chosen = torch.randint(
            len(features), (recipe.batch,), generator=generator, device=features.device
        )
        vectors = normalize(head(features[chosen]))
        distances = 1 - (vectors * targets[chosen]).sum(1)
        optimiser.zero_grad()
        (weights[chosen] * distances).mean().backward()
        optimiser.step()
    head.requires_grad_(False).eval()
