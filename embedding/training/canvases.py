"""Canvases: the pictures of a bundle as squares of one size, with a mask of the background."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from embedding.image_decoding import square

CANVAS = 300
"""Side of a canvas, the square from which views are cropped, in pixels."""

BACKGROUND = 243
"""Minimum brightness of the background, in all channels. Background regions touch the edge."""


def read_canvases(file: Path, rows: Sequence[dict[str, Any]]) -> NDArray[np.uint8]:
    """Read the pictures of a bundle as canvases, uint8, (n, CANVAS, CANVAS, 4).

    Args:
        file, rows: see `decode_each`.
    """
    return decode_each(file, rows, as_canvas, (CANVAS, CANVAS, 4))


def decode_each(
    file: Path,
    rows: Sequence[dict[str, Any]],
    convert: Callable[[Image.Image], NDArray[np.uint8]],
    shape: tuple[int, ...],
) -> NDArray[np.uint8]:
    """Decode the pictures of a bundle and convert each of them.

    Args:
        file: the encoded pictures, one after the other.
        rows: offset ("place") and size of each picture, in bytes.
        convert: makes an array of `shape` of an RGB picture.

    Returns:
        uint8, (n, *shape).
    """
    content = file.read_bytes()
    found = np.empty((len(rows), *shape), np.uint8)

    def read(index: int) -> None:
        row = rows[index]
        part = content[row["place"] : row["place"] + row["size"]]
        with Image.open(io.BytesIO(part)) as image:
            found[index] = convert(image.convert("RGB"))

    with ThreadPoolExecutor() as pool:
        list(pool.map(read, range(len(rows))))
    return found


def as_canvas(image: Image.Image) -> NDArray[np.uint8]:
    """Convert a picture to a canvas, (CANVAS, CANVAS, 4), padded to a square with white.

    The channels are RGB, and 255 for background.
    """
    pixels = np.asarray(square(_enlarge(image), CANVAS))
    regions, _ = ndimage.label(pixels.min(2) >= BACKGROUND)
    edge = np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]])
    background = np.isin(regions, np.setdiff1d(edge, [0])) * np.uint8(255)
    return np.concatenate([pixels, background[..., None]], 2)


def _enlarge(image: Image.Image) -> Image.Image:
    """Resize the picture so that its longer side is CANVAS."""
    share = CANVAS / max(image.size)
    size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
    return image.resize(size, Image.Resampling.BICUBIC)
