"""Splits a Hugging Face image processor: resizing on the CPU, normalisation on the device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image

from embedding.preprocessing import Preparation, ResizeAndCrop

Normalise = Callable[[torch.Tensor], torch.Tensor]
"""Converts 8-bit RGB pixels, (n, h, w, 3), to a model's input, float32 (n, 3, h, w)."""

TOLERANCE = 1.0
"""Accepted mean difference from the processor's output, in steps of an 8-bit value (rounding)."""


def split_processor(processor: Any, device: torch.device) -> tuple[Preparation | None, Normalise]:
    """Split a Hugging Face image processor into a preparation and a normalisation on `device`.

    Both are tried on a sample picture. If their output differs from the processor's, which the
    checkpoint was trained with, the returned preparation is None.
    """
    config = processor.to_dict() if processor is not None else {}
    preparation = ResizeAndCrop.from_config(config)
    normalise = _normalisation(config, device)
    if preparation is None:
        return None, normalise
    sample = _sample()
    expected = processor([sample], return_tensors="pt")["pixel_values"]
    found = normalise(torch.from_numpy(np.stack([preparation(sample)])).to(device)).cpu()
    if expected.shape != found.shape:
        return None, normalise
    step = float(normalise(_one_step_apart(device)).diff(dim=0).mean())
    steps = float((expected - found).abs().mean()) / step
    return (preparation if steps <= TOLERANCE else None), normalise


def _normalisation(config: dict[str, Any], device: torch.device) -> Normalise:
    scale = config.get("rescale_factor", 1 / 255) if config.get("do_rescale") else 1.0
    normalised = config.get("do_normalize")
    mean = torch.tensor(config["image_mean"] if normalised else (0.0, 0.0, 0.0), device=device)
    std = torch.tensor(config["image_std"] if normalised else (1.0, 1.0, 1.0), device=device)
    return lambda pixels: ((pixels.float() * scale - mean) / std).permute(0, 3, 1, 2)


def _one_step_apart(device: torch.device) -> torch.Tensor:
    """Two pictures of one pixel, black and one step lighter: (2, 1, 1, 3)."""
    return torch.tensor([[0] * 3, [1] * 3], dtype=torch.uint8, device=device).reshape(2, 1, 1, 3)


def _sample() -> Image.Image:
    """A picture with details at several scales and an unusual aspect ratio."""
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (size, size, 3), np.uint8) for size in (5, 23, 101)]
    layers = [Image.fromarray(layer).resize((403, 601)) for layer in noise]
    return Image.blend(Image.blend(layers[0], layers[1], 0.5), layers[2], 0.3)
