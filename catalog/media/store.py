"""The media folder: pictures are checked by decoding and stored under the hash of their bytes."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from io import BytesIO

from PIL import Image

from catalog.media.folders import media
from embedding.image_decoding import IMAGE_FORMATS, open_image

MAX_BYTES = 50 * 2**20
FOLDER = "products"

PATH = rf"{FOLDER}/[0-9a-f]{{2}}/[0-9a-f]{{64}}\.[a-z0-9]{{2,5}}"
"""Regular expression of a picture's path, relative to the media folder."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in the media folder: relative `path`, `sha256` of the file, size in pixels."""

    path: str
    sha256: str
    width: int
    height: int


PICTURE_COLUMNS = tuple(field.name for field in fields(Picture))
"""The columns of `product_image` that describe the picture file."""


def check_and_store(content: bytes, known: Mapping[str, Picture], *, store: bool) -> Picture:
    """Check a picture and, if `store`, write it into the media folder.

    `known` maps hashes to pictures that were checked before.

    Raises:
        ImageError: not a complete picture, or it has too many pixels.
        OSError: the media folder cannot be written.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    if (picture := known.get(sha256)) and _is_kept(picture, len(content)):
        return picture
    open_image(content)
    with Image.open(BytesIO(content), formats=IMAGE_FORMATS) as image:
        width, height = image.size
        # EXIF orientation: rotated by 90°. Pillow gives the size of a TIFF as it is shown.
        if image.format != "TIFF" and image.getexif().get(0x0112, 1) in (5, 6, 7, 8):
            width, height = height, width
        ending = (image.format or "").lower().replace("jpeg", "jpg")
    picture = Picture(f"{FOLDER}/{sha256[:2]}/{sha256}.{ending}", sha256, width, height)
    if store:
        if _is_kept(picture, len(content)):
            media.touch(picture.path)  # so that pruning keeps it until its row is committed
        else:
            media.write(picture.path, content)
    return picture


def _is_kept(picture: Picture, size: int) -> bool:
    """Whether the media folder has the picture; a file of another size than `size` is damaged."""
    return media.size(picture.path) == size
