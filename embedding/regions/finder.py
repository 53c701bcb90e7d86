"""Finds the garments in a picture. Nothing is downloaded; see docs/crop.md for the figures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

import embedding
from embedding.encoder import EncoderError
from embedding.image_decoding import square
from embedding.loaders.backbone import Backbone
from embedding.loaders.fashion import WEIGHTS
from embedding.loaders.fashion_tower import load_tower
from embedding.regions.network import SIDE, RegionHead, backbone_maps, corners

HEAD_FILE = Path(embedding.__file__).parent / "weights" / "regions" / "head.safetensors"


def save_head(head: RegionHead, path: Path) -> None:
    """Save the weights in half precision."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: it.half().contiguous() for name, it in head.state_dict().items()}, path)
