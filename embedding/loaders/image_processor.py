"""A checkpoint's image processor in two halves: pixels on any core, normalisation on the device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image

from embedding.preprocessing import Preparation, ResizeAndCrop

Normalise = Callable[[torch.Tensor], torch.Tensor]
"""From 8-bit RGB pixels, (n, h, w, 3), to a model's input, float32 (n, 3, h, w)."""

TOLERANCE = 1.0
"""How many of the 255 steps the two ways may differ by on average, from rounding."""


def split_processor(processor: Any, device: torch.device) -> tuple[Preparation | None, Normalise]:
    """The two halves of a Hugging Face image processor, for a model on `device`.

    The preparation is None where the two do not do what the processor does, which is tried out
    on a picture: its vectors must stay those that the checkpoint was trained for.
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
    spread = torch.tensor(config["image_std"] if normalised else (1.0, 1.0, 1.0), device=device)
    return lambda pixels: ((pixels.float() * scale - mean) / spread).permute(0, 3, 1, 2)


def _one_step_apart(device: torch.device) -> torch.Tensor:
    """Two pictures of one pixel that are one of the 255 steps apart."""
    return torch.tensor([[0] * 3, [1] * 3], dtype=torch.uint8, device=device).reshape(2, 1, 1, 3)


def _sample() -> Image.Image:
    """A picture with detail at several scales, of odd proportions."""
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (size, size, 3), np.uint8) for size in (5, 23, 101)]
    layers = [Image.fromarray(layer).resize((403, 601)) for layer in noise]
    return Image.blend(Image.blend(layers[0], layers[1], 0.5), layers[2], 0.3)
