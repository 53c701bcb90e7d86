"""The frozen backbone's features of training pictures, computed once a picture and view."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from tqdm import tqdm

from embedding.images import open_image
from embedding.loaders.backbone import EARLY, POOLED, Backbone, to_pixels
from embedding.training.data import Picture

Features = NDArray[np.float16]

MARGIN = 0.06
"""What the closer view cuts off at each side, as a share of the picture's width and height."""


def plain(image: Image.Image) -> Image.Image:
    """The picture as it is encoded when it is indexed or searched with."""
    return image


def closer(image: Image.Image) -> Image.Image:
    """The picture without its margins."""
    x, y = image.width * MARGIN, image.height * MARGIN
    return image.crop((round(x), round(y), round(image.width - x), round(image.height - y)))


VIEWS: tuple[Callable[[Image.Image], Image.Image], ...] = (plain, ImageOps.mirror, closer)
"""Views of a picture that show the same product; the first is the one that is evaluated.

None changes a colour, which is among the things to be learnt.
"""

VERSION = "1"
"""Part of the cached files' names, to be raised with every change to what is computed."""


def extract(
    pictures: list[Picture], device: str, cache: Path | None = None, name: str = ""
) -> Features:
    """Features of all views of n pictures, (n, len(VIEWS), POOLED + EARLY).

    Args:
        pictures: what to encode.
        device: where the backbone runs.
        cache: a folder that keeps features from run to run, one file a picture, which is found
            again by the picture's content.
        name: what the progress bar says.

    Raises:
        ImageError: a picture cannot be opened.
    """
    backbone = Backbone().to(device)
    features = np.empty((len(pictures), len(VIEWS), POOLED + EARLY), np.float16)
    for index, picture in enumerate(tqdm(pictures, desc=f"features {name}", unit="picture")):
        content = picture.path.read_bytes()
        file = cache and cache / f"{VERSION}-{hashlib.sha256(content).hexdigest()}.npy"
        if file and file.is_file():
            features[index] = np.load(file)
            continue
        image = open_image(content)
        with torch.inference_mode():
            pixels = to_pixels([view(image) for view in VIEWS]).to(device)
            features[index] = backbone(pixels).half().cpu().numpy()
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
            np.save(file, features[index])
    return features
