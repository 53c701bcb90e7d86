"""What an encoder is, and the one place to get one. Importing this module does not import torch."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from embedding.image_decoding import open_image
from embedding.preprocessing import Preparation, open_prepared
from embedding.registry import Modality, ModelSpec, get_spec


class EncoderError(RuntimeError):
    """A model that cannot be loaded or used as asked; the message says what to do."""


class UnsupportedModality(EncoderError):
    """The model does not encode what it was given."""

    def __init__(self, spec: ModelSpec, modality: Modality) -> None:
        super().__init__(
            f"model {spec.name!r} does not encode {modality}s, only "
            f"{' and '.join(f'{known}s' for known in spec.modalities)}"
        )


class Encoder(Protocol):
    """Turns texts and pictures into unit vectors. Methods may be called from several threads."""

    spec: ModelSpec
    preparation: Preparation | None
    """What `encode_images` does to a picture first; None where it cannot be told apart."""

    def encode_texts(self, texts: list[str]) -> NDArray[np.float32]:
        """Vectors of n texts, float32 (n, d), each of unit length; (0, d) for no texts.

        A text is text: one that looks like an address, a path or a data URI is not followed.

        Raises:
            UnsupportedModality: the model has no text tower.
        """
        ...

    def encode_images(self, images: list[Image]) -> NDArray[np.float32]:
        """Vectors of n pictures from `open_image`, float32 (n, d), each of unit length.

        Raises:
            UnsupportedModality: the model has no image tower.
        """
        ...

    def encode_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The vectors, float32 (n, d), of n pictures that `preparation` has prepared, stacked.

        What `encode_images` makes of the same pictures; only where there is a `preparation`.

        Raises:
            UnsupportedModality: the model has no image tower.
        """
        ...

    def tune(self, modality: Modality) -> int:
        """Find by a probe of some seconds how many items go best through the model at a time.

        That many do from then on; fewer where the device's memory turns out not to hold them.

        Raises:
            UnsupportedModality: the model does not encode `modality`.
        """
        ...


def encode_picture(encoder: Encoder, source: bytes | Path) -> NDArray[np.float32]:
    """The vector, float32 (d,), of one picture file, decoded just as indexing decodes it.

    Raises:
        ImageError: see `embedding.image_decoding.open_image`.
        UnsupportedModality: the model has no image tower.
    """
    if encoder.preparation is None:
        return encoder.encode_images([open_image(source)])[0]
    return encoder.encode_pixels(open_prepared(source, encoder.preparation)[None])[0]


_encoders: dict[tuple[ModelSpec, str], Encoder] = {}
_loading = Lock()


def get_encoder(name: str, device: str | None = None) -> Encoder:
    """The process's encoder for the model `name` on `device`, loaded at the first call.

    Args:
        name: a registry entry.
        device: as torch names it. Without one: `EMBEDDING_DEVICE`, else cuda where available,
            else cpu.

    Raises:
        UnknownModel, RegistryError: see `embedding.registry`.
        EncoderError: the model cannot be loaded.
    """
    spec = get_spec(name)
    key = spec, device or default_device()
    encoder = _encoders.get(key)
    if encoder is None:
        with _loading:
            encoder = _encoders.get(key)
            if encoder is None:
                loader = import_module(f"embedding.loaders.{spec.loader}")
                encoder = _encoders[key] = loader.load(*key)
    return encoder


def default_device() -> str:
    """Where models run unless told otherwise."""
    if device := os.environ.get("EMBEDDING_DEVICE"):
        return device
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
