"""The encoder server on Ray: two replicas of a model on this machine."""

import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest

from embedding.encoder import EncoderError, get_encoder
from embedding.image_decoding import open_image
from embedding.registry import get_spec
from embedding.serving import protocol
from embedding.serving.client import Client
from embedding.serving.remote_encoder import RemoteEncoder, _as_file
from tests.embedding.serving.test_server import picture
from tests.ray_cluster import ray_cluster

pytestmark = [pytest.mark.ray, pytest.mark.slow]

REPLICAS = 2
TEXTS = ["red shoes", "eine blaue Hose", "", "牛仔裤", "robe longue d'été"]
PORT = 8765


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of two replicas of `fashion`."""
    with ray_cluster(REPLICAS) as address:
        from embedding.serving import ray_serve

        replicas = REPLICAS, REPLICAS
        yield ray_serve.start(("fashion",), address=address, port=PORT, replicas=replicas)
        ray_serve.stop()


def replicas() -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter()
        if "ServeReplica:fashion" in " ".join(process.cmdline()[:1])
    ]


def test_the_vectors_are_those_of_this_process(url: str) -> None:
    local = get_encoder("fashion", "cpu")
    remote = RemoteEncoder(get_spec("fashion"), url, is_for_pages=False)
    assert local.preparation is not None
    pixels = np.stack([local.preparation(picture(colour)) for colour in ("red", "blue", "white")])
    close = 2e-3  # half precision, with another number of threads
    np.testing.assert_allclose(remote.encode_texts(TEXTS), local.encode_texts(TEXTS), atol=close)
    np.testing.assert_allclose(
        remote.encode_pixels(pixels), local.encode_pixels(pixels), atol=close
    )
    assert [remote.unread_share(text) for text in TEXTS] == [0, 0, 0, 1, 0]


def test_other_requests_are_answered(url: str) -> None:
    client = Client(url)
    assert client.get("/health") == b'{"models": {"fashion": "ready"}}'
    with pytest.raises(EncoderError, match=r"no /models/clip; models: fashion"):
        RemoteEncoder(get_spec("clip"), url, is_for_pages=False)
    content = _as_file(picture())
    assert open_image(content).size == (40, 60)
    body, _ = client.post("/garments", content)
    assert protocol.load_garments(body).best is None


def test_a_killed_replica_costs_no_request(url: str) -> None:
    encoder = RemoteEncoder(get_spec("fashion"), url, is_for_pages=True)
    before = replicas()
    assert len(before) == REPLICAS
    killed = False

    def ask(number: int) -> np.ndarray:
        nonlocal killed
        if number == 100:
            os.kill(before[0].pid, signal.SIGKILL)
            killed = True
        return encoder.encode_texts([f"text {number}"])[0]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(300)))  # raises what a request has raised
    assert killed
    assert not psutil.pid_exists(before[0].pid)
    expected = get_encoder("fashion", "cpu").encode_texts([f"text {n}" for n in range(300)])
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_without_ray_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from embedding.serving import ray_serve

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ray_serve.RayServeError, match=r"pip install -e '\.\[ray\]'"):
        ray_serve.start(("fashion",))
