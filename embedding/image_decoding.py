"""Decodes pictures for training, indexing and queries.

Vectors are comparable only if their pictures were decoded in the same way, so this is the only
module that turns files into pixels. All functions are thread-safe and do not change Pillow's
global settings.
"""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError, features

from embedding.colour_profiles import SPACES, tiles, to_srgb
from embedding.errors import UserFacingError

try:
    import pillow_heif
except ImportError:
    HAS_HEIF = False
else:
    HAS_HEIF = True
    pillow_heif.register_heif_opener()

MAX_PIXELS = 50_000_000
"""Pictures that declare more pixels than this are rejected before they are decoded."""

MAX_SCANS = 100
"""Scans of a JPEG. Each takes as long as the whole picture. Encoders write about ten; 200 kB
can hold thousands."""

MAX_SEGMENTS = 10_000
"""Segments of a JPEG. A thousand of full length exceed the largest file that is accepted."""

END = b"\xff\xd9"
"""The marker at the end of a JPEG."""

FILLER = bytes(range(1, 240, 7)) * 64
"""Data that a JPEG without its end is decoded with once more: if pixels were missing, they differ.
"""

MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
"""The start of a JPEG's segment. What is left out has no length, or occurs in compressed data."""

DECODED_SIDE = 600
"""Large JPEGs are decoded at a reduced scale, but the shorter side keeps at least so many pixels.
"""

IMAGE_FORMATS: tuple[str, ...] = (
    *("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"),
    *(("AVIF",) if features.check("avif") else ()),
    *(("HEIF",) if HAS_HEIF else ()),
)
"""Accepted formats, by Pillow's names. Other formats are rejected without being parsed."""

HEIC = re.compile(rb".{4}ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1)", re.DOTALL)
"""The beginning of a HEIC file."""

WHITE = (255, 255, 255)

UNREADABLE = "the file cannot be read"
"""The beginning of the reason if not the picture is at fault: its file is missing or protected."""


class ImageError(UserFacingError, ValueError):
    """A picture that cannot be used; the message is a short reason for the user."""


def open_image(
    source: bytes | Path, side: int = DECODED_SIDE, most: int = MAX_PIXELS
) -> Image.Image:
    """Decode a picture completely, into 8-bit RGB.

    The result is upright (EXIF orientation applied), in sRGB (a colour profile is applied) and
    opaque (transparent parts become white). A JPEG may lack its end marker, if no pixel is missing.
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
        if _is_without_end(source):
            content = source if isinstance(source, bytes) else source.read_bytes()
            image, other = (_decode(content + it, side, most) for it in (END, FILLER + END))
            if image.tobytes() != other.tobytes():
                raise ImageError("the picture is damaged or incomplete")
            return image
        return _decode(source, side, most)
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"the picture has more than {MAX_PIXELS:,} pixels") from error
    except UnidentifiedImageError as error:
        raise ImageError(_unknown_format(source)) from error
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise ImageError(f"{UNREADABLE}: {error.strerror}") from error
    except Exception as error:
        # Damaged files make Pillow's decoders raise nearly anything: OSError, SyntaxError,
        # ValueError, struct.error, EOFError, IndexError, MemoryError.
        raise ImageError("the picture is damaged or incomplete") from error


def _decode(source: bytes | Path, side: int, most: int) -> Image.Image:
    opened = BytesIO(source) if isinstance(source, bytes) else source
    with Image.open(opened, formats=IMAGE_FORMATS) as image:
        _check_pixels(image, MAX_PIXELS)
        image.draft(None, _draft_size(image, side))
        _check_pixels(image, most)
        image.load()
        _turn_upright(image)
        return _flatten(image)


def _unknown_format(source: bytes | Path) -> str:
    if isinstance(source, Path):
        with source.open("rb") as file:
            start = file.read(12)
    else:
        start = source[:12]
    if not start:
        return "the file is empty"
    if not HAS_HEIF and HEIC.match(start):
        return "a HEIC picture: save it as JPEG, or install the extra: pip install -e '.[heic]'"
    return f"not a picture in a known format ({', '.join(IMAGE_FORMATS)})"


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


def _is_without_end(source: bytes | Path) -> bool:
    """Whether it is a JPEG without its end marker.

    Raises:
        ImageError: more segments or scans than are accepted, as the decoder will meet them.
    """
    with BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        if file.read(2) != b"\xff\xd8":
            return False
        content = file.read()
    scans = segments = position = 0
    while found := MARKER.search(content, position):
        kind = content[found.start() + 1]
        if kind == END[1]:
            return False
        scans += kind == 0xDA
        segments += 1
        if scans > MAX_SCANS:
            raise ImageError(f"the JPEG has more than {MAX_SCANS} scans")
        if segments > MAX_SEGMENTS:
            raise ImageError(f"the JPEG has more than {MAX_SEGMENTS:,} segments")
        length = int.from_bytes(content[found.end() : found.end() + 2])
        position = found.end() + max(length, 2)
    return scans > 0


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
    """Convert any mode to sRGB."""
    profile = image.info.get("icc_profile") or b""
    if image.mode.startswith(("I", "F")):
        image = _to_8_bits(image)
    elif image.has_transparency_data:
        return _lay_on_white(image, profile)
    elif image.mode not in SPACES:
        image = image.convert("RGB")
    return to_srgb(image, profile)


def _lay_on_white(image: Image.Image, profile: bytes) -> Image.Image:
    flat = Image.new("RGB", image.size)
    for box in tiles(image):
        tile = image.crop(box).convert("RGBA")
        if profile:
            colours = to_srgb(tile.convert("RGB"), profile)
            colours.putalpha(tile.getchannel("A"))
            tile = colours
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
        ends = [(tile.min(), tile.max()) for tile in map(values, tiles(image))]
        low, high = min(low for low, _ in ends), max(high for _, high in ends)
    scale = 255 / (high - low) if high > low else 0.0
    grey = np.empty((image.height, image.width), np.uint8)
    for box in tiles(image):
        left, top, right, bottom = box
        grey[top:bottom, left:right] = np.rint((values(box) - low) * scale)
    return Image.fromarray(grey)
