"""Stores the pictures that shoppers search with: checked, re-encoded and kept for a day.

The name of a file is the hash of its content; no name comes from a request.
"""

import hashlib
import os
import re
import time
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from embedding.atomic_write import write_atomically
from shop.upload_decoder import reencode

SWEEP_SECONDS = 10
"""The minimum time between two sweeps. The size limit can be exceeded between them."""

DIGEST = re.compile(r"[0-9a-f]{64}")


def store_query_picture(content: bytes) -> str:
    """Store a picture and return its name, the SHA-256 digest of the stored file.

    The picture is re-encoded, so no metadata (such as a location) and nothing else that the
    uploaded file contained is kept.

    Raises:
        ImageError, DecoderBusy: see `reencode`.
    """
    sweep_query_pictures()
    encoded = reencode(content)
    digest = hashlib.sha256(encoded).hexdigest()
    write_atomically(_query_path(digest), encoded)
    return digest


def load_query_picture(digest: str) -> bytes | None:
    """The JPEG stored under `digest`, or None if there is none or it has expired.

    Loading a picture restarts its time to live.
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


def keep_query_picture(digest: str) -> bool:
    """Keep a stored picture in `settings.JUDGED_PICTURE_DIR`, where nothing expires.

    Returns:
        False if the picture has expired.
    """
    kept = judged_picture(digest)
    if kept.exists():
        return True
    content = load_query_picture(digest)
    if content is not None:
        write_atomically(kept, content)
    return content is not None


def judged_picture(digest: str) -> Path:
    """The file of a picture that was kept."""
    return Path(settings.JUDGED_PICTURE_DIR) / f"{digest}.jpg"


def sweep_query_pictures() -> None:
    """Remove query pictures that were not used for `settings.QUERY_PICTURE_SECONDS`.

    While the others take more than `settings.QUERY_PICTURES_BYTES`, the least recently used are
    removed as well. A sweep reads the whole folder, so all processes together run at most one
    every `SWEEP_SECONDS`.
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
        with suppress(FileNotFoundError):  # another process has removed it
            found.append((file.stat().st_mtime, file.stat().st_size, file.path))
    room = settings.QUERY_PICTURES_BYTES
    for used, size, path in sorted(found, reverse=True):
        room -= size
        if room < 0 or _has_expired(used):
            Path(path).unlink(missing_ok=True)


def _query_path(digest: str) -> Path:
    return Path(settings.QUERY_PICTURE_DIR) / f"{digest}.jpg"


def _has_expired(used: float) -> bool:
    """Whether a picture has expired that was last used at `used`, in seconds since the epoch."""
    return used < time.time() - settings.QUERY_PICTURE_SECONDS
