"""The ground around a garment becomes white."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from embedding.regions.matting import part_to_search, without_ground
from embedding.regions.region import SMALLEST, WHOLE, Region

GREEN, RED = (40, 110, 60), (190, 40, 50)
BOX = (120, 80, 260, 240)
REGION = Region(257, 222, 458, 622)
"""`BOX` with its margin, in a picture of 400 x 300 pixels."""


def garment(colour: tuple[int, int, int]) -> Image.Image:
    """A disc on a ground of another colour, both with noise."""
    image = Image.new("RGB", (400, 300), GREEN)
    ImageDraw.Draw(image).ellipse(BOX, colour)
    noise = np.random.default_rng(0).normal(0, 6, (300, 400, 3))
    return Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8))


def test_the_ground_is_white_and_the_garment_is_whole() -> None:
    part = without_ground(garment(RED), REGION)
    assert part is not None
    pixels = np.asarray(part, np.int16)
    height, width = pixels.shape[:2]
    assert abs(width - 1.16 * 140 - 0.16 * 20) < 12
    assert abs(height - 1.16 * 160) < 12
    reds = np.abs(pixels - RED).max(2) < 40
    greens = np.abs(pixels - GREEN).max(2) < 40
    assert reds.sum() == pytest.approx(np.pi * 70 * 80, rel=0.05)
    assert greens.mean() < 0.05
    assert (pixels[:8] > 250).all()


def test_what_does_not_differ_from_its_surroundings_stays() -> None:
    image = garment(GREEN)
    assert without_ground(image, REGION) is None
    assert part_to_search(image, REGION).tobytes() == REGION.crop(image).tobytes()


sides = st.integers(SMALLEST, WHOLE)
sizes = st.sampled_from([(1, 1), (9, 400), (90, 70)])


@given(sides, sides, st.floats(0, 1), st.floats(0, 1), sizes)
def test_every_region_of_every_picture_has_a_part(
    width: int, height: int, x: float, y: float, size: tuple[int, int]
) -> None:
    region = Region(int(x * (WHOLE - width)), int(y * (WHOLE - height)), width, height)
    image = garment(RED).resize(size)
    part = part_to_search(image, region)
    assert part.mode == "RGB"
    assert min(part.size) >= 1
