"""Loads sentence-transformers checkpoints and CLIP-like ones of Hugging Face transformers.

Pictures are preprocessed as the checkpoint says: size, crop and colour statistics. Code that comes
with a checkpoint is never run.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any

import torch
from PIL import Image
from sentence_transformers import SentenceTransformer
from transformers.utils import logging

from embedding.checkpoints import download_checkpoint, load_checkpoint
from embedding.encoder import unread_share
from embedding.loaders.half_precision import half_precision
from embedding.loaders.image_processor import split_processor
from embedding.loaders.torch_encoder import TorchEncoder, check_dimensions
from embedding.registry import ModelSpec


class CheckpointEncoder(TorchEncoder):
    """Encodes texts and pictures with a `SentenceTransformer`.

    Args:
        single: always use single precision, for training.
    """

    def __init__(
        self, spec: ModelSpec, device: str, folder: Path | None = None, *, single: bool = False
    ) -> None:
        super().__init__(spec, device)
        self._model = _open(folder or Path(spec.checkpoint), self.device)
        processor = getattr(getattr(self._model[0], "processor", None), "image_processor", None)
        if "image" in spec.modalities:
            self.preparation, self._normalise = split_processor(processor, self.device)
            if not single and (dtype := half_precision(self._model, self.device)):
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


def build(spec: ModelSpec, device: str, folder: Path) -> CheckpointEncoder:
    """The encoder of the checkpoint in `folder`.

    Raises:
        EncoderError: it does not match the registry entry.
        Exception: it is unreadable.
    """
    return check_dimensions(CheckpointEncoder(spec, device, folder))


def load(spec: ModelSpec, device: str) -> CheckpointEncoder:
    """See `load_checkpoint`."""
    return load_checkpoint(spec, device, build)


def download(spec: ModelSpec, device: str) -> CheckpointEncoder:
    """See `download_checkpoint`."""
    return download_checkpoint(spec, device, build)


def _open(folder: Path, device: torch.device) -> SentenceTransformer:
    logging.disable_progress_bar()  # commands show their own progress bars
    return SentenceTransformer(
        str(folder),
        device=str(device),
        trust_remote_code=False,
        local_files_only=True,
        model_kwargs={"use_safetensors": True},
    )
