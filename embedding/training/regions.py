"""Trains the finder of regions (`embedding.regions`) on composed scenes, on a CPU.

    python -m embedding.training.regions PHOTOGRAPHS/ecommerce PHOTOGRAPHS/clothing

The garments are cut out of product photographs on white, and the backdrops are corners of snapshots
and drawings. Products of the test part, and photographs of other things, are never used.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from embedding.image_decoding import open_image, square
from embedding.loaders.backbone import to_device
from embedding.loaders.fashion import WEIGHTS
from embedding.loaders.fashion_tower import load_tower
from embedding.regions.finder import HEAD_FILE, save_head
from embedding.regions.network import CELLS, SIDE, RegionHead, backbone_maps, corners
from embedding.training.data import read_catalogue
from embedding.training.scenes import (
    Box,
    Cutout,
    Scene,
    compose,
    corner_backdrop,
    cut_out,
    drawn_backdrop,
)

SCENES = 3_000
SERIES = 1_500
"""Scenes are numbered in series of this length."""

EPOCHS = 8
BATCH = 32
LEARNING_RATE = 2e-3
CENTRE = 0.5
"""Cells in the middle of a box, of this share of its sides, are trained to show a garment."""

PLAIN = 0.12
"""Share of scenes that are product photographs as they are."""

EMPTY = 0.06
"""Share of scenes without a garment."""


def train(folders: list[Path], scenes: int = SCENES, epochs: int = EPOCHS) -> RegionHead:
    """Compose scenes, compute their maps once, and fit the head to them."""
    started = time.monotonic()
    # In the precision of the finder.
    backbone = to_device(load_tower(WEIGHTS / "model.safetensors").backbone, torch.device("cpu"))
    fine, coarse, targets = [], [], []
    with torch.inference_mode():
        for index, scene in enumerate(training_scenes(folders, scenes)):
            pixels = torch.from_numpy(np.array(square(scene.image, SIDE)))[None]
            maps = backbone_maps(backbone, pixels)
            fine.append(maps[0].half())
            coarse.append(maps[1].half())
            targets.append(target(scene))
            if index % 500 == 499:
                print(f"{index + 1} scenes, {time.monotonic() - started:.0f} s", flush=True)
    head = _fit(torch.cat(fine), torch.cat(coarse), torch.from_numpy(np.stack(targets)), epochs)
    print(f"trained in {time.monotonic() - started:.0f} s", flush=True)
    return head


def training_scenes(folders: list[Path], count: int) -> Iterator[Scene]:
    """Scenes of training products: one to three garments, of all sizes, with distractors."""
    pictures = [it for folder in folders for it in read_catalogue(folder) if it.part != "test"]
    titled = [it for it in pictures if it.title]
    random = Random(1)
    random.shuffle(titled)
    cutouts = [made for it in titled if (made := cut_out(it.path, it.product))]
    snapshots = corner_backdrop([it.path for it in pictures if not it.title])
    for index in range(count):
        random = Random(f"training {index // SERIES} {index % SERIES}")
        kind = random.random()
        if kind < PLAIN:
            yield _plain(random, titled[random.randrange(len(titled))].path)
            continue
        backdrop = snapshots if random.random() < 0.6 else drawn_backdrop
        garments = 0 if kind < PLAIN + EMPTY else random.choice((1, 1, 1, 2, 2, 3))
        spans = (0.15, 0.95) if garments == 1 else (0.15, 0.6)
        yield compose(
            random,
            random.sample(cutouts, garments),
            backdrop,
            spans,
            random.choice((0, 0, 1, 2, 4)),
        )


def target(scene: Scene) -> NDArray[np.float32]:
    """What each cell should predict, float32 (5, CELLS, CELLS): garment or not, and its box."""
    found = np.zeros((5, CELLS, CELLS), np.float32)
    found[1:] = np.nan
    centres = (np.arange(CELLS) + 0.5) / CELLS
    for box in sorted(map(_in_square(scene.image), scene.boxes), key=_size, reverse=True):
        left, top, right, bottom = box
        x, y = (left + right) / 2, (top + bottom) / 2
        half_width = max(CENTRE * (right - left) / 2, 0.5 / CELLS)
        half_height = max(CENTRE * (bottom - top) / 2, 0.5 / CELLS)
        columns = np.abs(centres - x) <= half_width
        rows = np.abs(centres - y) <= half_height
        mask = rows[:, None] & columns[None, :]
        found[0][mask] = 1
        for channel, side in enumerate(box, 1):
            found[channel][mask] = side
    return found


def _fit(fine: Tensor, coarse: Tensor, targets: Tensor, epochs: int) -> RegionHead:
    torch.manual_seed(0)
    head = RegionHead()
    optimiser = torch.optim.AdamW(head.parameters(), lr=LEARNING_RATE, weight_decay=0.02)
    steps = epochs * (len(fine) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps)
    for epoch in range(epochs):
        losses = []
        for rows in torch.randperm(len(fine))[: len(fine) // BATCH * BATCH].split(BATCH):
            loss = _loss(head, fine[rows].float(), coarse[rows].float(), targets[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}", flush=True)
    return head.eval()


def _loss(head: RegionHead, fine: Tensor, coarse: Tensor, targets: Tensor) -> Tensor:
    logits, distances = head(fine, coarse)
    truth = targets[:, 0]
    each = binary_cross_entropy_with_logits(logits, truth, reduction="none")
    # Focal loss: cells that are right already count little.
    wrong = (truth - logits.detach().sigmoid()).abs()
    positive = truth > 0
    score: Tensor = (each * wrong**2).sum() / positive.sum().clamp_min(1)
    boxes = corners(distances).permute(0, 2, 3, 1)[positive]
    overlap = _generalised_iou(boxes, targets[:, 1:].permute(0, 2, 3, 1)[positive])
    if len(boxes):
        score = score + (1 - overlap).mean()
    return score


def _generalised_iou(one: Tensor, other: Tensor) -> Tensor:
    """H. Rezatofighi et al., "Generalized Intersection over Union", 2019; -1 to 1, (n,)."""
    low, high = torch.maximum(one[:, :2], other[:, :2]), torch.minimum(one[:, 2:], other[:, 2:])
    shared = (high - low).clamp_min(0).prod(1)
    both = (one[:, 2:] - one[:, :2]).prod(1) + (other[:, 2:] - other[:, :2]).prod(1) - shared
    around = torch.maximum(one[:, 2:], other[:, 2:]) - torch.minimum(one[:, :2], other[:, :2])
    hull = around.prod(1)
    value: Tensor = shared / both - (hull - both) / hull
    return value


def _plain(random: Random, path: Path) -> Scene:
    """A product photograph as it is, sometimes with wider margins."""
    cutout = cut_out(path, "")
    image = open_image(path)
    if cutout is None:
        return Scene(image, ((0, 0, image.width, image.height),), ("",))
    return _on_plain(random, cutout)


def _on_plain(random: Random, cutout: Cutout) -> Scene:
    shade = random.choice((255, 255, random.randint(200, 255)))

    def backdrop(_: Random, size: tuple[int, int]) -> Image.Image:
        return Image.new("RGB", size, (shade, shade, shade))

    return compose(random, [cutout], backdrop, (0.35, 0.95))


def _in_square(image: Image.Image) -> Callable[[Box], Box]:
    """Converts boxes in pixels to shares of the square around the picture."""
    side = max(image.size)
    x, y = (side - image.width) / 2, (side - image.height) / 2

    def convert(box: Box) -> Box:
        left, top, right, bottom = box
        return (left + x) / side, (top + y) / side, (right + x) / side, (bottom + y) / side

    return convert


def _size(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="CATALOGUE_FOLDER")
    parser.add_argument("--output", type=Path, default=HEAD_FILE, help="file for the weights")
    parser.add_argument("--scenes", type=int, default=SCENES)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    options = parser.parse_args(arguments)
    save_head(train(options.folders, options.scenes, options.epochs), options.output)


if __name__ == "__main__":
    main()
