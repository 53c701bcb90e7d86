"""The fashion model: a text tower distilled from multilingual e5, and an image tower.

Both were trained together into one space of 384 dimensions. All weights are in
`embedding/weights/fashion`; the model card there describes the training and the
results. The towers run in plain torch. Nothing is downloaded. A fine-tuned model has the same files
in its own folder (`embedding.finetuning`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn

import embedding
from embedding.encoder import EncoderError, unread_share
from embedding.loaders.backbone import PREPARATION, batch_size, to_device
from embedding.loaders.fashion_tower import load_tower
from embedding.loaders.half_precision import half_type
from embedding.loaders.packing import unpack
from embedding.loaders.torch_encoder import TorchEncoder
from embedding.loaders.transformer import POSITIONS, TextTower, pad
from embedding.registry import Modality, ModelSpec

WEIGHTS = Path(embedding.__file__).parent / "weights" / "fashion"

PREFIX = "query: "
"""Prefix that multilingual e5 expects before a text."""

UNKNOWN = "<unk>"
"""The token for what the vocabulary lacks."""

MAX_CHARACTERS = 16_000
"""Characters of a text that are tokenized, far more than fit into the tower's positions."""


class FashionTexts(TorchEncoder):
    """The text tower alone. Its batch size is tuned separately from that of the image tower."""

    def __init__(self, spec: ModelSpec, device: str, weights: Path) -> None:
        super().__init__(spec, device)
        self._tokenizer = load_tokenizer(weights / "tokenizer.json")
        self._tower = load_text_tower(weights / "text.safetensors").to(self.device)
        # Measured on CPUs only: 1.5 times as fast, with a cosine of .9999.
        if self.device.type == "cpu" and (dtype := half_type(self.device)) is not None:
            for layer in self._tower.layers.modules():
                if isinstance(layer, nn.Linear):
                    layer.to(dtype)

    def unread_share(self, text: str) -> float:
        """See `Encoder.unread_share`."""
        encoding = self._tokenizer.encode(text[:MAX_CHARACTERS], add_special_tokens=False)
        # An unknown token is given as its text, so only its number tells.
        unknown = self._tokenizer.token_to_id(UNKNOWN)
        tokens = zip(encoding.ids, encoding.tokens, strict=True)
        read = [UNKNOWN if number == unknown else token for number, token in tokens]
        return unread_share(read, UNKNOWN)

    def _embed_texts(self, texts: list[str]) -> Tensor:
        encodings = self._tokenizer.encode_batch_fast(
            [PREFIX + text[:MAX_CHARACTERS] for text in texts]
        )
        vectors: Tensor = self._tower(*pad([encoding.ids for encoding in encodings], self.device))
        return vectors


class FashionEncoder(TorchEncoder):
    """Encodes texts in many languages and pictures of clothes and shoes into one space."""

    preparation = PREPARATION

    def __init__(self, spec: ModelSpec, device: str, weights: Path = WEIGHTS) -> None:
        super().__init__(spec, device)
        self._texts = FashionTexts(spec, device, weights)
        self.batch_size = batch_size(self.device)
        self._tower = to_device(load_tower(weights / "model.safetensors"), self.device)

    def encode_texts(self, texts: list[str]) -> NDArray[np.float32]:
        """See `Encoder.encode_texts`."""
        return self._texts.encode_texts(texts)

    def unread_share(self, text: str) -> float:
        """See `Encoder.unread_share`."""
        return self._texts.unread_share(text)

    def tune(self, modality: Modality) -> int:
        """See `Encoder.tune`."""
        return self._texts.tune("text") if modality == "text" else super().tune(modality)

    def _embed_pixels(self, pixels: Tensor) -> Tensor:
        vectors: Tensor = self._tower(pixels)
        return vectors


def load(spec: ModelSpec, device: str) -> FashionEncoder:
    """Load the encoder from the folder of the entry, by default from the project's own weights.

    Raises:
        EncoderError: the weights are missing or do not match the code.
    """
    return FashionEncoder(spec, device, weights_folder(spec))


def weights_folder(spec: ModelSpec) -> Path:
    """The folder with the three files of a model."""
    return Path(spec.checkpoint) if spec.checkpoint else WEIGHTS


def load_tokenizer(path: Path) -> Tokenizer:
    """Load the tokenizer. It truncates texts to `POSITIONS` tokens.

    Raises:
        EncoderError: the file is missing or is not a tokenizer.
    """
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises no more specific type
        raise EncoderError(f"the tokenizer {path} cannot be loaded: {error}") from error
    tokenizer.enable_truncation(POSITIONS)
    return tokenizer


def load_text_tower(path: Path) -> TextTower:
    """Load the text tower, unpacked to single precision, in evaluation mode without gradients.

    Raises:
        EncoderError: the file is missing or does not match the code.
    """
    try:
        tensors = unpack(load_file(path))
        layers = {name.split(".")[1] for name in tensors if name.startswith("layers.")}
        tower = TextTower(len(tensors["words.weight"]), layers=len(layers))
        tower.load_state_dict(tensors)
    except (OSError, SafetensorError, RuntimeError, KeyError) as error:
        raise EncoderError(
            f"the trained weights {path} cannot be loaded: {error}; they come with the project, "
            "and the model card beside them describes how to train them again"
        ) from error
    return tower.eval().requires_grad_(False)
