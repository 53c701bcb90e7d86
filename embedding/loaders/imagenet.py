"""ImageNet features of pictures: the backbone's pooled last layer."""

from __future__ import annotations

from PIL.Image import Image
from torch import Tensor

from embedding.loaders.backbone import POOLED, Backbone, batch_size, to_pixels
from embedding.loaders.base import TorchEncoder
from embedding.registry import ModelSpec


class ImageNetEncoder(TorchEncoder):
    """Pictures alone; alike are those that show the same kind of thing."""

    def __init__(self, spec: ModelSpec, device: str) -> None:
        super().__init__(spec, device)
        self.batch_size = batch_size(self.device)
        self._backbone = Backbone().to(self.device)

    def _embed_images(self, images: list[Image]) -> Tensor:
        return self._backbone(to_pixels(images).to(self.device))[:, :POOLED]


def load(spec: ModelSpec, device: str) -> ImageNetEncoder:
    """The encoder; its weights come with a package, so loading needs no network."""
    return ImageNetEncoder(spec, device)
