"""Product pictures in several sizes, created on the first request and kept on disk."""

import logging
import re
from contextlib import suppress
from functools import cache
from io import BytesIO
from math import ceil

from PIL import Image

from catalog import config
from catalog.media.folders import PictureFiles, media
from catalog.media.prune import PictureFolder
from catalog.media.store import FOLDER, PATH
from embedding.image_decoding import ImageError, open_image
from shop.metrics import THUMBNAILS_SERVED
from shop.models import ProductImage

logger = logging.getLogger(__name__)

files = PictureFiles("thumbnails", lambda: config.settings().var_dir / "thumbnails")

SIZES = {"small": 320, "card": 480, "medium": 640, "large": 1280}
"""Widths in pixels by the names that templates use, in ascending order."""

THUMBNAILS = "v2"
"""A version in the paths and addresses of thumbnails, which browsers cache for a year. It changes
when thumbnails are created in another way."""


def thumbnail(path: str, width: int) -> bytes | None:
    """A product picture as WEBP, at most `width` pixels wide.

    Returns None if no product has the picture or its file is missing. `path` is relative to
    `MEDIA_ROOT` and contains the hash of the file, so a stored thumbnail stays valid.
    """
    image = ProductImage.objects.filter(path=path).first()
    if image is None:
        return None
    kept = f"{THUMBNAILS}/{width}/{path}.webp"
    with suppress(OSError):
        stored = files.read(kept)
        if stored is not None and _is_complete(stored):
            THUMBNAILS_SERVED.labels("stored").inc()
            return stored
    side = ceil(width * min(1, image.height / image.width))
    try:
        picture = open_image(media.local(path), side)
    except ImageError:
        return None
    if picture.width > width:
        height = max(1, round(picture.height * width / picture.width))
        picture = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    THUMBNAILS_SERVED.labels("created").inc()
    encoded = BytesIO()
    picture.save(encoded, "WEBP", quality=82)
    try:
        files.write(kept, encoded.getvalue())
    except OSError as error:
        _warn_once(f"Thumbnails cannot be stored, each request creates its own: {error.strerror}")
    return encoded.getvalue()


def _is_complete(webp: bytes) -> bool:
    """Whether a WEBP file has the length that its header says; a full disk can cut one off."""
    return webp[:4] == b"RIFF" and int.from_bytes(webp[4:8], "little") == len(webp) - 8


def thumbnails() -> PictureFolder:
    """All thumbnails, for pruning; thumbnails of other versions are always removed."""
    made_now = rf"{THUMBNAILS}/[0-9]+/(?P<path>{PATH})\.webp"
    pattern = re.compile(rf"{made_now}|(v[0-9]+/)?[0-9]+/{FOLDER}/[0-9a-f]{{2}}/[^/]+")
    glob = f"**/{FOLDER}/[0-9a-f][0-9a-f]/*"
    return PictureFolder("thumbnails", files, glob, pattern)


@cache
def _warn_once(message: str) -> None:
    logger.warning(message)
