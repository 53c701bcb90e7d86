"""Loads ResNet checkpoints of Hugging Face transformers: the pooled last layer, of pictures."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoImageProcessor, ResNetModel

from embedding.checkpoints import download_checkpoint, load_checkpoint
from embedding.loaders.half_precision import half_precision
from embedding.loaders.image_processor import split_processor
from embedding.loaders.torch_encoder import TorchEncoder, check_dimensions
from embedding.registry import ModelSpec


class ResNetEncoder(TorchEncoder):
    """Encodes pictures only. Pictures of the same kind of thing have similar vectors.

    Args:
        single: always use single precision, for training.
    """

    def __init__(self, spec: ModelSpec, device: str, folder: Path, *, single: bool = False) -> None:
        super().__init__(spec, device)
        model = ResNetModel.from_pretrained(
            folder, use_safetensors=True, trust_remote_code=False, local_files_only=True
        )
        processor = AutoImageProcessor.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
        self.preparation, self._normalise = split_processor(processor, self.device)
        if self.preparation is None:
            raise ValueError("its image processor is none of ResNet")
        dtype = None if single else half_precision(model, self.device)
        self._model = model.eval().to(self.device, dtype)

    def _embed_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        pooled: torch.Tensor = self._model(
            self._normalise(pixels).to(self._model.dtype)
        ).pooler_output
        return pooled.flatten(1)


def build(spec: ModelSpec, device: str, folder: Path) -> ResNetEncoder:
    """See `embedding.loaders.checkpoint.build`."""
    return check_dimensions(ResNetEncoder(spec, device, folder))


def load(spec: ModelSpec, device: str) -> ResNetEncoder:
    """See `load_checkpoint`."""
    return load_checkpoint(spec, device, build)


def download(spec: ModelSpec, device: str) -> ResNetEncoder:
    """See `download_checkpoint`."""
    return download_checkpoint(spec, device, build)
