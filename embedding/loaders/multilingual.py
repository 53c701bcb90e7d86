"""The multilingual fashion model: a small text tower made of multilingual e5, and an image tower.

Both were trained together, into one space of 384 dimensions. All weights are in
`embedding/weights/fashion_multilingual`, whose model card says how they came to be and how well
they do. Plain torch runs them; nothing is downloaded.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor

import embedding
from embedding.encoder import EncoderError
from embedding.loaders.backbone import PREPARATION, batch_size, to_device
from embedding.loaders.fashion_tower import load_tower
from embedding.loaders.packing import unpack
from embedding.loaders.torch_encoder import TorchEncoder
from embedding.loaders.transformer import POSITIONS, TextTower, pad
from embedding.registry import Modality, ModelSpec

WEIGHTS = Path(embedding.__file__).parent / "weights" / "fashion_multilingual"

PREFIX = "query: "
"""What multilingual e5 sees before a text."""

LONGEST = 16_000
"""Characters of a text that are looked at; far more than the tower has places for."""


class MultilingualTexts(TorchEncoder):
    """The text tower alone, with a mini-batch of its own."""

    def __init__(self, spec: ModelSpec, device: str, weights: Path) -> None:
        super().__init__(spec, device)
        self._tokenizer = load_tokenizer(weights / "tokenizer.json")
        self._tower = load_text_tower(weights / "text.safetensors").to(self.device)

    def _embed_texts(self, texts: list[str]) -> Tensor:
        found = self._tokenizer.encode_batch_fast([PREFIX + text[:LONGEST] for text in texts])
        vectors: Tensor = self._tower(*pad([each.ids for each in found], self.device))
        return vectors


class MultilingualEncoder(TorchEncoder):
    """Texts of many languages and pictures of clothes and shoes in one space."""

    preparation = PREPARATION

    def __init__(self, spec: ModelSpec, device: str, weights: Path = WEIGHTS) -> None:
        super().__init__(spec, device)
        self._texts = MultilingualTexts(spec, device, weights)
        self.batch_size = batch_size(self.device)
        self._tower = to_device(load_tower(weights / "model.safetensors"), self.device)

    def encode_texts(self, texts: list[str]) -> NDArray[np.float32]:
        """See `Encoder.encode_texts`."""
        return self._texts.encode_texts(texts)

    def tune(self, modality: Modality) -> int:
        """See `Encoder.tune`."""
        return self._texts.tune("text") if modality == "text" else super().tune(modality)

    def _embed_pixels(self, pixels: Tensor) -> Tensor:
        vectors: Tensor = self._tower(pixels)
        return vectors


def load(spec: ModelSpec, device: str) -> MultilingualEncoder:
    """The encoder; all its weights come with this project, so loading needs no network.

    Raises:
        EncoderError: weights are missing or belong to another version of the code.
    """
    return MultilingualEncoder(spec, device)


def load_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer, which cuts a text after as many tokens as the text tower has places.

    Raises:
        EncoderError: there is no such file, or it is no tokenizer.
    """
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise EncoderError(f"the tokenizer {path} cannot be loaded: {error}") from error
    tokenizer.enable_truncation(POSITIONS)
    return tokenizer


def load_text_tower(path: Path) -> TextTower:
    """The text tower at `path`, ready for use, unpacked to single precision.

    Raises:
        EncoderError: there is no such file, or it does not fit the code.
    """
    try:
        tensors = unpack(load_file(path))
        layers = {name.split(".")[1] for name in tensors if name.startswith("layers.")}
        tower = TextTower(len(tensors["words.weight"]), layers=len(layers))
        tower.load_state_dict(tensors)
    except (OSError, SafetensorError, RuntimeError, KeyError) as error:
        raise EncoderError(
            f"the trained weights {path} cannot be loaded: {error}; they come with the project, "
            "and the model card beside them says how to train them anew"
        ) from error
    return tower.eval().requires_grad_(False)
