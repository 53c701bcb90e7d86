"""A rectangular part of a picture, as a value that addresses contain."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from embedding.errors import UserFacingError
from embedding.image_decoding import open_image

WHOLE = 1000
"""The width and height of a picture, in the units of a region."""

SMALLEST = 20
"""The least width and height of a region, per mille."""

FULL_SCALE = 1 << 16
"""A side so long that no JPEG is decoded at a reduced scale, since a part may be small."""

PATTERN = re.compile(r"(0|[1-9][0-9]{0,3})-(0|[1-9][0-9]{0,3})-([1-9][0-9]{0,3})-([1-9][0-9]{0,3})")


class RegionError(UserFacingError, ValueError):
    """Not a region; the message is for the user."""


@dataclass(frozen=True, slots=True, order=True)
class Region:
    """A part of an upright picture, in thousandths of its width and height.

    Raises:
        RegionError: not within the picture, or smaller than `SMALLEST`.
    """

    left: int
    top: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if min(self.left, self.top) < 0 or max(self.right, self.bottom) > WHOLE:
            raise RegionError(f"the region {self} is not within the picture")
        if min(self.width, self.height) < SMALLEST:
            raise RegionError(f"the region {self} is too small")

    @property
    def right(self) -> int:
        return self.left + self.width

    @property
    def bottom(self) -> int:
        return self.top + self.height

    @property
    def is_whole(self) -> bool:
        """Whether this is the whole picture."""
        return self.share == 1

    @property
    def centre(self) -> tuple[float, float]:
        """The middle, in thousandths of the picture's width and height."""
        return self.left + self.width / 2, self.top + self.height / 2

    @property
    def share(self) -> float:
        """The share of the picture that the region covers, 0 to 1."""
        return self.width * self.height / WHOLE**2

    def __str__(self) -> str:
        """`left-top-width-height`, with characters that an address leaves as they are."""
        return f"{self.left}-{self.top}-{self.width}-{self.height}"

    @classmethod
    def parse(cls, text: str) -> Region:
        """The region that `str` has written.

        Raises:
            RegionError: any other text, or not a region.
        """
        match = PATTERN.fullmatch(text)
        if match is None:
            raise RegionError("a region is written as left-top-width-height, each from 0 to 1000")
        return cls(*map(int, match.groups()))

    def box(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom in pixels of a picture of this size; at least one pixel."""
        left = min(width - 1, self.left * width // WHOLE)
        top = min(height - 1, self.top * height // WHOLE)
        right = max(left + 1, round(self.right * width / WHOLE))
        bottom = max(top + 1, round(self.bottom * height / WHOLE))
        return left, top, right, bottom

    def crop(self, image: Image.Image) -> Image.Image:
        """This part of a decoded picture."""
        return image.crop(self.box(*image.size))


def cut(content: bytes, region: Region) -> bytes:
    """This part of an encoded picture, as a picture file of its own, without loss.

    Searches take it like any picture, so whatever is kept by the content of a picture is kept apart
    for each of its parts.

    Raises:
        ImageError: see `embedding.image_decoding.open_image`.
    """
    image = open_image(content, FULL_SCALE)
    encoded = BytesIO()
    region.crop(image).save(encoded, "BMP")  # it is decoded at once, so compressing is a waste
    return encoded.getvalue()
