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

from catalog.media.folders import PictureFiles
from catalog.media.objects import StoreError, object_store
from embedding.atomic_write import write_atomically
from embedding.image_decoding import ImageError, open_image
from embedding.regions.region import Region, cut
from shop import upload_decoder
from shop.metrics import DECODER_BUSY, UPLOADED_BYTES
from shop.upload_decoder import DecoderBusy, reencode

SWEEP_SECONDS = 10
"""The minimum time between two sweeps. The size limit can be exceeded between them."""

stored = PictureFiles("query_pictures", lambda: Path(settings.QUERY_PICTURE_DIR))
judged = PictureFiles("judged_pictures", lambda: Path(settings.JUDGED_PICTURE_DIR))

DIGEST = re.compile(r"[0-9a-f]{64}")

SIDECAR = ".json"
"""The suffix of the file with the regions that were found in a picture; see `picture_regions`."""


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


def store_query_picture(content: bytes) -> str:
    """Store a picture and return its name, the SHA-256 digest of the stored file.

    The picture is re-encoded, so no metadata (such as a location) and nothing else that the
    uploaded file contained is kept.

    Raises:
        ImageError, DecoderBusy: see `reencode`.
    """
    sweep_query_pictures()
    UPLOADED_BYTES.inc(len(content))
    try:
        encoded = reencode(content)
    except DecoderBusy:
        DECODER_BUSY.inc()
        raise
    digest = hashlib.sha256(encoded).hexdigest()
    stored.write(f"{digest}.jpg", encoded)
    return digest


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
                write_atomically(path, fetched)
            return fetched
    return None


def _prolong(path: Path, used_at: float) -> None:
    """Restart the time to live of a picture; in a store, not more often than necessary."""
    if object_store() is not None:
        if used_at > time.time() - settings.QUERY_PICTURE_SECONDS / 4:
            return
        with suppress(StoreError):
            stored.touch(path.name)
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


def sweep_query_pictures() -> None:
    """Remove query pictures that were not used for `settings.QUERY_PICTURE_SECONDS`.

    While the others take more than `settings.QUERY_PICTURES_BYTES`, the least recently used are
    removed as well. A sweep reads the whole folder, so all processes together run at most one
    every `SWEEP_SECONDS`.
    """
    folder = stored.root
    swept = folder / ".swept"
    with suppress(FileNotFoundError):
        if abs(time.time() - swept.stat().st_mtime) < SWEEP_SECONDS:
            return
    folder.mkdir(parents=True, exist_ok=True)
    swept.touch()
    found = []
    for file in os.scandir(folder):
        with suppress(FileNotFoundError):  # another process has removed it
            found.append((file.stat().st_mtime, file.stat().st_size, file.path))
    room = settings.QUERY_PICTURES_BYTES
    for used, size, path in sorted(found, reverse=True):
        room -= size
        if room < 0 or _has_expired(used):
            Path(path).unlink(missing_ok=True)


def query_path(digest: str) -> Path:
    """The file of a stored picture, whether it exists or not."""
    return stored.root / f"{digest}.jpg"


def _has_expired(used: float) -> bool:
    """Whether a picture has expired that was last used at `used`, in seconds since the epoch."""
    return used < time.time() - settings.QUERY_PICTURE_SECONDS
