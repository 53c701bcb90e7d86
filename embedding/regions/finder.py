"""Finds the garments in a picture. Nothing is downloaded; docs/decisions/0022 has the figures."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

import embedding
from embedding.image_decoding import square
from embedding.loaders.backbone import Backbone, to_device
from embedding.loaders.fashion import WEIGHTS
from embedding.loaders.fashion_tower import load_tower, load_weights
from embedding.regions.garments import Garment, Garments
from embedding.regions.network import SIDE, RegionHead, backbone_maps, corners
from embedding.regions.region import SMALLEST, WHOLE, Region

HEAD_FILE = Path(embedding.__file__).parent / "weights" / "regions" / "head.safetensors"

MAX_REGIONS = 4
"""The maximum number of garments that are suggested."""

MIN_SCORE = 0.55
"""The minimum score of a suggested garment, 0 to 1."""

MIN_BEST_SCORE = 0.7
"""The minimum score of a garment that is cut out by itself. Hardly anything in pictures without a
garment reaches it."""

SAME = 0.4
"""Boxes whose intersection is this share of their union show the same garment."""

MARGIN = 0.08
"""What is added to each side of a box, as a share of its longer side. Product photographs have
margins too."""

MAX_SHARE = 0.5
"""A garment that covers more of the picture is not cut out by itself: the picture has little else
in it."""

PLAIN_DISTANCE, PLAIN_SHARE = 16.0, 0.85
"""The ground is plain, so that nothing needs to be cut off, if at least this share of the pixels
around the garment is within this distance of their median, in each channel."""


def find_garments(image: Image.Image) -> Garments:
    """The garments in an upright RGB picture, the most certain one first.

    Raises:
        EncoderError: the weights are missing or do not match the code.
    """
    found = tuple(_garments(image))
    return Garments(found, _best(image, found))


def save_head(head: RegionHead, path: Path) -> None:
    """Save the weights in half precision."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: it.half().contiguous() for name, it in head.state_dict().items()}, path)


def load_head(path: Path) -> RegionHead:
    """Load the head in single precision and evaluation mode.

    Raises:
        EncoderError: the file cannot be read or does not match the code.
    """
    return load_weights(RegionHead(), path, "embedding.training.regions")


@lru_cache(maxsize=1)
def _network() -> tuple[Backbone, RegionHead]:
    backbone = load_tower(WEIGHTS / "model.safetensors").backbone
    return to_device(backbone, torch.device("cpu")), load_head(HEAD_FILE)


def _garments(image: Image.Image) -> list[Garment]:
    """The garments by descending score, without boxes that show the same one."""
    scores, boxes = _cells(image)
    kept: list[tuple[NDArray[np.float32], float]] = []
    for index in np.argsort(-scores):
        if scores[index] < MIN_SCORE or len(kept) == MAX_REGIONS:
            break
        if all(_overlap(boxes[index], other) < SAME for other, _ in kept):
            kept.append((boxes[index], float(scores[index])))
    return [Garment(_region(box, image), score) for box, score in kept]


def _cells(image: Image.Image) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The score of each cell, and its box as shares of the square around the picture: (n, 4)."""
    backbone, head = _network()
    pixels = torch.from_numpy(np.array(square(image, SIDE)))[None]
    with torch.inference_mode():
        logits, distances = head(*backbone_maps(backbone, pixels))
        boxes: Tensor = corners(distances)[0].flatten(1).T
        return logits[0].sigmoid().flatten().numpy(), boxes.numpy()


def _region(box: NDArray[np.float32], image: Image.Image) -> Region:
    """A box in the square around the picture as a region of the picture, with a margin."""
    side = max(image.size)
    margin = MARGIN * float(max(box[2] - box[0], box[3] - box[1]))
    ends = []
    for axis, length in enumerate(image.size):
        offset = (side - length) / 2
        low = ((float(box[axis]) - margin) * side - offset) / length
        high = ((float(box[axis + 2]) + margin) * side - offset) / length
        start = min(WHOLE - SMALLEST, max(0, round(low * WHOLE)))
        ends.append((start, max(start + SMALLEST, min(WHOLE, round(high * WHOLE)))))
    (left, right), (top, bottom) = ends
    return Region(left, top, right - left, bottom - top)


def _overlap(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Intersection over union of two boxes."""
    shared = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    both = float(shared.clip(0).prod())
    union = float((one[2:] - one[:2]).prod() + (other[2:] - other[:2]).prod()) - both
    return both / union if union > 0 else 0.0


def _best(image: Image.Image, found: tuple[Garment, ...]) -> Garment | None:
    if not found or found[0].score < MIN_BEST_SCORE or found[0].region.share > MAX_SHARE:
        return None
    pixels = np.asarray(image.resize((64, 64)), np.float32)
    left, top, right, bottom = found[0].region.box(64, 64)
    around = np.ones((64, 64), bool)
    around[top:bottom, left:right] = False
    ground = pixels[around]
    distances = np.abs(ground - np.median(ground, 0)).max(1)
    return None if (distances < PLAIN_DISTANCE).mean() >= PLAIN_SHARE else found[0]
