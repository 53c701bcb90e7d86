"""Loads sentence-transformers checkpoints and CLIP-like ones of Hugging Face transformers.

Pictures are preprocessed as the checkpoint says: size, crop and colour statistics. Code that comes
with a checkpoint is never run.
"""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from huggingface_hub import HfApi, try_to_load_from_cache
from huggingface_hub.errors import HfHubHTTPError
from PIL import Image
from sentence_transformers import SentenceTransformer
from transformers.utils import logging

from embedding.encoder import EncoderError, NotDownloaded, unread_share
from embedding.image_decoding import WHITE
from embedding.loaders.half_precision import half_precision
from embedding.loaders.image_processor import split_processor
from embedding.loaders.torch_encoder import TorchEncoder
from embedding.registry import ModelSpec

HUB_TIMEOUT = 10.0
"""Seconds to wait for the Hugging Face hub before loading. Loading itself tries each of many files
six times, with pauses."""


class CheckpointEncoder(TorchEncoder):
    """Encodes texts and pictures with a `SentenceTransformer`."""

    def __init__(self, spec: ModelSpec, device: str, *, is_local: bool = True) -> None:
        super().__init__(spec, device)
        self._model = _open(spec, self.device, is_local)
        processor = getattr(getattr(self._model[0], "processor", None), "image_processor", None)
        if "image" in spec.modalities:
            self.preparation, self._normalise = split_processor(processor, self.device)
            if dtype := half_precision(self._model, self.device):
                self._model.to(dtype)
        # Each use sets the tokenizer's padding, so threads must not use it concurrently.
        self._tokenizer = Lock()

    def unread_share(self, text: str) -> float:
        """See `Encoder.unread_share`."""
        tokenizer = self._model.tokenizer
        with self._tokenizer:
            return unread_share(tokenizer.tokenize(text), getattr(tokenizer, "unk_token", "") or "")

    def _embed_texts(self, texts: list[str]) -> torch.Tensor:
        with self._tokenizer:
            if self._model.modalities == ["text"]:
                return self._embed(texts)
            # A multimodal model would fetch or open a bare string that looks like the URL or path
            # of a picture.
            return self._embed([{"text": text} for text in texts])

    def _embed_images(self, images: list[Image.Image]) -> torch.Tensor:
        return self._embed([{"image": image} for image in images])

    def _embed_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        values = self._normalise(pixels).to(self._model.dtype)
        result: torch.Tensor = self._model({"pixel_values": values, "modality": "image"})[
            "sentence_embedding"
        ]
        return result

    def _embed(self, inputs: list[Any]) -> torch.Tensor:
        return self._model.encode(
            inputs, batch_size=self.batch_size, show_progress_bar=False, convert_to_tensor=True
        )


def load(spec: ModelSpec, device: str) -> CheckpointEncoder:
    """Load the encoder of `spec.checkpoint`, a local folder or a downloaded model of the hub.

    Raises:
        NotDownloaded: it is not on this machine, or perhaps only in part.
        EncoderError: the checkpoint is missing, unreadable, or does not match the registry entry.
    """
    folder = Path(spec.checkpoint)
    if folder.is_absolute() and not folder.is_dir():
        raise EncoderError(f"model {spec.name!r}: the checkpoint folder {folder} does not exist")
    if not folder.is_dir() and not _is_downloaded(spec.checkpoint):
        raise NotDownloaded(f"model {spec.name!r}: {spec.checkpoint} is not downloaded")
    try:
        encoder = CheckpointEncoder(spec, device)
    except EncoderError as error:
        if folder.is_dir():
            raise
        raise NotDownloaded(str(error)) from error
    return _checked(encoder)


def download(spec: ModelSpec, device: str) -> CheckpointEncoder:
    """Like `load`, for a name on the Hugging Face hub; downloads what is not on this machine.

    Raises:
        EncoderError: it cannot be downloaded or read, or does not match the registry entry.
    """
    try:
        HfApi().model_info(spec.checkpoint, timeout=HUB_TIMEOUT)
    except HfHubHTTPError:  # loading reports it, unless the files are here
        pass
    except Exception as unreachable:  # errors of sockets, of TLS, of the HTTP client, of proxies
        try:
            return _checked(CheckpointEncoder(spec, device))
        except EncoderError:
            raise _failure(spec, unreachable) from unreachable
    return _checked(CheckpointEncoder(spec, device, is_local=False))


def _checked(encoder: CheckpointEncoder) -> CheckpointEncoder:
    """The encoder, whose vectors have the dimensions of its entry."""
    spec = encoder.spec
    for modality in spec.modalities:
        dimensions = _dimensions(encoder, modality)
        if dimensions != spec.dimensions:
            raise EncoderError(
                f"model {spec.name!r}: the {modality} vectors of {spec.checkpoint} have "
                f"{dimensions} dimensions, but the registry entry says {spec.dimensions}"
            )
    return encoder


def _is_downloaded(name: str) -> bool:
    """Whether the cache says if the model has a list of modules.

    Other programs download parts of a model, and without this list it would be loaded in another
    way, with other vectors.
    """
    cache = os.environ.get("SENTENCE_TRANSFORMERS_HOME")
    try:
        return try_to_load_from_cache(name, "modules.json", cache_dir=cache) is not None
    except ValueError:  # not a valid name on the hub
        return False


def _open(spec: ModelSpec, device: torch.device, is_local: bool) -> SentenceTransformer:
    logging.disable_progress_bar()  # commands show their own progress bars
    try:
        return SentenceTransformer(
            spec.checkpoint,
            device=str(device),
            trust_remote_code=False,
            local_files_only=is_local,
        )
    except Exception as error:
        # Depending on which file is missing or malformed, this is an OSError, ValueError, KeyError,
        # or an error of httpx or safetensors.
        raise _failure(spec, error) from error


def _failure(spec: ModelSpec, error: Exception) -> EncoderError:
    hint = (
        "is the folder a complete checkpoint?"
        if Path(spec.checkpoint).is_dir()
        else "it is downloaded from the Hugging Face hub at first use; if this machine cannot "
        f"reach the hub, run `hf download {spec.checkpoint} --local-dir FOLDER` elsewhere, "
        "copy the folder and add a registry entry for it (see embedding/registry)"
    )
    return EncoderError(
        f"model {spec.name!r}: checkpoint {spec.checkpoint} cannot be loaded "
        f"({type(error).__name__}: {error}): {hint}"
    )


def _dimensions(encoder: CheckpointEncoder, modality: str) -> int:
    """The actual length of the checkpoint's vectors for `modality`."""
    with torch.inference_mode():
        try:
            if modality == "text":
                return encoder._embed_texts(["a"]).shape[1]
            result: int = encoder.encode_images([Image.new("RGB", (32, 32), WHITE)]).shape[1]
            return result
        except ValueError as error:
            spec = encoder.spec
            raise EncoderError(
                f"model {spec.name!r}: the registry entry says that it encodes {modality}s, but "
                f"{spec.checkpoint} does not: {error}"
            ) from error
