"""Pictures of the HTML report, as data URIs."""

from base64 import b64encode
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from catalog.evaluation.product_lookup import Product
from catalog.media.folders import media
from catalog.search.results import Hit, Signal
from embedding.image_decoding import ImageError, open_image

SIDE = 112
"""Longer side of the thumbnails, in pixels."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A product or a query picture; `image` is a data URI, "" if there is no picture."""

    title: str
    image: str


@dataclass(frozen=True, slots=True)
class HitPicture:
    """A hit with its grade, 0 if it is not relevant, and why it was found."""

    title: str
    image: str
    grade: int
    match: float
    """In percent."""
    signals: str
    variants: int


def product_picture(product: Product) -> Picture:
    """The product's title and main picture."""
    return Picture(product.first("title"), _thumbnail_of(product.image_path))


def hit_picture(hit: Hit, grade: int) -> HitPicture:
    """The hit with the picture that matched best."""
    return HitPicture(
        hit.title,
        _thumbnail_of(hit.image_path),
        grade,
        100 * (hit.match or 0.0),
        " · ".join(map(_signal, hit.signals)),
        hit.variants,
    )


@lru_cache(maxsize=4096)
def thumbnail(file: Path) -> str:
    """A picture file as a small WEBP data URI, "" if it cannot be read."""
    try:
        image = open_image(file, SIDE)
    except ImageError:
        return ""
    image.thumbnail((SIDE, SIDE))
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=70)
    return f"data:image/webp;base64,{b64encode(buffer.getvalue()).decode()}"


def _signal(signal: Signal) -> str:
    """The signal's name, and its match in percent."""
    return f"{signal.name} {signal.match:.0%}"


def _thumbnail_of(path: str | None) -> str:
    return thumbnail(media.local(path)) if path else ""
