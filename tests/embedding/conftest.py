"""Fixtures of the embedding tests: the photographs' folder, small pictures."""

from pathlib import Path

import pytest
from PIL import Image

from tests.data import ECOMMERCE


@pytest.fixture(scope="session")
def photographs() -> Path:
    """The catalogue folder of the e-commerce photographs; skips the test if it is absent."""
    if not ECOMMERCE.is_dir():
        pytest.skip(f"needs the photographs in {ECOMMERCE.name}/ (set SHARED_DATA)")
    return ECOMMERCE


@pytest.fixture
def pictures() -> list[Image.Image]:
    """Five pictures of different colours and aspect ratios."""
    sizes = {"red": (60, 80), "navy": (80, 60), "green": (40, 40), "gold": (30, 90), "grey": (9, 9)}
    return [Image.new("RGB", size, colour) for colour, size in sizes.items()]
