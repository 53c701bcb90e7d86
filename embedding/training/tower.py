"""The image tower as training begins it: with drop path, and a palette of its pictures' colours."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from embedding.loaders.fashion_tower import ImageTower
from embedding.loaders.palette import COLOURS, lab
from embedding.training.recipe import Recipe
from embedding.training.run import Part

PALETTE_PICTURES = 800
PALETTE_STEP = 6
PALETTE_PIXELS = 100_000
PALETTE_ROUNDS = 20
"""The palette is fitted to this many pixels of garments, every sixth of so many pictures."""


def trainable_tower(recipe: Recipe, palette: Tensor) -> ImageTower:
    """A new tower on the device of `palette`, with ImageNet weights in its backbone."""
    tower = ImageTower(recipe.dropout)
    tower.palette.colours.copy_(palette)
    tower.to(palette.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    tower.backbone.requires_grad_(True)
    _drop_paths(tower, recipe.drop_path)
    return tower


def image_parts(tower: ImageTower, recipe: Recipe, share: float, factor: float = 1.0) -> list[Part]:
    """The tower's parts with their learning rates.

    Args:
        share: of the steps before the backbone is trained.
        factor: of the learning rates.
    """
    return [
        Part(tower.backbone, recipe.backbone_rate * factor, share),
        Part(tower.garment, recipe.head_rate * factor),
        Part(tower.head, recipe.head_rate * factor),
    ]


def fit_palette(canvases: Tensor, generator: torch.Generator) -> Tensor:
    """The colours of the palette, (COLOURS, 3), by k-means on pixels of garments.

    Args:
        canvases: uint8, (n, CANVAS, CANVAS, 4), on the device.
        generator: random numbers on the device.
    """
    device = canvases.device
    order = torch.randperm(len(canvases), generator=generator, device=device)
    some = canvases[order[:PALETTE_PICTURES]][:, ::PALETTE_STEP, ::PALETTE_STEP]
    colours = lab(some[..., :3].permute(0, 3, 1, 2).float()).permute(0, 2, 3, 1)
    colours = colours[some[..., 3] == 0]
    order = torch.randperm(len(colours), generator=generator, device=device)
    colours = colours[order[:PALETTE_PIXELS]]
    centres = colours[:COLOURS].clone()
    for _ in range(PALETTE_ROUNDS):
        nearest = torch.cdist(colours, centres).argmin(1)
        counts = torch.bincount(nearest, minlength=COLOURS)[:, None]
        sums = torch.zeros_like(centres).index_add_(0, nearest, colours)
        centres = torch.where(counts > 0, sums / counts.clamp_min(1), centres)
    return centres


def _drop_paths(tower: ImageTower, maximum: float) -> None:
    """Enable drop path. Its rate increases linearly with depth, up to `maximum`."""
    blocks = [block for stage in tower.backbone.stages for block in stage.children()]
    for index, block in enumerate(blocks):
        share = maximum * index / max(1, len(blocks) - 1)
        block.forward = partial(block.forward, drop_connect_rate=share)
