"""The garments in a picture, found here or by the encoder server. Without torch."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from embedding.config import settings
from embedding.regions.region import Region


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


def garments_in(content: bytes, image: Image.Image) -> Garments:
    """The garments in a picture file, the most certain one first.

    Args:
        content: the file.
        image: the same picture, decoded at its full scale.

    Raises:
        EncoderError: the finder cannot be used.
    """
    if settings().encoder_url:
        from embedding.serving.remote_encoder import remote_garments

        return remote_garments(content)
    from embedding.regions import finder  # imports torch

    return finder.find_garments(image)
