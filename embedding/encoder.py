"""The `Encoder` interface and `get_encoder`. Importing this module does not import torch."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from embedding.config import settings
from embedding.errors import UserFacingError
from embedding.image_decoding import open_image
from embedding.preprocessing import Preparation, open_prepared
from embedding.registry import Modality, ModelSpec, get_spec

RETRY_AFTER = 300.0
"""Seconds for which a failed load is remembered. Until then, nobody tries again."""

PATIENCE = 15.0
"""Seconds, from the start of a load, that a page waits for the model."""

WORD_START = "\u2581"
"""What begins each word in the tokens of SentencePiece."""

SPELT_FROM = 7
"""Number of letters from which a word can be random letters."""

SPELT_LETTERS = 1.75
"""Letters per token below which such a word is read letter by letter. Of the 16,000 words of the
starter synonyms that have as many letters, 10 are; of random letters, two thirds."""

logger = logging.getLogger(__name__)


class EncoderError(UserFacingError, RuntimeError):
    """A model cannot be loaded or used; the message says what to do."""


class ModelUnavailable(EncoderError):
    """The model cannot be used at the moment. The message is for shoppers, the cause in the log."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__(f"the model {spec.label} is not available at the moment: try again later")


class NotDownloaded(EncoderError):
    """The files of the model are not on this machine; its loader can download them."""


class UnsupportedModality(EncoderError):
    """The model does not encode this modality."""

    def __init__(self, spec: ModelSpec, modality: Modality) -> None:
        super().__init__(
            f"model {spec.name!r} does not encode {modality}s, only "
            f"{' and '.join(f'{known}s' for known in spec.modalities)}"
        )


class Encoder(Protocol):
    """Turns texts and pictures into unit vectors. All methods are thread-safe."""

    spec: ModelSpec
    preparation: Preparation | None
    """The first step of `encode_images`; None if it cannot be separated from the model."""

    def encode_texts(self, texts: list[str]) -> NDArray[np.float32]:
        """Unit vectors of n texts, float32 (n, d); (0, d) for no texts.

        A text that looks like a URL, a path or a data URI is encoded as text and never opened.

        Raises:
            UnsupportedModality: the model has no text tower.
        """
        ...

    def unread_share(self, text: str) -> float:
        """The share of a text's words that say nothing to the model, 0 to 1.

        These are unknown tokens, and words that are read letter by letter: those of another script,
        and random letters.
        """
        ...

    def encode_images(self, images: list[Image]) -> NDArray[np.float32]:
        """Unit vectors of n pictures from `open_image`, float32 (n, d).

        Raises:
            UnsupportedModality: the model has no image tower.
        """
        ...

    def encode_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Unit vectors, float32 (n, d), of n prepared pictures, uint8 (n, h, w, 3).

        The result equals that of `encode_images`. Only for encoders with a `preparation`.

        Raises:
            UnsupportedModality: the model has no image tower.
        """
        ...

    def tune(self, modality: Modality) -> int:
        """Measure the fastest mini-batch size, which takes some seconds, and return it.

        It is used from then on, and halved whenever the device runs out of memory.

        Raises:
            UnsupportedModality: the model does not encode `modality`.
        """
        ...


def unread_share(tokens: list[str], unknown: str) -> float:
    """See `Encoder.unread_share`.

    Tokens that continue a word begin with `##`, as in WordPiece, or those that begin a word with
    `WORD_START`, as in SentencePiece.
    """
    is_sentencepiece = any(token.startswith(WORD_START) for token in tokens)
    words: list[list[str]] = []
    for token in tokens:
        continues = not token.startswith(WORD_START) if is_sentencepiece else token[:2] == "##"
        if continues and words:
            words[-1].append(token)
        else:
            words.append([token])
    unread = [_unread_share(word, unknown) for word in words]
    return sum(unread) / max(1, len(unread))


def _unread_share(word: list[str], unknown: str) -> float:
    pieces = [token.removeprefix(WORD_START) for token in word if token != WORD_START]
    text = "".join(piece.removeprefix("##") for piece in pieces)
    if len(text) >= SPELT_FROM and text.isascii() and text.isalpha():
        return float(len(text) < SPELT_LETTERS * len(pieces))
    unread = sum(
        piece == unknown or (len(piece) == 3 and piece.startswith("##") and not piece.isascii())
        for piece in pieces
    )
    return unread / max(1, len(pieces))


def encode_picture(encoder: Encoder, source: bytes | Path) -> NDArray[np.float32]:
    """The unit vector, float32 (d,), of one picture file, decoded exactly as during indexing.

    Raises:
        ImageError: see `embedding.image_decoding.open_image`.
        UnsupportedModality: the model has no image tower.
    """
    if encoder.preparation is None:
        vectors = encoder.encode_images([open_image(source)])
    else:
        vectors = encoder.encode_pixels(open_prepared(source, encoder.preparation)[None])
    vector: NDArray[np.float32] = vectors[0]
    return vector


class PairedEncoder:
    """Encodes texts with one model and pictures with another one, of the same space."""

    def __init__(self, spec: ModelSpec, texts: Encoder, pictures: Encoder) -> None:
        self.spec = spec
        self._texts, self._pictures = texts, pictures
        self.preparation = pictures.preparation

    def encode_texts(self, texts: list[str]) -> NDArray[np.float32]:
        """See `Encoder.encode_texts`."""
        return self._texts.encode_texts(texts)

    def unread_share(self, text: str) -> float:
        """See `Encoder.unread_share`."""
        return self._texts.unread_share(text)

    def encode_images(self, images: list[Image]) -> NDArray[np.float32]:
        """See `Encoder.encode_images`."""
        return self._pictures.encode_images(images)

    def encode_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `Encoder.encode_pixels`."""
        return self._pictures.encode_pixels(pixels)

    def tune(self, modality: Modality) -> int:
        """See `Encoder.tune`."""
        return (self._texts if modality == "text" else self._pictures).tune(modality)


class _Load:
    """One attempt to load a model, in a thread of its own, so that callers choose how long to wait.

    Args:
        deadline: until when pages wait, by `time.monotonic`.
    """

    def __init__(self, spec: ModelSpec, device: str, deadline: float) -> None:
        self.spec, self.device, self.deadline = spec, device, deadline
        self.failed_at: float | None = None
        self._encoder: Future[Encoder] = Future()
        self._needs_no_waiting = Event()
        self._is_logged, self._is_for_pages = Lock(), False
        Thread(target=self._run, name=f"load {spec.name}", daemon=True).start()

    def is_over(self) -> bool:
        """Whether the attempt failed so long ago that another one is due."""
        return self.failed_at is not None and time.monotonic() > self.failed_at + RETRY_AFTER

    def wait(self) -> Encoder:
        """The encoder, however long that takes.

        Raises:
            EncoderError: the model cannot be loaded.
        """
        error = self._encoder.exception()
        if error is not None:
            raise error.with_traceback(None)
        return self._encoder.result()

    def wait_as_page(self) -> Encoder:
        """The encoder, if it is there before the deadline and without a download.

        Raises:
            ModelUnavailable: it is not.
        """
        self._is_for_pages = True
        self._needs_no_waiting.wait(max(0.0, self.deadline - time.monotonic()))
        if not self._encoder.done():
            raise ModelUnavailable(self.spec)
        if self._encoder.exception() is not None:
            self._log()
            raise ModelUnavailable(self.spec)
        return self._encoder.result()

    def _run(self) -> None:
        try:
            self._encoder.set_result(self._load())
        except BaseException as error:
            self.failed_at = time.monotonic()
            self._encoder.set_exception(error)
            if self._is_for_pages:
                self._log()
        finally:
            self._needs_no_waiting.set()

    def _load(self) -> Encoder:
        spec = self.spec
        if spec.pictures:
            pictures = _get_load(get_spec(spec.pictures), self.device).wait()
            texts = replace(spec, modalities=("text",), pictures="")
            return PairedEncoder(spec, self._load_alone(texts), pictures)
        return self._load_alone(spec)

    def _load_alone(self, spec: ModelSpec) -> Encoder:
        loader = import_module(f"embedding.loaders.{spec.loader}")
        # Loading changes torch's global settings for a moment, so models are loaded one by one. A
        # model that hangs delays others only for a while.
        is_mine = _loading.acquire(timeout=PATIENCE)
        try:
            encoder: Encoder = loader.load(spec, self.device)
        except NotDownloaded:
            self._needs_no_waiting.set()
        else:
            return encoder
        finally:
            if is_mine:
                _loading.release()
        downloaded: Encoder = loader.download(spec, self.device)
        return downloaded

    def _log(self) -> None:
        """Log the failure, once."""
        if self._is_logged.acquire(blocking=False):
            error = self._encoder.exception()
            logger.error(
                "the model %s cannot be loaded, next try in %.0f s: %s",
                self.spec.name,
                RETRY_AFTER,
                error,
                exc_info=None if isinstance(error, UserFacingError) else error,
            )


_loads: dict[tuple[ModelSpec, str], _Load] = {}
_starting = Lock()
_loading = Lock()


def get_encoder(name: str, device: str | None = None) -> Encoder:
    """This process's encoder for the model `name`.

    It is that of the server at `ENCODER_URL`, if there is one and no device is named. Otherwise the
    model is loaded at the first call, and downloaded if necessary. A failure is remembered for
    `RETRY_AFTER` seconds.

    If the model's vectors are reduced for storage, this encoder does not reduce them yet
    (`catalog.reduction`), and it is the one of the model that is reduced.

    Args:
        name: the name of a registry entry.
        device: a torch device name. By default `EMBEDDING_DEVICE` if set, else cuda if available,
            else cpu.

    Raises:
        UnknownModel, RegistryError: see `embedding.registry`.
        EncoderError: the model cannot be loaded, or the server cannot be used.
    """
    if device is None and settings().encoder_url:
        return _remote(name, is_for_pages=False)
    return local_encoder(name, device)


def available_encoder(name: str, device: str | None = None) -> Encoder:
    """Like `get_encoder`, for pages: it waits for `PATIENCE` seconds at most, and for no download.

    Loading goes on meanwhile. A failed attempt is repeated after `RETRY_AFTER` seconds, and no page
    waits for that.

    Raises:
        UnknownModel, RegistryError: see `embedding.registry`.
        ModelUnavailable: the model is not loaded yet, or cannot be loaded, or the server cannot be
            used. An encoder of a server raises it later, too.
    """
    if device is None and settings().encoder_url:
        return _remote(name, is_for_pages=True)
    return available_local_encoder(name, device)


def local_encoder(name: str, device: str | None = None) -> Encoder:
    """Like `get_encoder`, always in this process."""
    return _get_load(get_spec(name), device).wait()


def available_local_encoder(name: str, device: str | None = None) -> Encoder:
    """Like `available_encoder`, always in this process."""
    return _get_load(get_spec(name), device).wait_as_page()


def load_encoder(spec: ModelSpec, device: str | None = None) -> Encoder:
    """Like `local_encoder`, for an entry that need not be in the registry yet."""
    return _get_load(spec, device).wait()


def _remote(name: str, *, is_for_pages: bool) -> Encoder:
    from embedding.serving.remote_encoder import remote_encoder  # it imports this module

    return remote_encoder(_full(get_spec(name)), is_for_pages=is_for_pages)


def _full(spec: ModelSpec) -> ModelSpec:
    """The entry of the model that encodes, without any reduction."""
    return (get_spec(spec.checkpoint) if spec.loader == "reduced" else spec).unreduced


def _get_load(spec: ModelSpec, device: str | None) -> _Load:
    """The current attempt; begins one if there is none, or if the last one failed long ago."""
    key = _full(spec), device or default_device()
    with _starting:
        load = _loads.get(key)
        if load is None or load.is_over():
            patience = PATIENCE if load is None else 0.0
            load = _loads[key] = _Load(*key, time.monotonic() + patience)
    return load


def default_device() -> str:
    """The torch device on which models run by default."""
    if device := settings().embedding_device:
        return device
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
