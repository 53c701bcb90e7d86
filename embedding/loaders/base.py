"""What all encoders share: modality checks, mini-batches, unit length, numpy at the border."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image

from embedding.encoder import EncoderError, UnsupportedModality
from embedding.registry import Modality, ModelSpec

Item = TypeVar("Item", str, Image)


class TorchEncoder:
    """An `Encoder` on torch. Subclasses embed mini-batches of the modalities that they have."""

    batch_size = 32

    def __init__(self, spec: ModelSpec, device: str) -> None:
        self.spec = spec
        self.device = as_device(device)

    def encode_texts(self, texts: list[str]) -> NDArray[np.float32]:
        """See `Encoder.encode_texts`."""
        self._check("text")
        # Texts of like length in a batch waste the least on padding.
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        vectors = self._encode([texts[index] for index in order], self._embed_texts)
        result = np.empty_like(vectors)
        result[order] = vectors
        return result

    def encode_images(self, images: list[Image]) -> NDArray[np.float32]:
        """See `Encoder.encode_images`."""
        self._check("image")
        return self._encode(images, self._embed_images)

    def _embed_texts(self, texts: list[str]) -> torch.Tensor:
        """Vectors, of any length and dtype, of one mini-batch of texts, (n, d)."""
        raise NotImplementedError

    def _embed_images(self, images: list[Image]) -> torch.Tensor:
        """Vectors, of any length and dtype, of one mini-batch of pictures, (n, d)."""
        raise NotImplementedError

    def _check(self, modality: Modality) -> None:
        if modality not in self.spec.modalities:
            raise UnsupportedModality(self.spec, modality)

    def _encode(
        self, items: list[Item], embed: Callable[[list[Item]], torch.Tensor]
    ) -> NDArray[np.float32]:
        vectors = np.empty((len(items), self.spec.dimensions), np.float32)
        with torch.inference_mode():
            for start in range(0, len(items), self.batch_size):
                batch = embed(items[start : start + self.batch_size]).float()
                vectors[start : start + len(batch)] = torch.nn.functional.normalize(batch).cpu()
        return vectors


def as_device(name: str) -> torch.device:
    """`name` as a device that this machine has.

    Raises:
        EncoderError: it has none such.
    """
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise EncoderError(
            f"there is no device {name!r} here: set EMBEDDING_DEVICE to cpu, cuda or cuda:N"
        ) from error
    return device
