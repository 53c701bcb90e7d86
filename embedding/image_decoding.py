"""Decodes pictures for training, indexing and queries.

Vectors are comparable only if their pictures were decoded in the same way, so this is the only
module that turns files into pixels. All functions are thread-safe and do not change Pillow's
global settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError, features

from embedding.errors import UserFacingError

MAX_PIXELS = 50_000_000
"""Pictures that declare more pixels than this are rejected before they are decoded."""

MAX_SCANS = 100
"""Scans of a JPEG. Each takes as long as the whole picture. Encoders write about ten; 200 kB
can hold thousands."""

MAX_SEGMENTS = 10_000
"""Segments of a JPEG. A thousand of full length exceed the largest file that is accepted."""

MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
"""The start of a JPEG's segment. What is left out has no length, or occurs in compressed data."""

DECODED_SIDE = 600
"""Large JPEGs are decoded at a reduced scale, but the shorter side keeps at least so many pixels.
"""

TILE = 1024
"""Side in pixels of the tiles in which pictures are converted. Converting a whole picture at once
would need a full copy for each step."""

IMAGE_FORMATS: tuple[str, ...] = (
    *("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"),
    *(("AVIF",) if features.check("avif") else ()),
)
"""Accepted formats, by Pillow's names. Other formats are rejected without being parsed."""

WHITE = (255, 255, 255)


class ImageError(UserFacingError, ValueError):
    """A picture that cannot be used; the message is a short reason for the user."""


def open_image(
    source: bytes | Path, side: int = DECODED_SIDE, most: int = MAX_PIXELS
) -> Image.Image:
    """Decode a picture completely, into 8-bit RGB.

    The result is upright (EXIF orientation applied) and opaque (transparent parts become white).
    Animations give their first frame. Large JPEGs are decoded at a reduced scale (1/2, 1/4 or 1/8)
    that leaves at least `side` pixels on the shorter side.

    Raises:
        ImageError: empty, unreadable, not one of `IMAGE_FORMATS`, more than `MAX_PIXELS`, more
            than `most` pixels even when reduced, a JPEG of more than `MAX_SCANS`, truncated or
            otherwise damaged.
    """
    if source == b"":
        raise ImageError("the file is empty")
    try:
        _check_segments(source)
        with Image.open(
            BytesIO(source) if isinstance(source, bytes) else source, formats=IMAGE_FORMATS
        ) as image:
            _check_pixels(image, MAX_PIXELS)
            image.draft(None, _draft_size(image, side))
            _check_pixels(image, most)
            image.load()
            _turn_upright(image)
            return _flatten(image)
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"the picture has more than {MAX_PIXELS:,} pixels") from error
    except UnidentifiedImageError as error:
        if isinstance(source, Path) and source.stat().st_size == 0:
            raise ImageError("the file is empty") from error
        raise ImageError(f"not a picture in a known format ({', '.join(IMAGE_FORMATS)})") from error
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise ImageError(f"the file cannot be read: {error.strerror}") from error
    except Exception as error:
        # Damaged files make Pillow's decoders raise nearly anything: OSError, SyntaxError,
        # ValueError, struct.error, EOFError, IndexError, MemoryError.
        raise ImageError("the picture is damaged or incomplete") from error


def square(image: Image.Image, size: int) -> Image.Image:
    """Fit an RGB picture into a white square of `size` x `size` pixels, without distortion."""
    scale = size / max(image.size)
    fitted = image.resize(
        (max(1, round(image.width * scale)), max(1, round(image.height * scale))),
        Image.Resampling.BICUBIC,
        reducing_gap=2.0,
    )
    canvas = Image.new("RGB", (size, size), WHITE)
    canvas.paste(fitted, ((size - fitted.width) // 2, (size - fitted.height) // 2))
    return canvas


def _check_segments(source: bytes | Path) -> None:
    """Count a JPEG's segments and scans as the decoder will meet them."""
    with BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        if file.read(2) != b"\xff\xd8":
            return
        content = file.read()
    scans = segments = position = 0
    while found := MARKER.search(content, position):
        kind = content[found.start() + 1]
        if kind == 0xD9:  # the end of the picture
            return
        scans += kind == 0xDA
        segments += 1
        if scans > MAX_SCANS:
            raise ImageError(f"the JPEG has more than {MAX_SCANS} scans")
        if segments > MAX_SEGMENTS:
            raise ImageError(f"the JPEG has more than {MAX_SEGMENTS:,} segments")
        length = int.from_bytes(content[found.end() : found.end() + 2])
        position = found.end() + max(length, 2)


def _check_pixels(image: Image.Image, most: int) -> None:
    if image.width * image.height > most:
        kind = f" of a {image.format}" if most < MAX_PIXELS else ""
        raise ImageError(
            f"the picture has {image.width} x {image.height} pixels; at most {most:,}{kind} are "
            "accepted"
        )


def _draft_size(image: Image.Image, side: int) -> tuple[int, int]:
    """The size to request from `Image.draft`, which chooses the smallest scale not below it."""
    scale = min(1.0, side / min(image.size))
    return round(image.width * scale), round(image.height * scale)


def _turn_upright(image: Image.Image) -> None:
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except Exception:
        # The metadata is unreadable, but the pixels have been decoded successfully.
        return


def _flatten(image: Image.Image) -> Image.Image:
    """Convert any mode to RGB."""
    if image.mode.startswith(("I", "F")):
        return _to_8_bits(image).convert("RGB")
    if image.mode == "CMYK":
        return _apply_profile(image)
    if image.has_transparency_data:
        return _lay_on_white(image)
    return image.convert("RGB")


def _tiles(image: Image.Image) -> Iterator[tuple[int, int, int, int]]:
    """Boxes (left, top, right, bottom) that cover the picture without overlap."""
    for top in range(0, image.height, TILE):
        for left in range(0, image.width, TILE):
            yield left, top, min(left + TILE, image.width), min(top + TILE, image.height)


def _lay_on_white(image: Image.Image) -> Image.Image:
    flat = Image.new("RGB", image.size)
    for box in _tiles(image):
        tile = image.crop(box).convert("RGBA")
        canvas = Image.new("RGBA", tile.size, (*WHITE, 255))
        canvas.alpha_composite(tile)
        flat.paste(canvas.convert("RGB"), box)
    return flat


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Scale grey values to 8 bits: 16-bit ones by 1/257, others from their minimum and maximum.

    32-bit and floating-point formats have no fixed range. Pillow's `convert` would clip at 255.
    """

    def values(box: tuple[int, int, int, int]) -> np.ndarray:
        return np.nan_to_num(np.asarray(image.crop(box), np.float32))

    low: Any = 0
    high: Any = 65535
    if not image.mode.startswith("I;16"):
        ends = [(tile.min(), tile.max()) for tile in map(values, _tiles(image))]
        low, high = min(low for low, _ in ends), max(high for _, high in ends)
    scale = 255 / (high - low) if high > low else 0.0
    grey = np.empty((image.height, image.width), np.uint8)
    for box in _tiles(image):
        left, top, right, bottom = box
        grey[top:bottom, left:right] = np.rint((values(box) - low) * scale)
    return Image.fromarray(grey)


def _apply_profile(image: Image.Image) -> Image.Image:
    """Convert CMYK to sRGB with the embedded profile, or by Pillow's formula if it is unusable."""
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(image.info["icc_profile"]))
        srgb = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB")
    except (KeyError, OSError, ImageCms.PyCMSError):
        converted = None
    return converted or image.convert("RGB")
