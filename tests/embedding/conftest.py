"""What the embedding tests share: the photographs' folder, small pictures, a tiny CLIP."""

import os
from pathlib import Path

import pytest
from PIL import Image

from tests.embedding.tiny_clip import build_tiny_clip

SHARED_DATA = Path(os.environ.get("SHARED_DATA", Path(__file__).parents[2].parent / "shared/data"))


@pytest.fixture(scope="session")
def photographs() -> Path:
    """The catalogue folder of the e-commerce photographs; skips where it is absent."""
    folder = SHARED_DATA / "ecommerce"
    if not (folder / "products.csv").is_file():
        pytest.skip(f"needs the e-commerce photographs in {folder} (or where SHARED_DATA says)")
    return folder


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
