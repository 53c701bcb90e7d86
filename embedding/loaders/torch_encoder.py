"""Base class of encoders on torch: modality checks, mini-batches, normalisation, numpy results."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image
from PIL.Image import new as new_picture

from embedding.encoder import EncoderError, UnsupportedModality
from embedding.image_decoding import WHITE
from embedding.loaders.batch_probe import find_batch_size
from embedding.preprocessing import Preparation
from embedding.registry import Modality, ModelSpec

Items = TypeVar("Items", list[str], list[Image], NDArray[np.uint8])


class TorchEncoder:
    """An `Encoder` on torch. Subclasses implement `_embed_...` for the modalities they support."""

    preparation: Preparation | None = None
    batch_size = 32
    """Number of items in a mini-batch."""

    def __init__(self, spec: ModelSpec, device: str) -> None:
        self.spec = spec
        self.device = as_device(device)

    def encode_texts(self, texts: list[str]) -> NDArray[np.float32]:
        """See `Encoder.encode_texts`."""
        self._check("text")
        # Texts of similar length in a mini-batch need the least padding.
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        vectors = self._encode([texts[index] for index in order], self._embed_texts)
        result = np.empty_like(vectors)
        result[order] = vectors
        return result

    def unread_share(self, text: str) -> float:
        """See `Encoder.unread_share`; 0 for models whose tokens can be any bytes."""
        return 0.0

    def encode_images(self, images: list[Image]) -> NDArray[np.float32]:
        """See `Encoder.encode_images`."""
        self._check("image")
        prepare = self.preparation
        if prepare is None:
            return self._encode(images, self._embed_images)

        def embed(batch: list[Image]) -> torch.Tensor:
            return self._embed_pixels(self._to_device(np.stack([prepare(it) for it in batch])))

        return self._encode(images, embed)

    def encode_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `Encoder.encode_pixels`."""
        self._check("image")
        return self._encode(pixels, lambda batch: self._embed_pixels(self._to_device(batch)))

    def tune(self, modality: Modality) -> int:
        """See `Encoder.tune`."""
        self._check(modality)
        self.batch_size = find_batch_size(self, self._encode_sample(modality))
        return self.batch_size

    def measure(self, modality: Modality) -> int:
        """The actual length of the vectors of `modality`, which the entry may state wrongly."""
        picture = new_picture("RGB", (32, 32), WHITE)
        with torch.inference_mode():
            if modality == "text":
                vectors = self._embed_texts(["a"])
            elif self.preparation is None:
                vectors = self._embed_images([picture])
            else:
                vectors = self._embed_pixels(self._to_device(np.stack([self.preparation(picture)])))
        return vectors.shape[1]

    def _encode_sample(self, modality: Modality) -> Callable[[int], object]:
        """A function that encodes the given number of identical items."""
        if modality == "text":
            return lambda count: self.encode_texts(
                ["a cotton shirt with short sleeves " * 6] * count
            )
        if self.preparation is None:
            picture = new_picture("RGB", (320, 400))
            return lambda count: self.encode_images([picture] * count)
        shape = self.preparation.shape
        return lambda count: self.encode_pixels(np.full((count, *shape), 128, np.uint8))

    def _embed_texts(self, texts: list[str]) -> torch.Tensor:
        """Vectors, (n, d), of one mini-batch of texts, of any norm and dtype."""
        raise NotImplementedError

    def _embed_images(self, images: list[Image]) -> torch.Tensor:
        """Like `_embed_texts`, for pictures; only for encoders without a `preparation`."""
        raise NotImplementedError

    def _embed_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        """Like `_embed_texts`, for 8-bit RGB pixels on the device, (n, h, w, 3); with a
        `preparation` only."""
        raise NotImplementedError

    def _to_device(self, pixels: NDArray[np.uint8]) -> torch.Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(pixels))
        if self.device.type == "cuda":
            # A copy from pinned memory overlaps with the computation of the previous batch.
            return tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor

    def _check(self, modality: Modality) -> None:
        if modality not in self.spec.modalities:
            raise UnsupportedModality(self.spec, modality)

    def _encode(self, items: Items, embed: Callable[[Items], torch.Tensor]) -> NDArray[np.float32]:
        """Unit vectors of all items, float32 (n, d). The mini-batch size is halved whenever the
        device runs out of memory."""
        parts = [torch.empty((0, self.spec.dimensions))]
        done = 0
        with torch.inference_mode():
            while done < len(items):
                batch = items[done : done + self.batch_size]
                try:
                    parts.append(torch.nn.functional.normalize(embed(batch).float()))
                except torch.OutOfMemoryError:
                    if len(batch) == 1:
                        raise
                    self.batch_size = len(batch) // 2
                    continue
                done += len(batch)
            # Synchronise only here, at the end, so that the device never waits for the host.
            return torch.cat([part.cpu() for part in parts]).numpy()


Checked = TypeVar("Checked", bound=TorchEncoder)


def check_dimensions(encoder: Checked) -> Checked:
    """Return the encoder, if its vectors have the dimensions of its entry.

    Raises:
        EncoderError: they have others, or it does not encode a modality of the entry.
    """
    spec = encoder.spec
    for modality in spec.modalities:
        try:
            dimensions = encoder.measure(modality)
        except (ValueError, NotImplementedError) as error:
            raise EncoderError(
                f"model {spec.name!r}: the registry entry says that it encodes {modality}s, but "
                f"{spec.checkpoint} does not: {error}"
            ) from error
        if dimensions != spec.dimensions:
            raise EncoderError(
                f"model {spec.name!r}: the {modality} vectors of {spec.checkpoint} have "
                f"{dimensions} dimensions, but the registry entry says {spec.dimensions}"
            )
    return encoder


def as_device(name: str) -> torch.device:
    """The torch device `name`.

    Raises:
        EncoderError: this machine has no such device.
    """
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise EncoderError(
            f"no device {name!r} on this machine: set EMBEDDING_DEVICE to cpu, cuda or cuda:N"
        ) from error
    return device
