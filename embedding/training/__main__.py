"""The command that trains the fashion model's image tower and evaluates it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from embedding.encoder import default_device
from embedding.errors import UserFacingError
from embedding.loaders.backbone import POOLED, PREPARATION, Backbone
from embedding.loaders.fashion import load_text_tower
from embedding.loaders.fashion_tower import load_tower, save_tower
from embedding.loaders.torch_encoder import as_device
from embedding.malloc import keep_memory
from embedding.preprocessing import open_prepared
from embedding.progress import Progress
from embedding.registry import get_spec
from embedding.training.data import Part, Picture, read_catalogue
from embedding.training.evaluate import by_picture, evaluate
from embedding.training.fit import Recipe, fit
from embedding.training.metrics import Matrix
from embedding.training.texts import Texts

CHUNK = 64
"""Mini-batch size of the evaluation."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command with `arguments`, by default those of the process."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        run(options)
    except UserFacingError as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


def run(options: argparse.Namespace) -> None:
    """Read the catalogues, train (unless `evaluate_only`), and print the figures."""
    keep_memory()
    device = as_device(options.device or default_device())
    catalogues = {folder.resolve().name: read_catalogue(folder) for folder in options.folders}
    texts = load_text_tower(get_spec("fashion"), str(device))
    trained_on: set[Part] = {"train"} if options.tune else {"train", "validation"}
    held_out: Part = "validation" if options.tune else "test"
    if not options.evaluate_only:
        recipe = replace(
            Recipe(), epochs=options.epochs, head_epochs=options.head_epochs, seed=options.seed
        )
        parts = {name: _select(catalogue, trained_on) for name, catalogue in catalogues.items()}
        pictures = [picture for part in parts.values() for picture in part]
        pixels = read_pixels(pictures).to(device)
        tower = fit(pictures, pixels, Texts(pictures, texts), recipe)
        sizes = {name: len(part) for name, part in parts.items()}
        save_tower(tower, options.output, _metadata(recipe, sizes, device))
    tower = load_tower(options.output).to(device)
    baseline = Backbone().to(device)
    for name, catalogue in catalogues.items():
        pictures = _select(catalogue, {held_out})
        print(f"{name}: {len(pictures)} {held_out} pictures")
        if pictures:
            pixels = read_pixels(pictures)
            for figure in evaluate(pictures, _encode(tower, pixels, device), texts):
                print(figure)
            plain = _encode(lambda part: baseline(part)[:, :POOLED], pixels, device)
            for figure in by_picture("imagenet", pictures, plain):
                print(figure)


def read_pixels(pictures: list[Picture]) -> Tensor:
    """8-bit RGB pixels, (n, SIZE, SIZE, 3), prepared as for indexing and queries.

    Raises:
        ImageError: a picture cannot be opened.
    """
    pixels = np.empty((len(pictures), *PREPARATION.shape), np.uint8)
    with Progress("reading", " pictures", len(pictures)) as bar:
        for index, picture in enumerate(pictures):
            pixels[index] = open_prepared(picture.path, PREPARATION)
            bar.advance()
    return torch.from_numpy(pixels)


def _select(catalogue: list[Picture], parts: set[Part]) -> list[Picture]:
    return [picture for picture in catalogue if picture.part in parts]


def _encode(tower: Callable[[Tensor], Tensor], pixels: Tensor, device: torch.device) -> Matrix:
    """Unit vectors, float32 (n, d), of 8-bit pixels (n, SIZE, SIZE, 3)."""
    with torch.inference_mode():
        parts = [normalize(tower(part.to(device))).cpu() for part in pixels.split(CHUNK)]
    return torch.cat(parts).numpy()


def _metadata(recipe: Recipe, sizes: dict[str, int], device: torch.device) -> dict[str, str]:
    """Metadata about the training, for the weights file. safetensors stores only text values."""
    return {
        "model": "fashion",
        "seed": str(recipe.seed),
        "recipe": json.dumps(asdict(recipe)),
        "pictures": json.dumps(sizes),
        "torch": torch.__version__,
        "device": device.type,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m embedding.training",
        description="Train the fashion model's image tower on catalogue folders and evaluate it on "
        "a held-out fifth of their products.",
    )
    add = parser.add_argument
    add(
        "folders",
        nargs="+",
        type=Path,
        metavar="CATALOGUE_FOLDER",
        help="a folder with images/ and products.csv or images.csv",
    )
    add("--output", type=Path, required=True, metavar="FILE", help="weights file (.safetensors)")
    add("--epochs", type=int, default=Recipe.epochs, help="number of epochs (%(default)s)")
    add(
        "--head-epochs",
        type=int,
        default=Recipe.head_epochs,
        help="number of first epochs that train only the head (%(default)s)",
    )
    add("--seed", type=int, default=Recipe.seed, help="random seed (%(default)s)")
    add("--device", default=None, help="torch device (EMBEDDING_DEVICE, else cuda, else cpu)")
    add("--tune", action="store_true", help="evaluate on a part of the training products instead")
    add("--evaluate-only", action="store_true", help="evaluate the weights in FILE, do not train")
    return parser


if __name__ == "__main__":
    main()
