"""Any sentence-transformers checkpoint, and any CLIP-like one of Hugging Face transformers.

Pictures go through the checkpoint's own preprocessing: its size, crop and colour statistics.
Code that comes with a checkpoint is never run.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any

import torch
from PIL import Image
from sentence_transformers import SentenceTransformer
from transformers.utils import logging

from embedding.encoder import EncoderError
from embedding.image_decoding import WHITE
from embedding.loaders.half_precision import half_precision
from embedding.loaders.image_processor import split_processor
from embedding.loaders.torch_encoder import TorchEncoder
from embedding.registry import ModelSpec


class CheckpointEncoder(TorchEncoder):
    """Texts and pictures through a `SentenceTransformer`, each modality alone."""

    def __init__(self, spec: ModelSpec, device: str) -> None:
        super().__init__(spec, device)
        self._model = _open(spec, self.device)
        processor = getattr(getattr(self._model[0], "processor", None), "image_processor", None)
        if "image" in spec.modalities:
            self.preparation, self._normalise = split_processor(processor, self.device)
            if dtype := half_precision(self._model, self.device):
                self._model.to(dtype)
        # Padding is set on the tokenizer before each use, so two threads must not be in it at once.
        self._tokenizer = Lock()

    def _embed_texts(self, texts: list[str]) -> torch.Tensor:
        with self._tokenizer:
            if self._model.modalities == ["text"]:
                return self._embed(texts)
            # For a model that sees, a bare string that looks like a picture's address or path
            # would be fetched or opened.
            return self._embed([{"text": text} for text in texts])

    def _embed_images(self, images: list[Image.Image]) -> torch.Tensor:
        return self._embed([{"image": image} for image in images])

    def _embed_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        values = self._normalise(pixels).to(self._model.dtype)
        return self._model({"pixel_values": values, "modality": "image"})["sentence_embedding"]

    def _embed(self, inputs: list[Any]) -> torch.Tensor:
        return self._model.encode(
            inputs, batch_size=self.batch_size, show_progress_bar=False, convert_to_tensor=True
        )


def load(spec: ModelSpec, device: str) -> CheckpointEncoder:
    """The encoder of `spec.checkpoint`, a name on the Hugging Face hub or a local folder.

    Raises:
        EncoderError: it is not found, cannot be read, or is not what its registry entry says.
    """
    encoder = CheckpointEncoder(spec, device)
    for modality in spec.modalities:
        dimensions = _dimensions(encoder, modality)
        if dimensions != spec.dimensions:
            raise EncoderError(
                f"model {spec.name!r}: {spec.checkpoint} turns {modality}s into {dimensions} "
                f"dimensions, but its registry entry says {spec.dimensions}"
            )
    return encoder


def _open(spec: ModelSpec, device: torch.device) -> SentenceTransformer:
    folder = Path(spec.checkpoint)
    if folder.is_absolute() and not folder.is_dir():
        raise EncoderError(f"model {spec.name!r}: the checkpoint folder {folder} does not exist")
    logging.disable_progress_bar()  # loading takes a moment, and commands show bars of their own
    try:
        return SentenceTransformer(spec.checkpoint, device=str(device), trust_remote_code=False)
    except Exception as error:
        # What goes wrong below ranges over OSError, ValueError, KeyError, httpx and safetensors
        # errors, depending on which file is missing or malformed.
        hint = (
            "is the folder a complete checkpoint?"
            if folder.is_dir()
            else "it is downloaded from the Hugging Face hub at first use; where that cannot be "
            f"reached, fetch it elsewhere with `hf download {spec.checkpoint} --local-dir FOLDER` "
            "and name the folder in an entry of your own (see embedding/registry)"
        )
        raise EncoderError(
            f"model {spec.name!r}: checkpoint {spec.checkpoint} cannot be loaded "
            f"({type(error).__name__}: {error}): {hint}"
        ) from error


def _dimensions(encoder: CheckpointEncoder, modality: str) -> int:
    """The length of the vectors that the checkpoint really makes of `modality`."""
    with torch.inference_mode():
        try:
            if modality == "text":
                return encoder._embed_texts(["a"]).shape[1]
            return encoder.encode_images([Image.new("RGB", (32, 32), WHITE)]).shape[1]
        except ValueError as error:
            spec = encoder.spec
            raise EncoderError(
                f"model {spec.name!r}: its registry entry says that it encodes {modality}s, but "
                f"{spec.checkpoint} does not: {error}"
            ) from error
