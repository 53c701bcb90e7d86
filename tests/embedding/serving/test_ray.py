"""The encoder server on Ray: replicas of a model on this machine."""

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median
from threading import Event

import numpy as np
import psutil
import pytest

from embedding.encoder import Encoder, EncoderError, get_encoder
from embedding.image_decoding import open_image
from embedding.registry import get_spec
from embedding.serving import protocol, ray_serve
from embedding.serving.client import Client
from embedding.serving.ray_serve import TARGET_ONGOING
from embedding.serving.remote_encoder import RemoteEncoder, _as_file
from tests.embedding.serving.test_server import picture
from tests.ports import free_port
from tests.ray_cluster import serve_replicas

pytestmark = [pytest.mark.ray, pytest.mark.slow]

MIN_REPLICAS, MAX_REPLICAS = 1, 2
TEXTS = ["red shoes", "eine blaue Hose", "", "牛仔裤", "robe longue d'été"]
MANY = 3 * TARGET_ONGOING
"""The number of clients for which Ray adds replicas."""
CLIENTS = 8
ROUNDS, ROUND = 2, 200
"""How often, and with how many texts, the gain of batches is measured."""
SECONDS = 300
CLOSE = 2e-3
"""Half precision, with another number of threads."""


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


def start(address: str, port: int, *, is_batching: bool = True) -> str:
    replicas = MIN_REPLICAS, MAX_REPLICAS
    return ray_serve.start(
        ("fashion",), address=address, port=port, replicas=replicas, is_batching=is_batching
    )


@pytest.fixture(scope="module")
def url(ray_nodes: str, port: int) -> Iterator[str]:
    """The address of `fashion` on a cluster, where it has had as many clients as needs two
    replicas."""
    try:
        url = start(ray_nodes, port)
        assert len(replicas()) == MIN_REPLICAS
        ask_until(url, lambda: len(replicas()) == MAX_REPLICAS)
        yield url
    finally:
        ray_serve.stop()


def ask_until(url: str, is_reached: Callable[[], bool]) -> None:
    """Let many clients ask until a state is reached."""
    encoder = RemoteEncoder(get_spec("fashion"), url, is_for_pages=False)
    done = Event()

    def ask(number: int) -> None:
        while not done.is_set():
            encoder.encode_texts([f"text {number}"])

    with ThreadPoolExecutor(MANY) as pool:
        asking = [pool.submit(ask, number) for number in range(MANY)]
        try:
            wait_until(is_reached)
        finally:
            done.set()
        for each in asking:
            each.result()


def wait_until(is_reached: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_reached():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def replicas() -> list[psutil.Process]:
    return serve_replicas("fashion")


def test_the_vectors_are_those_of_this_process(url: str) -> None:
    local = get_encoder("fashion", "cpu")
    remote = RemoteEncoder(get_spec("fashion"), url, is_for_pages=False)
    assert local.preparation is not None
    pixels = np.stack([local.preparation(picture(colour)) for colour in ("red", "blue", "white")])
    np.testing.assert_allclose(remote.encode_texts(TEXTS), local.encode_texts(TEXTS), atol=CLOSE)
    np.testing.assert_allclose(
        remote.encode_pixels(pixels), local.encode_pixels(pixels), atol=CLOSE
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


def test_replicas_are_added_for_more_clients(url: str) -> None:
    assert len(replicas()) == MAX_REPLICAS


def test_a_killed_replica_costs_no_request(url: str) -> None:
    encoder = RemoteEncoder(get_spec("fashion"), url, is_for_pages=True)
    killed = replicas()[0]
    texts = [f"text {number}" for number in range(300)]

    def ask(text: str) -> np.ndarray:
        if text == texts[100]:
            killed.kill()
        return encoder.encode_texts([text])[0]

    with ThreadPoolExecutor(CLIENTS) as pool:
        found = list(pool.map(ask, texts))  # raises what a request has raised
    assert not killed.is_running()
    expected = get_encoder("fashion", "cpu").encode_texts(texts)
    np.testing.assert_allclose(found, expected, atol=CLOSE)
    ask_until(url, lambda: len(replicas()) == MAX_REPLICAS)


def test_batches_give_the_same_vectors_for_less_work(url: str, ray_nodes: str, port: int) -> None:
    """The processor time of the replicas is printed, and measured in turn with batches and
    without: other programs on the machine change it little."""
    texts = [f"text {number}" for number in range(ROUND)]
    expected = get_encoder("fashion", "cpu").encode_texts(texts)
    work: dict[bool, list[float]] = {True: [], False: []}
    for is_batching in [True, False] * ROUNDS:
        old = replicas()
        start(ray_nodes, port, is_batching=is_batching)
        wait_until(partial(are_replaced, old))
        encoder = RemoteEncoder(get_spec("fashion"), url, is_for_pages=False)
        new = replicas()
        before = processor_time(new)
        with ThreadPoolExecutor(CLIENTS) as pool:
            found = list(pool.map(partial(encode_one, encoder), texts))
        np.testing.assert_allclose(found, expected, atol=CLOSE)
        work[is_batching].append((processor_time(new) - before) / ROUND)
    batches, single = (1000 * median(work[is_batching]) for is_batching in (True, False))
    print(f"{CLIENTS} clients, ms of processor time a text: {batches:.1f}, one by one {single:.1f}")


def are_replaced(old: list[psutil.Process]) -> bool:
    new = replicas()
    return bool(new) and not {*old} & {*new}


def encode_one(encoder: Encoder, text: str) -> np.ndarray:
    return encoder.encode_texts([text])[0]


def processor_time(processes: list[psutil.Process]) -> float:
    """The seconds of processor time that processes have used."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def test_without_ray_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ray_serve.RayServeError, match=r"pip install -e '\.\[ray\]'"):
        ray_serve.start(("fashion",))
