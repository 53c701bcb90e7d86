"""The garments in a query picture: found once for all hosts, and kept beside the picture.

Django's views and the templates use this module alone; what is found is only a suggestion, so
nothing here fails.
"""

import json
import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Lock

from embedding.encoder import EncoderError
from embedding.image_decoding import ImageError, open_image
from embedding.regions.garments import garments_in
from embedding.regions.region import FULL_SCALE, Region
from shop.config import settings
from shop.picture_quota import SIDECAR
from shop.query_pictures import load_query_picture, picture_name, stored

VERSION = 1
"""A part of what is kept. It changes when garments are found in another way."""

logger = logging.getLogger(__name__)

_UNREADABLE = (OSError, ValueError, KeyError, TypeError)

_one_at_a_time = Lock()  # the network uses all cores already


@dataclass(frozen=True, slots=True)
class PictureRegions:
    """The size of a picture in pixels and the regions of its garments, the most certain one first.

    `best` is the one to search with if the shopper says nothing else; None is the whole picture.
    """

    width: int
    height: int
    regions: tuple[Region, ...] = ()
    best: Region | None = None


def picture_regions(digest: str) -> PictureRegions | None:
    """The garments in a stored picture; None if it has expired."""
    sidecar = f"{digest}{SIDECAR}"
    with suppress(*_UNREADABLE):
        return _read((stored.root / sidecar).read_bytes())
    content = load_query_picture(digest)
    if content is None:
        return None
    with suppress(*_UNREADABLE):
        return _read(stored.read(sidecar) or b"")  # of another host
    found, can_be_kept = _find(content)
    if can_be_kept:
        with suppress(OSError):  # it is found again
            stored.write(sidecar, json.dumps(_written(found)).encode())
    return found


def name_to_search_with(digest: str) -> str:
    """The name of a stored picture, or of the part of it that shows its garment best."""
    found = picture_regions(digest)
    return picture_name(digest, found.best if found else None)


def _find(content: bytes) -> tuple[PictureRegions, bool]:
    """What is in a picture, and whether it can be kept."""
    try:
        image = open_image(content, FULL_SCALE)
    except ImageError:  # the search says so
        return PictureRegions(1, 1), False
    size = PictureRegions(*image.size)
    if not settings().find_garments:
        return size, False
    try:
        with _one_at_a_time:
            garments = garments_in(content, image)
    except EncoderError as error:
        logger.warning("no garments can be found in pictures: %s", error)
        return size, False
    best = garments.best.region if garments.best else None
    return replace(size, regions=tuple(it.region for it in garments.found), best=best), True


def _written(found: PictureRegions) -> dict[str, object]:
    return {
        "version": VERSION,
        "size": [found.width, found.height],
        "regions": list(map(str, found.regions)),
        "best": str(found.best or ""),
    }


def _read(sidecar: bytes) -> PictureRegions:
    """What `_written` has written.

    Raises:
        ValueError, KeyError, TypeError: it was written in another way.
    """
    kept = json.loads(sidecar)
    if kept["version"] != VERSION:
        raise ValueError("another version")
    width, height = map(int, kept["size"])
    regions = tuple(map(Region.parse, kept["regions"]))
    best = Region.parse(str(kept["best"])) if kept["best"] else None
    return PictureRegions(width, height, regions, best)
