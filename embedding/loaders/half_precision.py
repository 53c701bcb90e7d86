"""Half precision, where it is faster and accurate enough."""

from __future__ import annotations

import torch
from torch import nn

LARGE = 20_000_000
"""Parameters from which a model is worth it; smaller ones are bound by other things."""


def half_precision(model: nn.Module, device: torch.device) -> torch.dtype | None:
    """The half-precision type to run `model` in on `device`; None where single is better.

    On a GPU float16, whose error is an eighth of bfloat16's. On a CPU bfloat16, if it has
    instructions for it: a CLIP ViT-B/32 is several times as fast.
    """
    if sum(parameter.numel() for parameter in model.parameters()) < LARGE:
        return None
    if device.type == "cuda":
        return torch.float16
    if device.type == "cpu":
        has = torch.cpu.get_capabilities()
        return torch.bfloat16 if has.get("avx512_bf16") or has.get("amx_bf16") else None
    return None
