"""Models that fail or hang while they are loaded."""

import logging
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from huggingface_hub import close_session

from embedding import encoder
from embedding.encoder import (
    EncoderError,
    ModelUnavailable,
    NotDownloaded,
    available_encoder,
    get_encoder,
)
from embedding.loaders import imagenet
from embedding.registry import ModelSpec

HTTP_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")

Load = Callable[[ModelSpec, str], object]


class Loader:
    """Counts the loads of `imagenet`, each of which does `load`."""

    def __init__(self) -> None:
        self.loads = 0
        self.load: Load = lambda spec, device: object()

    def __call__(self, spec: ModelSpec, device: str) -> object:
        self.loads += 1
        return self.load(spec, device)


@pytest.fixture
def loader(monkeypatch: pytest.MonkeyPatch) -> Loader:
    loader = Loader()
    monkeypatch.setattr(encoder, "_loads", {})
    monkeypatch.setattr(imagenet, "load", loader)
    return loader


@pytest.fixture
def hanging(loader: Loader) -> Iterator[Event]:
    """The load ends when the event is set."""
    end = Event()

    def wait(spec: ModelSpec, device: str) -> object:
        assert end.wait(60)
        return "loaded"

    loader.load = wait
    yield end
    end.set()


def fail(spec: ModelSpec, device: str) -> object:
    raise EncoderError("Traceback of a library:\nno weights")


def ask(find: Callable[[str, str], object] = available_encoder) -> object:
    return find("imagenet", "cpu")


def test_a_failure_is_remembered_and_logged_once(
    loader: Loader, caplog: pytest.LogCaptureFixture
) -> None:
    loader.load = fail
    for _ in range(3):
        with pytest.raises(ModelUnavailable) as caught:
            ask()
        assert "no weights" not in str(caught.value)
        assert "ImageNet is not available at the moment" in str(caught.value)
    assert loader.loads == 1
    assert len(re.findall("no weights", caplog.text)) == 1


def test_commands_get_the_cause_each_time(loader: Loader) -> None:
    loader.load = fail
    for _ in range(2):
        with pytest.raises(EncoderError, match="no weights"):
            ask(get_encoder)
    assert loader.loads == 1


def test_an_unexpected_error_is_logged_with_its_traceback(
    loader: Loader, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(spec: ModelSpec, device: str) -> object:
        raise KeyError("weights")

    loader.load = crash
    with pytest.raises(ModelUnavailable):
        ask()
    assert "Traceback" in caplog.text
    with pytest.raises(KeyError):
        ask(get_encoder)


def test_a_failed_model_is_tried_again_later_and_no_page_waits(
    loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader.load = fail
    with pytest.raises(ModelUnavailable):
        ask()
    monkeypatch.setattr(encoder, "RETRY_AFTER", -1.0)
    monkeypatch.setattr(encoder, "PATIENCE", 60.0)
    ended = Event()
    loader.load = lambda spec, device: ended.wait(60) and "loaded"
    with pytest.raises(ModelUnavailable):
        ask()
    assert loader.loads == 2
    ended.set()
    assert ask(get_encoder) == "loaded"
    assert ask() == "loaded"


def test_pages_do_not_wait_for_a_model_that_hangs(
    loader: Loader, hanging: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "PATIENCE", 0.1)
    with ThreadPoolExecutor(8) as pages:
        errors = [page.exception() for page in [pages.submit(ask) for _ in range(8)]]
    assert {type(error) for error in errors} == {ModelUnavailable}
    assert loader.loads == 1
    assert get_encoder("fashion", "cpu")  # others are loaded meanwhile
    hanging.set()
    assert ask(get_encoder) == "loaded"
    assert ask() == "loaded"


def test_pages_wait_for_a_model_that_is_loaded_soon(loader: Loader, hanging: Event) -> None:
    with ThreadPoolExecutor(1) as pages:
        page = pages.submit(ask)
        hanging.set()
        assert page.result() == "loaded"


def test_pages_do_not_wait_for_a_download(loader: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    downloaded = Event()

    def missing(spec: ModelSpec, device: str) -> object:
        raise NotDownloaded("not here")

    def download(spec: ModelSpec, device: str) -> object:
        assert downloaded.wait(60)
        return "downloaded"

    loader.load = missing
    monkeypatch.setattr(imagenet, "download", download, raising=False)
    monkeypatch.setattr(encoder, "PATIENCE", 60.0)
    with pytest.raises(ModelUnavailable):
        ask()
    downloaded.set()
    assert ask(get_encoder) == "downloaded"
    assert ask() == "downloaded"


def test_a_hub_that_cannot_be_reached_is_tried_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With the real loader of `clip`, whose files are not here."""
    for name in HTTP_PROXIES:
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # a closed port
    close_session()  # the next one reads these variables
    monkeypatch.setattr(encoder, "_loads", {})
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", "/nowhere")
    with caplog.at_level(logging.WARNING), pytest.raises(EncoderError, match="hf download"):
        get_encoder("clip", "cpu")
    assert "Retrying" not in caplog.text
    with pytest.raises(ModelUnavailable, match="CLIP ViT-B/32 is not available"):
        available_encoder("clip", "cpu")
    close_session()
