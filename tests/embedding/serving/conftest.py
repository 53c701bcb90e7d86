"""A server in this process, with encoders that need no model."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import numpy as np
import pytest
from PIL import Image

from embedding.preprocessing import FitSquare
from embedding.registry import UnknownModel
from embedding.serving import client, remote_encoder, service
from embedding.serving.http_server import HttpServer
from embedding.serving.service import Service
from tests.fakes import WordsAndColours


class Prepared(WordsAndColours):
    """Takes prepared pictures, as most models do."""

    preparation = FitSquare(16)

    def encode_images(self, images: list[Image.Image]) -> np.ndarray:
        prepared = [Image.fromarray(self.preparation(image)) for image in images]
        return super().encode_images(prepared)


ENCODERS: dict[str, Callable[[], WordsAndColours]] = {
    "fashion": Prepared,
    "clip": lambda: WordsAndColours("clip"),
    "imagenet": lambda: Prepared("imagenet"),
}


@contextmanager
def running(path: Path | None = None, models: tuple[str, ...] = ()) -> Iterator[HttpServer]:
    """Run a server until the end of the context."""
    server = HttpServer(Service(models), path)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(20)


@pytest.fixture
def path() -> Iterator[Path]:
    """The path of a socket; those of `tmp_path` are too long for one."""
    with TemporaryDirectory() as folder:
        yield Path(folder) / "encoder.socket"


@pytest.fixture(autouse=True)
def without_models(monkeypatch: pytest.MonkeyPatch) -> dict[str, WordsAndColours]:
    """Servers have fakes, and each test has clients of its own. Returns the servers' fakes."""
    encoders = {name: create() for name, create in ENCODERS.items()}

    def find(name: str) -> WordsAndColours:
        if name not in encoders:
            raise UnknownModel(f"no model is called {name!r}")
        return encoders[name]

    for module in (service, remote_encoder):
        monkeypatch.setattr(module, "local_encoder", find)
        monkeypatch.setattr(module, "available_local_encoder", find)
    monkeypatch.setattr(remote_encoder, "_encoders", {})
    client._client.cache_clear()
    return encoders


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpServer]:
    """A server that `ENCODER_URL` names."""
    with running() as server:
        monkeypatch.setenv("ENCODER_URL", server.url)
        yield server
