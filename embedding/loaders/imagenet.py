"""ImageNet features of pictures: the backbone's pooled last layer."""

from __future__ import annotations

from torch import Tensor

from embedding.loaders.backbone import POOLED, PREPARATION, Backbone, batch_size, to_device
from embedding.loaders.torch_encoder import TorchEncoder
from embedding.registry import ModelSpec


class ImageNetEncoder(TorchEncoder):
    """Pictures alone; alike are those that show the same kind of thing."""

    preparation = PREPARATION

    def __init__(self, spec: ModelSpec, device: str) -> None:
        super().__init__(spec, device)
        self.batch_size = batch_size(self.device)
        self._backbone = to_device(Backbone(), self.device)

    def _embed_pixels(self, pixels: Tensor) -> Tensor:
        return self._backbone(pixels)[:, :POOLED]


def load(spec: ModelSpec, device: str) -> ImageNetEncoder:
    """The encoder; its weights come with a package, so loading needs no network."""
    return ImageNetEncoder(spec, device)
