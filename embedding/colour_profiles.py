"""Converts pictures with a colour profile (ICC) to sRGB, which models and browsers expect."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

TILE = 1024
"""Side in pixels of the tiles in which pictures are converted. Converting a whole picture at once
would need a full copy for each step."""

SPACES = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK"}
"""The colour space that a profile must have, by the picture's mode."""

MAX_PROFILE_BYTES = 4 * 2**20
UNSEEN = 2
"""A conversion that changes no colour by more than this (of 255) is left out: most profiles are
sRGB."""

STEPS = 9
"""Values of each of red, green and blue for which a conversion is tried."""


def to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """The picture in mode RGB, converted with its profile if it can be used.

    Args:
        image: its mode is one of `SPACES`.
        profile: the embedded ICC profile, or b"".
    """
    conversion = _conversion(profile, image.mode)
    if conversion is None:
        return image.convert("RGB")
    converted = Image.new("RGB", image.size)
    for box in tiles(image):
        converted.paste(conversion.apply(image.crop(box)), box)
    return converted


def tiles(image: Image.Image) -> Iterator[tuple[int, int, int, int]]:
    """Boxes (left, top, right, bottom) that cover the picture without overlap."""
    for top in range(0, image.height, TILE):
        for left in range(0, image.width, TILE):
            yield left, top, min(left + TILE, image.width), min(top + TILE, image.height)


@lru_cache(maxsize=64)
def _conversion(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The conversion to sRGB; None if the profile cannot be used or makes no difference."""
    if not profile or len(profile) > MAX_PROFILE_BYTES:
        return None
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if source.profile.xcolor_space != SPACES[mode]:
            return None
        srgb = ImageCms.createProfile("sRGB")
        conversion = ImageCms.buildTransform(source, srgb, mode, "RGB")
        sample = _sample(mode)
        before = np.asarray(sample.convert("RGB"), np.int16)
        after = np.asarray(conversion.apply(sample), np.int16)
    except (OSError, TypeError, ValueError, ImageCms.PyCMSError):
        return None
    is_seen = np.abs(after - before).max() > UNSEEN
    return conversion if is_seen else None


def _sample(mode: str) -> Image.Image:
    """Colours from the whole range of a mode."""
    values = np.linspace(0, 255, STEPS).astype(np.uint8)
    bands = [
        grid.ravel() for grid in np.meshgrid(*[values] * len(Image.new(mode, (1, 1)).getbands()))
    ]
    pixels = np.stack(bands, axis=-1)[None]
    return Image.frombytes(mode, (pixels.shape[1], 1), pixels.tobytes())
