"""The pictures that shoppers search with: checked, encoded anew and kept for a day.

A file is always named by the hash of its content; nothing from outside names one.
"""

import hashlib
import os
import re
import time
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from catalog.media.atomic_write import write_atomically
from shop.upload_decoder import reencode

SWEEP_SECONDS = 10
"""Between two looks at all query pictures, during which they may exceed what they may take."""

DIGEST = re.compile(r"[0-9a-f]{64}")


def store_query_picture(content: bytes) -> str:
    """Keep a picture for as long as a search with it may last; its SHA-256 is its name.

    What is kept is encoded anew, so neither a place nor a name in the file's metadata, nor
    anything that is not a picture, stays.

    Raises:
        ImageError, DecoderBusy: as `reencode` does.
    """
    sweep_query_pictures()
    encoded = reencode(content)
    digest = hashlib.sha256(encoded).hexdigest()
    write_atomically(_query_path(digest), encoded)
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


def _query_path(digest: str) -> Path:
    return Path(settings.QUERY_PICTURE_DIR) / f"{digest}.jpg"


def _has_expired(used: float) -> bool:
    """Whether a query picture that was used at that time, by the clock, is no longer kept."""
    return used < time.time() - settings.QUERY_PICTURE_SECONDS
