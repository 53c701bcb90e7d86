"""The media folder: pictures checked by decoding and stored by the hash of their bytes."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from io import BytesIO

from PIL import Image

from catalog import config
from catalog.media.atomic_write import write_whole
from embedding.image_decoding import IMAGE_FORMATS, open_image

MAX_BYTES = 50 * 2**20
FOLDER = "products"

PATH = rf"{FOLDER}/[0-9a-f]{{2}}/[0-9a-f]{{64}}\.[a-z0-9]{{2,5}}"
"""What a picture's path below the media folder looks like, as a regular expression."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in the media folder: `path` below it, `sha256` of its bytes, its size in pixels."""

    path: str
    sha256: str
    width: int
    height: int


PICTURE_COLUMNS = tuple(field.name for field in fields(Picture))
"""The columns of `product_image` that say which picture it is."""


def take_content(content: bytes, known: Mapping[str, Picture], *, store: bool) -> Picture:
    """Check a picture and, if `store`, write it into the media folder.

    `known` holds by hash the pictures that need no second check.

    Raises:
        ImageError: not a whole picture, or one of too many pixels.
        OSError: the media folder cannot be written.
    """
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
    if store:
        try:
            os.utime(kept)  # young again, so that nobody prunes it before its row is there
        except OSError:
            write_whole(kept, content)
    return picture
