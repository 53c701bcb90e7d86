"""Decoding: the one way by which a picture enters training, indexing and queries.

A vector is comparable with another only if both pictures were decoded alike, so nothing else in
the project turns bytes into pixels. All functions are thread-safe and leave Pillow's module-wide
settings alone.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps, features

MAX_PIXELS = 50_000_000
"""Pictures that declare more pixels than this are refused before they are decoded."""

DECODED_SIDE = 600
"""Shorter side, in pixels, below which a big JPEG is not reduced while it is decoded."""

IMAGE_FORMATS: tuple[str, ...] = (
    *("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"),
    *(("AVIF",) if features.check("avif") else ()),
)
"""The formats, by Pillow's names, that are opened. Others are refused without being parsed."""

WHITE = (255, 255, 255)


class ImageError(ValueError):
    """A picture that cannot be used; the message is a short reason fit for showing to people."""


def open_image(source: bytes | Path, side: int = DECODED_SIDE) -> Image.Image:
    """Decode a picture completely.

    Animations give their first frame. The result is upright (EXIF rotation applied), opaque
    (transparency laid on white) and 8-bit RGB. Big JPEGs are decoded at a reduced scale (1/2, 1/4
    or 1/8), never below `side` pixels on the shorter side.

    Raises:
        ImageError: empty, unreadable, not one of `IMAGE_FORMATS`, more than `MAX_PIXELS`,
            truncated or otherwise damaged.
    """
    if source == b"":
        raise ImageError("the file is empty")
    try:
        with Image.open(
            BytesIO(source) if isinstance(source, bytes) else source, formats=IMAGE_FORMATS
        ) as image:
            _check_pixels(image)
            image.draft(None, _draft_size(image, side))
            image.load()
            return _flatten(_upright(image))
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"the picture has more than {MAX_PIXELS:,} pixels") from error
    except Image.UnidentifiedImageError as error:
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
    """Fit an RGB picture into a white square of `size` x `size` pixels, keeping its proportions."""
    scale = size / max(image.size)
    fitted = image.resize(
        (max(1, round(image.width * scale)), max(1, round(image.height * scale))),
        Image.Resampling.BICUBIC,
        reducing_gap=2.0,
    )
    canvas = Image.new("RGB", (size, size), WHITE)
    canvas.paste(fitted, ((size - fitted.width) // 2, (size - fitted.height) // 2))
    return canvas


def _check_pixels(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(
            f"the picture has {image.width} x {image.height} pixels; at most {MAX_PIXELS:,} are "
            "accepted"
        )


def _draft_size(image: Image.Image, side: int) -> tuple[int, int]:
    """The size to ask `Image.draft` for, which gives the smallest scale not below it."""
    scale = min(1.0, side / min(image.size))
    return round(image.width * scale), round(image.height * scale)


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:
        # Unreadable metadata says nothing about the pixels, which have been decoded by now.
        return image


def _flatten(image: Image.Image) -> Image.Image:
    """Any mode to RGB."""
    if image.mode.startswith(("I", "F")):
        image = _to_8_bits(image)
    elif image.mode == "CMYK":
        image = _apply_profile(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        canvas = Image.new("RGBA", image.size, (*WHITE, 255))
        canvas.alpha_composite(image)
        image = canvas
    return image.convert("RGB")


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 bits to 8; of 32 bits or floating point, whose range no format fixes, stretched.

    Pillow's own `convert` cuts such values off at 255.
    """
    values = np.nan_to_num(np.asarray(image, np.float32))
    low, high = (0, 65535) if image.mode.startswith("I;16") else (values.min(), values.max())
    scale = 255 / (high - low) if high > low else 0.0
    return Image.fromarray(np.rint((values - low) * scale).astype(np.uint8))


def _apply_profile(image: Image.Image) -> Image.Image:
    """Print colours to sRGB through the embedded profile; without a usable one, unchanged."""
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(image.info["icc_profile"]))
        srgb = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB")
    except (KeyError, OSError, ImageCms.PyCMSError):
        return image
    return converted or image
