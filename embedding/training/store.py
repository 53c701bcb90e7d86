"""Saves the towers in the format that the loader reads."""

from __future__ import annotations

import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file

from embedding.loaders.fashion_tower import ImageTower, save_tower
from embedding.loaders.packing import BLOCKS, pack
from embedding.loaders.transformer import TextTower

IMAGE = "model.safetensors"
TEXT = "text.safetensors"
TOKENIZER = "tokenizer.json"

STATE = "state.pt"
"""The state of an unfinished run."""

WORDS = "words.weight"


def save_model(
    folder: Path, bundle: Path, text: TextTower, image: ImageTower, metadata: dict[str, str]
) -> None:
    """Write both towers and the tokenizer to `folder`.

    Training does not change the token embeddings, so their 4-bit values are copied from the bundle.

    Raises:
        OSError: a file cannot be read or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_tower(image, folder / IMAGE, metadata)
    tensors = pack({name: each for name, each in text.state_dict().items() if name != WORDS})
    tensors[WORDS + BLOCKS] = load_file(bundle / "e5.safetensors")[WORDS + BLOCKS]
    save_file(tensors, folder / TEXT, metadata)
    shutil.copyfile(bundle / TOKENIZER, folder / TOKENIZER)


def save_images(folder: Path, text: Path, image: ImageTower, metadata: dict[str, str]) -> None:
    """Write the image tower to `folder`, and copy the text tower and its tokenizer from `text`.

    Raises:
        OSError: a file cannot be read or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_tower(image, folder / IMAGE, metadata)
    if folder.resolve() != text.resolve():
        for name in (TEXT, TOKENIZER):
            shutil.copyfile(text / name, folder / name)
