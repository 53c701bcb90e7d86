"""Stores the pictures that shoppers search with: checked, re-encoded and kept for a day.

The name of a file is the hash of its content; no name comes from a request. An address names a
picture by this digest, or a part of it by the digest and a region: `DIGEST-left-top-width-height`,
in thousandths of the picture. Only the whole picture is stored.
"""

import hashlib
import os
import re
import time
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from django.conf import settings
from django.utils.crypto import salted_hmac

from catalog.media.folders import PictureFiles
from catalog.media.objects import StoreError, object_store
from embedding.image_decoding import ImageError, open_image
from embedding.regions.region import Region, cut
from shop import upload_decoder
from shop.metrics import DECODER_BUSY, UPLOADED_BYTES
from shop.picture_quota import SIDECAR, UNKNOWN, FolderBusy, store_within
from shop.upload_decoder import DecoderBusy, reencode

stored = PictureFiles("query_pictures", lambda: Path(settings.QUERY_PICTURE_DIR))
judged = PictureFiles("judged_pictures", lambda: Path(settings.JUDGED_PICTURE_DIR))

DIGEST = re.compile(r"[0-9a-f]{64}")


def picture_name(digest: str, region: Region | None) -> str:
    """The name of a picture or of a part of it, as addresses contain it."""
    return digest if region is None or region.is_whole else f"{digest}-{region}"


def parse_name(name: str) -> tuple[str, Region | None]:
    """The digest and the region of a name; the region is None for the whole picture.

    Raises:
        ValueError: not the digest of a picture.
        RegionError: a digest, but not a region.
    """
    digest, separator, region = name.partition("-")
    if not DIGEST.fullmatch(digest):
        raise ValueError("not the digest of a picture")
    return digest, Region.parse(region) if separator else None


def store_query_picture(content: bytes, client: str = "") -> str:
    """Store a picture and return its name, the SHA-256 digest of the stored file.

    All pictures together take at most `settings.QUERY_PICTURES_BYTES`. If they take more, those of
    the client with the most bytes are removed first.

    The picture is re-encoded, so no metadata (such as a location) and nothing else that the
    uploaded file contained is kept.

    Args:
        client: who has sent it, as `network_of` knows it. Only a keyed hash is stored.

    Raises:
        ImageError, DecoderBusy: see `reencode`.
        FolderBusy: see `store_within`.
    """
    UPLOADED_BYTES.inc(len(content))
    try:
        encoded = reencode(content)
    except DecoderBusy:
        DECODER_BUSY.inc()
        raise
    digest = hashlib.sha256(encoded).hexdigest()
    if store := object_store():
        store.put(stored.key(f"{digest}.jpg"), encoded)
    _keep(digest, encoded, salted_hmac("shop.query_pictures", client).hexdigest()[:16])
    return digest


def _keep(digest: str, content: bytes, client: str) -> None:
    store_within(
        query_path(digest),
        content,
        client,
        most=settings.QUERY_PICTURES_BYTES,
        has_expired=_has_expired,
    )


def load_query_picture(name: str) -> bytes | None:
    """The picture of a name as a file to encode, or None if there is none or it has expired.

    The whole picture is the stored JPEG. A part is cut from it without further loss. Loading a
    picture restarts its time to live.
    """
    try:
        digest, region = parse_name(name)
    except ValueError:
        return None
    content = _stored_content(digest)
    if content is None:
        return None
    if region is not None:
        with suppress(ImageError):  # the search says that the file is damaged
            return cut(content, region)
    return content


def _stored_content(digest: str) -> bytes | None:
    path = query_path(digest)
    with suppress(FileNotFoundError):
        used_at = path.stat().st_mtime
        if not _has_expired(used_at):
            content = path.read_bytes()
            _prolong(path, used_at)
            return content
    if store := object_store():  # another host may have it
        key = stored.key(path.name)
        found = store.find(key)
        if found is not None and not _has_expired(found.changed_at):
            fetched = store.get(key)
            if fetched is not None:
                with suppress(FolderBusy):  # it is fetched again
                    _keep(digest, fetched, UNKNOWN)
            return fetched
    return None


def _prolong(path: Path, used_at: float) -> None:
    """Restart the time to live of a picture; in a store, not more often than necessary."""
    if object_store() is not None:
        if used_at > time.time() - settings.QUERY_PICTURE_SECONDS / 4:
            return
        with suppress(StoreError):
            for name in (path.name, path.with_suffix(SIDECAR).name):
                stored.touch(name)
    os.utime(path)
    with suppress(FileNotFoundError):
        os.utime(path.with_suffix(SIDECAR))


def picture_jpeg(name: str, side: int = 0) -> bytes | None:
    """The picture of a name as a JPEG to show, or None if there is none, or it has expired or is
    damaged.

    Args:
        side: the maximum of its width and height in pixels; 0 for no maximum.
    """
    content = load_query_picture(name)
    if content is None or (DIGEST.fullmatch(name) and not side):
        return content
    try:
        image = open_image(content, side or upload_decoder.MAX_SIDE)
    except ImageError:
        return None
    if side:
        image.thumbnail((side, side), reducing_gap=2.0)
    encoded = BytesIO()
    image.save(encoded, "JPEG", quality=90)
    return encoded.getvalue()


def keep_query_picture(name: str) -> bool:
    """Keep a picture, or the part of it, in `settings.JUDGED_PICTURE_DIR`, where nothing expires.

    Returns:
        False if the picture has expired.
    """
    if judged_picture(name).exists():
        return True
    content = picture_jpeg(name)
    if content is not None:
        judged.write(f"{name}.jpg", content)
    return content is not None


def judged_picture(name: str) -> Path:
    """The file of a picture that was kept."""
    return judged.local(f"{name}.jpg")


def query_path(digest: str) -> Path:
    """The file of a stored picture, whether it exists or not."""
    return stored.root / f"{digest}.jpg"


def _has_expired(used: float) -> bool:
    """Whether a picture has expired that was last used at `used`, in seconds since the epoch."""
    return used < time.time() - settings.QUERY_PICTURE_SECONDS
