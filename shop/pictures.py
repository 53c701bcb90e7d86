"""Pictures on disk: the ones that shoppers search with, and the shop's own in several sizes.

A file's name is always made here, of a hash that was checked; nothing from outside names one.
"""

import hashlib
import logging
import os
import re
import time
from contextlib import suppress
from functools import cache
from io import BytesIO
from math import ceil
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from PIL import Image

from catalog import config
from catalog.files import write_whole
from catalog.pictures import FOLDER, PATH
from catalog.pruning import Store
from embedding.images import ImageError, open_image
from shop.models import ProductImage

logger = logging.getLogger(__name__)

QUERY_SIDE = 1280
"""Longer side, in pixels, above which a query picture is reduced before it is kept."""

QUERY_PIXELS = 25_000_000
"""Pixels to which an uploaded picture may be decoded: a few hundred MB, however small its file."""

DECODING = BoundedSemaphore(2)
"""Held while an uploaded picture is decoded, lest as many as there are threads fill the memory."""

THUMBNAILS = "v2"
"""Stands in the thumbnails' folder and addresses, which browsers keep for a year: another one
whenever they are made in another way."""

SWEEP_SECONDS = 10
"""Between two looks at all query pictures, during which they may exceed what they may take."""

DIGEST = re.compile(r"[0-9a-f]{64}")


def store_query_picture(content: bytes) -> str:
    """Keep a picture for as long as a search with it may last; its SHA-256 is its name.

    What is kept is encoded anew, so neither a place nor a name in the file's metadata, nor
    anything that is not a picture, stays.

    Raises:
        ImageError: `content` is no picture, or one of more than `QUERY_PIXELS`.
    """
    sweep_query_pictures()
    with DECODING:
        picture = open_image(content, most=QUERY_PIXELS)
        picture.thumbnail((QUERY_SIDE, QUERY_SIDE), reducing_gap=2.0)
    encoded = _encode(picture, "JPEG", quality=95, subsampling=0, comment=b"")
    digest = hashlib.sha256(encoded).hexdigest()
    write_whole(_query_path(digest), encoded)
    return digest


def load_query_picture(digest: str) -> bytes | None:
    """The JPEG stored under `digest`, or None if there is none or it has expired.

    Being used keeps it: its time starts again.
    """
    if not DIGEST.fullmatch(digest):
        return None
    path = _query_path(digest)
    try:
        if _has_expired(path.stat().st_mtime):
            return None
        content = path.read_bytes()
        os.utime(path)
    except FileNotFoundError:
        return None
    return content


def sweep_query_pictures() -> None:
    """Remove the query pictures that nobody used for `settings.QUERY_PICTURE_SECONDS`, and of the
    others those used longest ago, while they take more than `settings.QUERY_PICTURES_BYTES`.

    The whole folder is read for that, so only every `SWEEP_SECONDS`, whichever process comes first.
    """
    folder = Path(settings.QUERY_PICTURE_DIR)
    swept = folder / ".swept"
    with suppress(FileNotFoundError):
        if abs(time.time() - swept.stat().st_mtime) < SWEEP_SECONDS:
            return
    folder.mkdir(parents=True, exist_ok=True)
    swept.touch()
    found = []
    for file in os.scandir(folder):
        with suppress(FileNotFoundError):  # another process was faster
            found.append((file.stat().st_mtime, file.stat().st_size, file.path))
    room = settings.QUERY_PICTURES_BYTES
    for used, size, path in sorted(found, reverse=True):
        room -= size
        if room < 0 or _has_expired(used):
            Path(path).unlink(missing_ok=True)


def thumbnail(path: str, width: int) -> bytes | None:
    """A product picture as WEBP, at most `width` pixels across, or None if no product has it, or
    there is no such file.

    Made once and kept: `path` is below `MEDIA_ROOT` and names its content, so it never changes.
    """
    image = ProductImage.objects.filter(path=path).first()
    if image is None:
        return None
    kept = _thumbnail_folder() / THUMBNAILS / str(width) / f"{path}.webp"
    with suppress(OSError):
        return kept.read_bytes()
    side = ceil(width * min(1, image.height / image.width))
    try:
        picture = open_image(config.media_root() / path, side)
    except ImageError:
        return None
    if picture.width > width:
        height = max(1, round(picture.height * width / picture.width))
        picture = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    encoded = _encode(picture, "WEBP", quality=82)
    try:
        write_whole(kept, encoded)
    except OSError as error:
        _warn_once(f"Thumbnails cannot be kept, each request makes its own: {error.strerror}")
    return encoded


def thumbnails() -> Store:
    """All thumbnails, for pruning; those made in other ways than now are kept by nothing."""
    made_now = rf"{THUMBNAILS}/[0-9]+/(?P<path>{PATH})\.webp"
    pattern = re.compile(rf"{made_now}|(v[0-9]+/)?[0-9]+/{FOLDER}/[0-9a-f]{{2}}/[^/]+")
    glob = f"**/{FOLDER}/[0-9a-f][0-9a-f]/*"
    return Store("thumbnails", _thumbnail_folder(), glob, pattern)


def _thumbnail_folder() -> Path:
    return config.var_dir() / "thumbnails"


@cache
def _warn_once(message: str) -> None:
    logger.warning(message)


def _query_path(digest: str) -> Path:
    return Path(settings.QUERY_PICTURE_DIR) / f"{digest}.jpg"


def _has_expired(used: float) -> bool:
    """Whether a query picture that was used at that time, by the clock, is no longer kept."""
    return used < time.time() - settings.QUERY_PICTURE_SECONDS


def _encode(picture: Image.Image, format: str, **options: Any) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()
