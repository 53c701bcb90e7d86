"""The encoder of a server is like one of this process."""

import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import httpcore2
import numpy as np
import pytest
from PIL import Image

from embedding.config import ConfigError, settings
from embedding.encoder import (
    EncoderError,
    ModelUnavailable,
    UnsupportedModality,
    available_encoder,
    encode_picture,
    get_encoder,
)
from embedding.image_decoding import ImageError
from embedding.regions import finder
from embedding.regions.garments import Garment, Garments, garments_in
from embedding.regions.region import Region
from embedding.registry import get_spec
from embedding.serving import client, protocol, remote_encoder, service
from embedding.serving.batching import Busy
from embedding.serving.client import Client, Refusal, Unreachable
from embedding.serving.http_server import AddressTaken, Application, HttpServer
from embedding.serving.protocol import Kind
from embedding.serving.remote_encoder import RemoteEncoder
from embedding.serving.service import Answer, Failure, Service
from tests.embedding.serving.conftest import running
from tests.fakes import WordsAndColours

Fakes = dict[str, WordsAndColours]
TEXTS = ["red shoes", "", "牛 blue", "http://example.com/x.jpg", "\x00"]


def picture(colour: str = "red") -> Image.Image:
    return Image.new("RGB", (40, 60), colour)


@pytest.mark.parametrize("name", ["fashion", "clip"])
def test_vectors_and_shares_are_those_of_a_local_encoder(
    server: HttpServer, without_models: Fakes, name: str
) -> None:
    local, remote = without_models[name], available_encoder(name)
    assert remote is not local
    np.testing.assert_array_equal(remote.encode_texts(TEXTS), local.encode_texts(TEXTS))
    assert remote.encode_texts([]).shape == (0, local.spec.dimensions)
    assert [remote.unread_share(text) for text in TEXTS] == [0, 0, 1, 0, 0]
    pictures = [picture("red"), picture("blue")]
    if local.preparation is not None:
        prepared = np.stack([local.preparation(each) for each in pictures])
        np.testing.assert_array_equal(remote.encode_pixels(prepared), local.encode_pixels(prepared))
        assert remote.preparation == local.preparation
    np.testing.assert_allclose(
        remote.encode_images(pictures), local.encode_images(pictures), atol=1e-6
    )
    assert remote.encode_images([]).shape == (0, local.spec.dimensions)


def test_words_of_a_query_need_one_request(
    server: HttpServer, without_models: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, sent = get_encoder("fashion"), []
    post = Client.post

    def count(self: Client, path: str, body: bytes) -> tuple[bytes, dict[str, str]]:
        sent.append(path)
        return post(self, path, body)

    monkeypatch.setattr(Client, "post", count)
    for text in ("red shoes", "blue shirt"):
        assert encoder.unread_share(text) == 0
        expected = without_models["fashion"].encode_texts([text])
        np.testing.assert_array_equal(encoder.encode_texts([text]), expected)
    assert len(sent) == 2
    # The vector of one text is never taken for that of another, nor used twice.
    encoder.unread_share("red shoes")
    other = without_models["fashion"].encode_texts(["green hat"])
    np.testing.assert_array_equal(encoder.encode_texts(["green hat"]), other)
    assert len(sent) == 4


def test_many_items_are_divided_and_come_back_in_order(
    server: HttpServer, without_models: Fakes
) -> None:
    texts = [f"word{number}" for number in range(3 * protocol.MAX_TEXTS)]
    encoder = get_encoder("fashion")
    expected = without_models["fashion"].encode_texts(texts)
    np.testing.assert_array_equal(encoder.encode_texts(texts), expected)
    pixels = np.random.default_rng(0).integers(0, 256, (100, 16, 16, 3), np.uint8)
    expected = without_models["fashion"].encode_pixels(pixels)
    np.testing.assert_array_equal(encoder.encode_pixels(pixels), expected)


def test_threads_get_their_own_answers(server: HttpServer, without_models: Fakes) -> None:
    texts = [f"word{number}" for number in range(64)]
    encoder = available_encoder("fashion")
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda text: encoder.encode_texts([text])[0], texts))
    np.testing.assert_array_equal(found, without_models["fashion"].encode_texts(texts))


def test_garments_are_found_by_the_server(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = Garment(Region(0, 0, 500, 1000), 0.9)
    expected = Garments((best, Garment(Region(500, 0, 500, 1000), 0.8)), best)
    monkeypatch.setattr(finder, "find_garments", lambda image: expected)
    content = remote_encoder._as_file(picture())
    assert garments_in(content, picture()) == expected
    with pytest.raises(EncoderError, match="not a picture"):
        garments_in(b"no picture", picture())


def test_commands_wait_for_a_busy_finder(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: Iterator[Busy | Garments] = iter([Busy(), Busy(), Garments()])

    def find(image: Image.Image) -> Garments:
        answer = next(answers)
        if isinstance(answer, Busy):
            raise answer
        return answer

    monkeypatch.setattr(finder, "find_garments", find)
    monkeypatch.setattr(remote_encoder, "WAIT_PAUSE_SECONDS", 0)
    content = remote_encoder._as_file(picture())
    with pytest.raises(EncoderError, match="too many requests"):
        garments_in(content, picture())
    assert garments_in(content, picture(), wait=True) == Garments()


def test_errors_are_those_of_a_local_encoder(server: HttpServer) -> None:
    with pytest.raises(UnsupportedModality):
        available_encoder("imagenet").encode_texts(["red"])
    with pytest.raises(ImageError):
        encode_picture(available_encoder("fashion"), b"no picture")
    bad = Client(server.url)
    with pytest.raises(Refusal, match="known format") as refused:
        bad.post("/models/clip/pictures", protocol.pack_files([b"no picture"]))
    assert refused.value.kind == Kind.BAD_PICTURE


def test_an_error_of_the_model_is_reported(server: HttpServer, without_models: Fakes) -> None:
    def fail(texts: list[str]) -> np.ndarray:
        raise ValueError("the model is broken")

    without_models["fashion"].encode_texts = fail  # type: ignore[method-assign]
    with pytest.raises(EncoderError, match="the model is broken"):
        get_encoder("fashion").encode_texts(["red"])


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/models/fashion/texts", b"", Kind.MALFORMED),
        ("/models/fashion/texts", b"\xff\xfe", Kind.MALFORMED),
        ("/models/fashion/texts", b"[" * 100_000, Kind.MALFORMED),
        ("/models/fashion/texts", b'["a", 1]', Kind.MALFORMED),
        ("/models/fashion/texts", b'{"a": 1}', Kind.MALFORMED),
        ("/models/fashion/texts", b"[" + b'"a",' * 300 + b'"a"]', Kind.MALFORMED),
        ("/models/fashion/pixels", b"x" * 100, Kind.MALFORMED),
        ("/models/fashion/pixels", bytes(16 * 16 * 3 * 65), Kind.MALFORMED),
        ("/models/clip/pixels", b"x", Kind.MALFORMED),
        ("/models/clip/pictures", b"\xff\xff\xff\xff", Kind.MALFORMED),
        ("/models/clip/pictures", b"\x01", Kind.MALFORMED),
        ("/models/clip/pictures", bytes(4) * 65, Kind.MALFORMED),
        ("/models/imagenet/texts", b'["a"]', Kind.UNSUPPORTED_MODALITY),
        ("/models/no_such/texts", b'["a"]', Kind.UNKNOWN_MODEL),
        ("/models/fashion/secrets", b"", Kind.MALFORMED),
        ("/models/fashion/stop", b"", Kind.MALFORMED),
        ("/../etc/passwd", b"", Kind.MALFORMED),
    ],
)
def test_a_malformed_request_is_refused(
    server: HttpServer, path: str, body: bytes, kind: Kind
) -> None:
    client = Client(server.url)
    with pytest.raises(Refusal) as refused:
        client.post(path, body)
    assert refused.value.kind == kind
    assert client.post("/models/fashion/texts", b'["red"]')  # the server goes on


def test_a_body_that_is_too_long_is_not_read(server: HttpServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        head = f"POST /models/fashion/texts HTTP/1.1\r\nContent-Length: {10**12}\r\n\r\n"
        connection.sendall(head.encode() + b"x" * 10_000)
        assert connection.recv(20).startswith(b"HTTP/1.1 413")


def test_health_says_which_models_are_ready(path: Path) -> None:
    with running(path, ("fashion",)) as server:
        client = Client(server.url)
        client.get("/models/fashion")
        assert client.get("/health") == b'{"models": {"fashion": "ready"}}'
        assert path.stat().st_mode & 0o077 == 0  # for this user only
        with pytest.raises(AddressTaken, match="another encoder server"):
            HttpServer(Service(), path)
    assert not path.exists()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))  # what a killed server leaves
    with running(path) as server:
        assert Client(server.url).get("/health")


def test_requests_beyond_the_limit_are_turned_away_but_not_health() -> None:
    application = Application(Service(), most=0)

    def status(method: str, path: str) -> str:
        found: list[str] = []
        environ = {"REQUEST_METHOD": method, "PATH_INFO": path}
        application(environ, lambda status, headers: found.append(status))
        return found[0]

    assert status("POST", "/models/fashion/texts") == "503 Service Unavailable"
    assert status("GET", "/health") == "200 OK"


def test_pages_do_without_a_server_that_is_gone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(client, "DOWN_SECONDS", 1000.0)
    with running() as server:
        monkeypatch.setenv("ENCODER_URL", server.url)
        encoder = available_encoder("fashion")
        encoder.encode_texts(["red"])
    with pytest.raises(ModelUnavailable, match="try again later"):
        encoder.encode_texts(["red"])
    caplog.clear()

    def connect(*_: object, **__: object) -> None:
        raise AssertionError("a server that is down is left alone")

    monkeypatch.setattr(httpcore2.ConnectionPool, "request", connect)
    with pytest.raises(ModelUnavailable):
        encoder.encode_texts(["red"])
    with pytest.raises(ModelUnavailable):
        available_encoder("clip")
    assert not caplog.records  # logged once


def test_a_server_that_is_back_is_used(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr(client, "DOWN_SECONDS", 0.0)
    monkeypatch.setenv("ENCODER_URL", f"unix:{path}")
    with pytest.raises(ModelUnavailable):
        available_encoder("fashion")
    with running(path):
        encoder = available_encoder("fashion")
        encoder.encode_texts(["red"])
    with pytest.raises(ModelUnavailable):
        encoder.encode_texts(["red"])
    with running(path):
        encoder.encode_texts(["red"])


def test_commands_wait_for_a_server_and_say_why_it_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    monkeypatch.setattr(client, "DOWN_SECONDS", 0.0)
    monkeypatch.setenv("ENCODER_URL", f"unix:{path}")
    monkeypatch.setattr(remote_encoder, "WAIT_SECONDS", 0.0)
    reason = f"the encoder server at unix:{path} cannot be used: No such file or directory"
    with pytest.raises(EncoderError, match=reason):
        get_encoder("fashion")
    monkeypatch.setattr(remote_encoder, "WAIT_SECONDS", 60.0)
    started = ThreadPoolExecutor(1).submit(get_encoder, "fashion")
    with running(path):
        assert started.result(30).encode_texts(["red"]).shape == (1, 384)


def test_the_local_model_takes_over_if_that_is_wanted(
    monkeypatch: pytest.MonkeyPatch, without_models: Fakes
) -> None:
    monkeypatch.setenv("ENCODER_FALLBACK", "local")
    expected = without_models["fashion"].encode_texts(["red", "blue"])
    with running() as server:
        monkeypatch.setenv("ENCODER_URL", server.url)
        encoder = available_encoder("fashion")
        assert encoder is not without_models["fashion"]
    np.testing.assert_array_equal(encoder.encode_texts(["red", "blue"]), expected)
    assert encoder.unread_share("牛") == 1
    assert available_encoder("clip") is without_models["clip"]


def count_requests(monkeypatch: pytest.MonkeyPatch, server: HttpServer) -> list[str]:
    """The paths of the requests that a server gets from now on."""
    asked: list[str] = []
    own = server._service.answer

    def answer(method: str, path: str, body: bytes) -> Answer:
        asked.append(path)
        return own(method, path, body)

    monkeypatch.setattr(server._service, "answer", answer)
    return asked


def test_several_servers_are_asked_in_turn(
    monkeypatch: pytest.MonkeyPatch, without_models: Fakes
) -> None:
    with running() as first, running() as second:
        asked = [count_requests(monkeypatch, server) for server in (first, second)]
        encoder = RemoteEncoder(get_spec("fashion"), f"{first.url},{second.url}", is_for_pages=True)
        found = [encoder.encode_texts([text])[0] for text in TEXTS * 2]
    np.testing.assert_array_equal(found, without_models["fashion"].encode_texts(TEXTS * 2))
    assert [len(requests) for requests in asked] == [6, 5]  # the first one also described it


def test_another_server_answers_for_one_that_is_gone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, path: Path
) -> None:
    monkeypatch.setattr(client, "DOWN_SECONDS", 1000.0)
    with running() as stays:
        both = Client(f"unix:{path},{stays.url}")
        with running(path):
            for _ in TEXTS:
                both.post("/models/fashion/texts", b'["red"]')
        for _ in TEXTS:
            both.post("/models/fashion/texts", b'["red"]')
        assert caplog.text.count("cannot be used") == 1  # and it was left alone then
        monkeypatch.setattr(client, "DOWN_SECONDS", 0.0)
        both = Client(f"unix:{path},{stays.url}")
        for _ in TEXTS:
            both.post("/models/fashion/texts", b'["red"]')
        with running(path) as back:
            asked = count_requests(monkeypatch, back)
            for _ in TEXTS:
                both.post("/models/fashion/texts", b'["red"]')
        assert asked
    with pytest.raises(Unreachable, match=rf"{path} cannot be used: .*; .*{stays.url} cannot"):
        both.get("/health")


def test_another_server_answers_for_one_that_is_busy(
    monkeypatch: pytest.MonkeyPatch, server: HttpServer
) -> None:
    with running() as busy:
        refusal = Failure(Kind.BUSY, "too many requests").answer()
        monkeypatch.setattr(busy._service, "answer", lambda *_: refusal)
        both = Client(f"{busy.url},{server.url}")
        for _ in TEXTS:
            both.post("/models/fashion/texts", b'["red"]')
        with pytest.raises(Refusal) as refused:
            Client(f"{busy.url},{busy.url}").post("/models/fashion/texts", b'["red"]')
        assert refused.value.kind == Kind.BUSY


@contextmanager
def breaking(target: str, times: int) -> Iterator[str]:
    """A proxy that closes its first connections when they have sent a request; yields its URL."""
    listener = socket.create_server(("127.0.0.1", 0))

    def copy(source: socket.socket, sink: socket.socket) -> None:
        while chunk := source.recv(65536):
            sink.sendall(chunk)

    def accept() -> None:
        for number in range(100):
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if number < times:
                connection.recv(65536)
                connection.close()
                continue
            host, port = target.removeprefix("http://").split(":")
            upstream = socket.create_connection((host, int(port)))
            for pair in ((connection, upstream), (upstream, connection)):
                Thread(target=copy, args=pair, daemon=True).start()

    Thread(target=accept, daemon=True).start()
    with listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_broken_connection_costs_no_request(server: HttpServer) -> None:
    with breaking(server.url, times=2) as url:
        assert Client(url).post("/models/fashion/texts", b'["red"]')[0]
    with breaking(server.url, times=100) as url, pytest.raises(Unreachable):
        Client(url).post("/models/fashion/texts", b'["red"]')


def test_another_program_at_the_address_is_no_encoder_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
            )

    Thread(target=answer, daemon=True).start()
    monkeypatch.setenv("ENCODER_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")
    with pytest.raises(EncoderError, match="speaks another protocol"):
        get_encoder("fashion")
    with pytest.raises(ModelUnavailable):
        available_encoder("fashion")


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch, server: HttpServer) -> None:
    older = available_encoder("fashion")
    monkeypatch.setattr(remote_encoder, "_encoders", {})
    monkeypatch.setattr(remote_encoder, "fingerprint", lambda spec, modality: "0123456789abcdef")
    with pytest.raises(EncoderError, match=r"other files of the model fashion .*0123456789abcdef"):
        get_encoder("fashion")
    with pytest.raises(ModelUnavailable):
        available_encoder("fashion")
    older.encode_texts(["red"])
    monkeypatch.setattr(service, "fingerprint", lambda spec, modality: "fedcba9876543210")
    with running() as newer:
        replacement = Client(newer.url)
        monkeypatch.setattr(remote_encoder, "client_for", lambda url: replacement)
        with pytest.raises(ModelUnavailable):  # it was replaced while this process ran
            older.encode_texts(["red"])


def test_a_forked_process_has_connections_of_its_own(server: HttpServer) -> None:
    mine = client.client_for(server.url)
    assert client.client_for(server.url) is mine
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.write(writing, str(client.client_for(server.url) is mine).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        assert pipe.read() == "False"
    os.wait()


@pytest.mark.parametrize(
    "url",
    [
        *("encoder:8100", "unix:encoder.socket", "unix://host/path", "ftp://host", "http://"),
        *("http://user:secret@host", "http://host/path", "http://host?x=1", "pickle:/x"),
        *("http://first:8100,", "http://first:8100,second:8100"),
    ],
)
def test_an_invalid_address_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("ENCODER_URL", url)
    with pytest.raises(ConfigError, match="ENCODER_URL must be unix:/PATH"):
        settings()
