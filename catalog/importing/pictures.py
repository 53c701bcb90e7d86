"""Taking in picture files: checked by decoding, stored by the hash of their bytes."""

import hashlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from catalog import config
from catalog.files import write_whole
from embedding.images import IMAGE_FORMATS, ImageError, open_image

MAX_BYTES = 50 * 2**20
FOLDER = "products"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in the media folder: `path` below it, `sha256` of its bytes, its size in pixels."""

    path: str
    sha256: str
    width: int
    height: int


def take_picture(folder: Path, name: str, known: dict[str, Picture], *, store: bool) -> Picture:
    """Check the file `name` of `folder` and, if `store`, copy it into the media folder.

    `known` holds by hash the pictures that need no second check.

    Raises:
        ImageError: no such file in the folder, too large, or not a whole picture.
    """
    content = _read(folder, name)
    sha256 = hashlib.sha256(content).hexdigest()
    if (picture := known.get(sha256)) and (config.media_root() / picture.path).exists():
        return picture
    open_image(content)
    with Image.open(BytesIO(content), formats=IMAGE_FORMATS) as image:
        width, height = image.size
        if image.getexif().get(0x0112, 1) in (5, 6, 7, 8):  # EXIF orientation: lies on its side
            width, height = height, width
        ending = (image.format or "").lower().replace("jpeg", "jpg")
    picture = Picture(f"{FOLDER}/{sha256[:2]}/{sha256}.{ending}", sha256, width, height)
    kept = config.media_root() / picture.path
    if store and not kept.exists():
        write_whole(kept, content)
    return picture


def _read(folder: Path, name: str) -> bytes:
    root = folder.resolve()
    try:
        file = (root / name).resolve()
        # A name from outside must not lead out of the folder, by dots or by a link.
        if not file.is_relative_to(root):
            raise ImageError("the name leads out of the picture folder")
        if not file.is_file():
            raise ImageError("there is no such file")
        if file.stat().st_size > MAX_BYTES:
            raise ImageError(f"the file is larger than {MAX_BYTES // 2**20} MB")
        return file.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError("the file cannot be read") from error
