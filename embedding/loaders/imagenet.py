"""The imagenet model: the pooled last layer of the ImageNet backbone.

A fine-tuned one has its weights in its own folder (`embedding.finetuning`).
"""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from embedding.encoder import EncoderError
from embedding.loaders.backbone import PREPARATION, Backbone, batch_size, to_device
from embedding.loaders.torch_encoder import TorchEncoder
from embedding.registry import ModelSpec

WEIGHTS_FILE = "model.safetensors"
"""The file of a fine-tuned backbone."""


class ImageNetEncoder(TorchEncoder):
    """Encodes pictures only. Pictures of the same kind of thing have similar vectors."""

    preparation = PREPARATION

    def __init__(self, spec: ModelSpec, device: str) -> None:
        super().__init__(spec, device)
        self.batch_size = batch_size(self.device)
        self._backbone = to_device(load_backbone(spec), self.device)

    def _embed_pixels(self, pixels: Tensor) -> Tensor:
        result: Tensor = self._backbone(pixels)
        return result


def load(spec: ModelSpec, device: str) -> ImageNetEncoder:
    """Load the encoder from the folder of the entry, by default with the weights of a package.

    Raises:
        EncoderError: the weights cannot be loaded.
    """
    return ImageNetEncoder(spec, device)


def load_backbone(spec: ModelSpec) -> Backbone:
    """The backbone, in single precision and evaluation mode without gradients.

    Raises:
        EncoderError: the file in the entry's folder cannot be read or does not match the code.
    """
    backbone = Backbone()
    if spec.checkpoint:
        path = Path(spec.checkpoint) / WEIGHTS_FILE
        try:
            backbone.load_state_dict(load_file(path))
        except (OSError, SafetensorError, RuntimeError) as error:
            raise EncoderError(f"the trained weights {path} cannot be loaded: {error}") from error
    return backbone.eval().requires_grad_(False)
