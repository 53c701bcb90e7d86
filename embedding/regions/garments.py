"""The garments in a picture, found here or by the encoder server. Without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from embedding.config import settings
from embedding.image_decoding import open_image
from embedding.regions.region import FULL_SCALE, Region


@dataclass(frozen=True, slots=True)
class Garment:
    """A garment in a picture, with a score from 0 to 1."""

    region: Region
    score: float


@dataclass(frozen=True, slots=True)
class Garments:
    """What was found in a picture. `best` is the garment to search with if the shopper says nothing
    else; it is None if the whole picture is at least as good."""

    found: tuple[Garment, ...] = ()
    best: Garment | None = None


def open_best_part(file: Path, side: int) -> Image.Image:
    """Decode the part of a picture that shows its garment best, as for a query picture.

    A picture without such a part is decoded as `open_image` does, with `side`. Waits for an encoder
    server that is busy or cannot be reached.

    Raises:
        ImageError: see `open_image`.
        EncoderError: the finder cannot be used.
    """
    image = open_image(file, FULL_SCALE)
    content = file.read_bytes() if settings().encoder_url else b""
    best = garments_in(content, image, wait=True).best
    return open_image(file, side) if best is None else best.region.crop(image)


def garments_in(content: bytes, image: Image.Image, *, wait: bool = False) -> Garments:
    """The garments in a picture file, the most certain one first.

    Args:
        content: the file.
        image: the same picture, decoded at its full scale.
        wait: whether to wait for an encoder server that is busy or cannot be reached.

    Raises:
        EncoderError: the finder cannot be used.
    """
    if settings().encoder_url:
        from embedding.serving.remote_encoder import remote_garments

        return remote_garments(content, wait=wait)
    from embedding.regions import finder  # imports torch

    return finder.find_garments(image)
