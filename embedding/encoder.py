"""The `Encoder` interface and `get_encoder`. Importing this module does not import torch."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from embedding.config import settings
from embedding.errors import UserFacingError
from embedding.image_decoding import open_image
from embedding.preprocessing import Preparation, open_prepared
from embedding.registry import Modality, ModelSpec, get_spec


class EncoderError(UserFacingError, RuntimeError):
    """A model cannot be loaded or used; the message says what to do."""


class UnsupportedModality(EncoderError):
    """The model does not encode this modality."""

    def __init__(self, spec: ModelSpec, modality: Modality) -> None:
        super().__init__(
            f"model {spec.name!r} does not encode {modality}s, only "
            f"{' and '.join(f'{known}s' for known in spec.modalities)}"
        )


class Encoder(Protocol):
    """Turns texts and pictures into unit vectors. All methods are thread-safe."""

    spec: ModelSpec
    preparation: Preparation | None
    """The first step of `encode_images`; None if it cannot be separated from the model."""

    def encode_texts(self, texts: list[str]) -> NDArray[np.float32]:
        """Unit vectors of n texts, float32 (n, d); (0, d) for no texts.

        A text that looks like a URL, a path or a data URI is encoded as text and never opened.

        Raises:
            UnsupportedModality: the model has no text tower.
        """
        ...

    def unread_share(self, text: str) -> float:
        """The share of a text's tokens that say nothing to the model, 0 to 1.

        These are unknown tokens, and words of another script that are read letter by letter.
        """
        ...

    def encode_images(self, images: list[Image]) -> NDArray[np.float32]:
        """Unit vectors of n pictures from `open_image`, float32 (n, d).

        Raises:
            UnsupportedModality: the model has no image tower.
        """
        ...

    def encode_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Unit vectors, float32 (n, d), of n prepared pictures, uint8 (n, h, w, 3).

        The result equals that of `encode_images`. Only for encoders with a `preparation`.

        Raises:
            UnsupportedModality: the model has no image tower.
        """
        ...

    def tune(self, modality: Modality) -> int:
        """Measure the fastest mini-batch size, which takes some seconds, and return it.

        It is used from then on, and halved whenever the device runs out of memory.

        Raises:
            UnsupportedModality: the model does not encode `modality`.
        """
        ...


def unread_share(tokens: list[str], unknown: str) -> float:
    """See `Encoder.unread_share`. Tokens that continue a word begin with `##`, as in WordPiece."""
    unread = sum(
        token == unknown or (len(token) == 3 and token.startswith("##") and not token.isascii())
        for token in tokens
    )
    return unread / max(1, len(tokens))


def encode_picture(encoder: Encoder, source: bytes | Path) -> NDArray[np.float32]:
    """The unit vector, float32 (d,), of one picture file, decoded exactly as during indexing.

    Raises:
        ImageError: see `embedding.image_decoding.open_image`.
        UnsupportedModality: the model has no image tower.
    """
    if encoder.preparation is None:
        vectors = encoder.encode_images([open_image(source)])
    else:
        vectors = encoder.encode_pixels(open_prepared(source, encoder.preparation)[None])
    vector: NDArray[np.float32] = vectors[0]
    return vector


_encoders: dict[tuple[ModelSpec, str], Encoder] = {}
_loading = Lock()


def get_encoder(name: str, device: str | None = None) -> Encoder:
    """This process's encoder for the model `name` on `device`, loaded at the first call.

    Args:
        name: the name of a registry entry.
        device: a torch device name. By default `EMBEDDING_DEVICE` if set, else cuda if available,
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
    """The torch device on which models run by default."""
    if device := settings().embedding_device:
        return device
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
