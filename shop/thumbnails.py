"""Product pictures in several sizes, created on the first request and kept on disk."""

import logging
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from io import BytesIO
from math import ceil
from threading import BoundedSemaphore

from PIL import Image

from catalog import config
from catalog.media.folders import PictureFiles, media
from catalog.media.prune import PictureFolder
from catalog.media.store import FOLDER, PATH
from embedding.image_decoding import ImageError, open_image
from shop.metrics import THUMBNAILS_SERVED
from shop.models import ProductImage
from shop.shared_slots import SharedSlots

logger = logging.getLogger(__name__)

files = PictureFiles("thumbnails", lambda: config.settings().var_dir / "thumbnails")

SIZES = {"small": 320, "card": 480, "medium": 640, "large": 1280}
"""Widths in pixels by the names that templates use, in ascending order."""

THUMBNAILS = "v2"
"""A version in the paths and addresses of thumbnails, which browsers cache for a year. It changes
when thumbnails are created in another way."""

LARGE = 8_000_000
"""The pixels of a large original. Decoding it takes at least 64 MB and a fifth of a second."""

LARGE_JPEG = 3 * LARGE
"""The same for JPEGs, which are decoded at a reduced scale."""

DECODERS = 2
"""The number of large originals that all processes of `serve` together decode at the same time."""

THREADS = 2
"""The threads of a process that decode large originals or wait for it; the others answer pages."""

MAX_WAIT_SECONDS = 3.0
"""How long a request waits for a free decoder."""

_slots = SharedSlots(DECODERS)
_threads = BoundedSemaphore(THREADS)


class ThumbnailsBusy(RuntimeError):
    """Other large originals are being decoded; a later attempt can succeed."""


def thumbnail(path: str, width: int) -> bytes | None:
    """A product picture as WEBP, at most `width` pixels wide.

    Returns None if no product has the picture or its file is missing. `path` is relative to
    `MEDIA_ROOT` and contains the hash of the file, so a stored thumbnail stays valid.

    Raises:
        ThumbnailsBusy: the original is large, and no decoder was free within `MAX_WAIT_SECONDS`, or
            `THREADS` requests wait for one already.
    """
    image = ProductImage.objects.filter(path=path).first()
    if image is None:
        return None
    if (stored := _stored(path, width)) is not None:
        return stored
    if not _is_large(image):
        return _create(image, [width]).get(width)
    with _decoder():
        # Another request may have created it meanwhile. The other sizes are soon needed too.
        return _stored(path, width) or _create(image, SIZES.values()).get(width)


def _stored(path: str, width: int) -> bytes | None:
    with suppress(OSError):
        stored = files.read(_name(path, width))
        if stored is not None and _is_complete(stored):
            THUMBNAILS_SERVED.labels("stored").inc()
            return stored
    return None


def _name(path: str, width: int) -> str:
    return f"{THUMBNAILS}/{width}/{path}.webp"


def _is_large(image: ProductImage) -> bool:
    is_jpeg = image.path.endswith(".jpg")
    return image.width * image.height > (LARGE_JPEG if is_jpeg else LARGE)


@contextmanager
def _decoder() -> Iterator[None]:
    """Hold one of the decoders of large originals meanwhile."""
    if not _threads.acquire(blocking=False):
        raise ThumbnailsBusy
    try:
        with _slots.one(MAX_WAIT_SECONDS) as is_free:
            if not is_free:
                raise ThumbnailsBusy
            yield
    finally:
        _threads.release()


def _create(image: ProductImage, widths: Collection[int]) -> dict[int, bytes]:
    """Create and store thumbnails, by width; none if the original is missing."""
    side = ceil(max(widths) * min(1, image.height / image.width))
    try:
        original = open_image(media.local(image.path), side)
    except ImageError:
        return {}
    created = {width: _scaled(original, width) for width in widths}
    THUMBNAILS_SERVED.labels("created").inc(len(created))
    for width, content in created.items():
        try:
            files.write(_name(image.path, width), content)
        except OSError as error:
            _warn_once(
                f"Thumbnails cannot be stored, each request creates its own: {error.strerror}"
            )
    return created


def _scaled(picture: Image.Image, width: int) -> bytes:
    if picture.width > width:
        height = max(1, round(picture.height * width / picture.width))
        picture = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    encoded = BytesIO()
    picture.save(encoded, "WEBP", quality=82)
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
