"""Chooses half precision for models and devices on which it is faster and accurate enough."""

from __future__ import annotations

import torch
from torch import nn

from embedding.config import settings

MIN_PARAMETERS = 20_000_000
"""Models with fewer parameters are not limited by arithmetic and do not get faster."""


def half_precision(model: nn.Module, device: torch.device) -> torch.dtype | None:
    """The half-precision type for `model` on `device`; None means single precision.

    On a GPU it is float16, whose rounding error is an eighth of bfloat16's. On a CPU with bfloat16
    instructions it is bfloat16, which makes a CLIP ViT-B/32 several times as fast.
    """
    if sum(parameter.numel() for parameter in model.parameters()) < MIN_PARAMETERS:
        return None
    return half_type(device)


def half_type(device: torch.device) -> torch.dtype | None:
    """The half-precision type that `device` computes faster in; None if there is none, or
    `EMBEDDING_PRECISION` asks for single precision."""
    if settings().embedding_precision == "single":
        return None
    if device.type == "cuda":
        return torch.float16
    if device.type == "cpu":
        cpu = torch.cpu.get_capabilities()
        return torch.bfloat16 if cpu.get("avx512_bf16") or cpu.get("amx_bf16") else None
    return None
