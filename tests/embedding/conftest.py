"""What the embedding tests share: the photographs' folder, small pictures, a tiny CLIP."""

from pathlib import Path

import pytest
from PIL import Image

from tests.data import ECOMMERCE
from tests.embedding.tiny_clip import build_tiny_clip


@pytest.fixture(scope="session")
def photographs() -> Path:
    """The catalogue folder of the e-commerce photographs; skips where it is absent."""
    if not ECOMMERCE.is_dir():
        pytest.skip(f"needs the photographs in {ECOMMERCE.name}/ (set SHARED_DATA)")
    return ECOMMERCE


@pytest.fixture
def pictures() -> list[Image.Image]:
    """Five pictures of different colours and proportions."""
    sizes = {"red": (60, 80), "navy": (80, 60), "green": (40, 40), "gold": (30, 90), "grey": (9, 9)}
    return [Image.new("RGB", size, colour) for colour, size in sizes.items()]


@pytest.fixture(scope="session")
def tiny_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry folder whose entry `tiny` leads to a tiny CLIP beside it."""
    folder = tmp_path_factory.mktemp("registry")
    build_tiny_clip(folder)
    return folder


@pytest.fixture
def with_tiny(tiny_registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the registry know `tiny`."""
    monkeypatch.setenv("EMBEDDING_REGISTRY", str(tiny_registry))
