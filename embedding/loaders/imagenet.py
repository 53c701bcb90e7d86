"""The imagenet model: the pooled last layer of the ImageNet backbone."""

from __future__ import annotations

from torch import Tensor

from embedding.loaders.backbone import POOLED, PREPARATION, Backbone, batch_size, to_device
from embedding.loaders.torch_encoder import TorchEncoder
from embedding.registry import ModelSpec


class ImageNetEncoder(TorchEncoder):
    """Encodes pictures only. Pictures of the same kind of thing have similar vectors."""

    preparation = PREPARATION

    def __init__(self, spec: ModelSpec, device: str) -> None:
        super().__init__(spec, device)
        self.batch_size = batch_size(self.device)
        self._backbone = to_device(Backbone(), self.device)

    def _embed_pixels(self, pixels: Tensor) -> Tensor:
        result: Tensor = self._backbone(pixels)[:, :POOLED]
        return result


def load(spec: ModelSpec, device: str) -> ImageNetEncoder:
    """Load the encoder. Its weights come with a package; no network is needed."""
    return ImageNetEncoder(spec, device)
