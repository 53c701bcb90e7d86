"""The command that trains the fashion model's image tower, and prints how well it does."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import normalize

from embedding.encoder import Encoder, EncoderError, default_device
from embedding.images import ImageError
from embedding.loaders.backbone import POOLED
from embedding.loaders.fashion import load_text_tower
from embedding.loaders.head import Head, load_head, save_head
from embedding.registry import get_spec
from embedding.training.data import CatalogueError, Part, Picture, read_catalogue
from embedding.training.evaluate import by_picture, evaluate
from embedding.training.features import Features, extract
from embedding.training.fit import Recipe, fit
from embedding.training.texts import Texts

Catalogue = tuple[list[Picture], Features]


def main(arguments: list[str] | None = None) -> None:
    """Run the command with `arguments`, by default the process's own."""
    parser = _parser()
    options = parser.parse_args(arguments)
    options.device = options.device or default_device()
    try:
        run(options)
    except (CatalogueError, EncoderError, ImageError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


def run(options: argparse.Namespace) -> None:
    """Read and encode; train, unless told otherwise; report."""
    catalogues = {folder.resolve().name: read_catalogue(folder) for folder in options.folders}
    texts = load_text_tower(get_spec("fashion"), options.device)
    encoded = {
        name: (pictures, extract(pictures, options.device, options.cache, name))
        for name, pictures in catalogues.items()
    }
    trained_on: set[Part] = {"train"} if options.tune else {"train", "validation"}
    held_out: Part = "validation" if options.tune else "test"
    if not options.evaluate_only:
        recipe = replace(Recipe(), epochs=options.epochs, seed=options.seed)
        parts = {name: _select(catalogue, trained_on) for name, catalogue in encoded.items()}
        pictures = [picture for part, _ in parts.values() for picture in part]
        features = np.concatenate([part for _, part in parts.values()])
        head = fit(pictures, features, Texts(pictures, texts), recipe)
        sizes = {name: len(part) for name, (part, _) in parts.items()}
        save_head(head, options.output, _metadata(recipe, sizes))
    head = load_head(options.output)
    for name, catalogue in encoded.items():
        _report(name, held_out, _select(catalogue, {held_out}), head, texts)


def _select(catalogue: Catalogue, parts: set[Part]) -> Catalogue:
    pictures, features = catalogue
    chosen = [index for index, picture in enumerate(pictures) if picture.part in parts]
    return [pictures[index] for index in chosen], features[chosen]


def _metadata(recipe: Recipe, sizes: dict[str, int]) -> dict[str, str]:
    """What the file says of its own making; safetensors stores texts alone."""
    return {
        "model": "fashion",
        "seed": str(recipe.seed),
        "recipe": json.dumps(asdict(recipe)),
        "pictures": json.dumps(sizes),
        "torch": torch.__version__,
    }


def _report(name: str, part: Part, catalogue: Catalogue, head: Head, texts: Encoder) -> None:
    pictures, features = catalogue
    if not pictures:
        print(f"{name}: no {part} pictures")
        return
    print(f"{name}: {len(pictures)} {part} pictures")
    views = torch.from_numpy(features[:, 0]).float()
    with torch.inference_mode():
        vectors = normalize(head(views)).numpy()
    baseline = normalize(views[:, :POOLED]).numpy()
    for figure in evaluate(pictures, vectors, texts):
        print(figure)
    for figure in by_picture("imagenet", pictures, baseline):
        print(figure)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m embedding.training",
        description="Train the fashion model's image tower on catalogue folders and measure it on "
        "a fifth of their products, which is never trained on.",
    )
    add = parser.add_argument
    add(
        "folders",
        nargs="+",
        type=Path,
        metavar="CATALOGUE_FOLDER",
        help="a folder with images/ and products.csv or images.csv",
    )
    add("--output", type=Path, required=True, metavar="FILE", help="the weights (.safetensors)")
    add("--epochs", type=int, default=Recipe.epochs, help="passes over the pictures (%(default)s)")
    add("--seed", type=int, default=Recipe.seed, help="of all that is random (%(default)s)")
    add("--cache", type=Path, metavar="FOLDER", help="keep the backbone's features there")
    add("--device", default=None, help="where the backbone runs, e.g. cuda (the best there is)")
    add("--tune", action="store_true", help="measure on a part of the training products instead")
    add("--evaluate-only", action="store_true", help="measure the weights in FILE as they are")
    return parser


if __name__ == "__main__":
    main()
