"""The encoder that asks servers, with the interface of `embedding.encoder.Encoder`. No torch."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from threading import Lock
from threading import local as thread_local
from typing import Any, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from embedding.config import settings
from embedding.encoder import (
    Encoder,
    EncoderError,
    ModelUnavailable,
    UnsupportedModality,
    available_local_encoder,
    local_encoder,
)
from embedding.fingerprint import fingerprint
from embedding.image_decoding import ImageError
from embedding.preprocessing import Preparation
from embedding.regions.garments import Garments
from embedding.registry import Modality, ModelSpec
from embedding.serving import protocol
from embedding.serving.client import Client, Refusal, Unreachable, client_for
from embedding.serving.protocol import Description, Kind, MalformedError

CHUNK: dict[Modality, int] = {"text": 64, "image": 16}
"""The number of items of a request. Small requests of others can go between them."""

IN_FLIGHT = 4
"""The number of requests that one call sends at the same time: the server joins them, or divides
them between its replicas."""

WAIT_SECONDS = 60.0
"""How long commands wait for a server that cannot be reached or is busy."""

WAIT_PAUSE_SECONDS = 1.0

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


class RemoteEncoder:
    """Asks a server, or several with the same weights.

    Args:
        spec: the entry of the model, without its reduction.
        url: the address of the server, or several, as in `ENCODER_URL`.
        is_for_pages: fail at once with `ModelUnavailable`; otherwise wait for the server, and
            raise errors that say what is wrong.

    Raises:
        ModelUnavailable, EncoderError: the server cannot be reached, or has another model.
    """

    preparation: Preparation | None

    def __init__(self, spec: ModelSpec, url: str, *, is_for_pages: bool) -> None:
        self.spec, self._url = spec, url
        self._is_for_pages = is_for_pages
        self._path = f"/models/{spec.name}"
        self._answered = thread_local()
        own = {modality: fingerprint(spec, modality) for modality in spec.modalities}
        description = self._ask(self._describe)
        self.preparation = description.preparation
        self._fingerprints = {
            modality: own[modality] or description.fingerprints.get(modality, "")
            for modality in spec.modalities
        }
        for modality in spec.modalities:
            self._check_fingerprint(modality, description.fingerprints.get(modality, ""))
        if description.dimensions != spec.dimensions:
            self._fail(EncoderError(f"the encoder server has another model called {spec.name}"))

    def encode_texts(self, texts: list[str]) -> NDArray[np.float32]:
        """See `Encoder.encode_texts`."""
        last: tuple[str, NDArray[np.float32]] | None = getattr(self._answered, "last", None)
        self._answered.last = None
        if last is not None and texts == [last[0]]:
            return last[1]
        return self._encode(
            "text", "texts", texts, _dump_json, lambda local: local.encode_texts(texts)
        )

    def unread_share(self, text: str) -> float:
        """See `Encoder.unread_share`. If the same thread encodes the text next, it needs no other
        request."""

        def ask(client: Client) -> float:
            if "text" in self.spec.modalities:
                body, headers = client.post(f"{self._path}/texts", _dump_json([text]))
                self._answered.last = text, self._load(body, headers, "text", 1)
                if shares := headers.get(protocol.UNREAD.lower()):
                    return protocol.load_shares(shares.encode(), 1)[0]
            body, _ = client.post(f"{self._path}/unread", _dump_json([text]))
            return protocol.load_shares(body, 1)[0]

        return self._ask(ask, lambda local: local.unread_share(text))

    def encode_images(self, images: list[Image]) -> NDArray[np.float32]:
        """See `Encoder.encode_images`."""
        prepare = self.preparation
        if prepare is not None:
            pixels = [prepare(image) for image in images]
            return self.encode_pixels(np.stack(pixels) if pixels else np.empty((0,), np.uint8))
        return self._encode(
            "image", "pictures", images, _dump_images, lambda local: local.encode_images(images)
        )

    def encode_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `Encoder.encode_pixels`."""
        return self._encode(
            "image", "pixels", pixels, np.ndarray.tobytes, lambda local: local.encode_pixels(pixels)
        )

    def tune(self, modality: Modality) -> int:
        """See `Encoder.tune`. The server batches as it likes; this keeps it busy."""
        self._check(modality)
        return CHUNK[modality] * IN_FLIGHT

    def _check(self, modality: Modality) -> None:
        if modality not in self.spec.modalities:
            raise UnsupportedModality(self.spec, modality)

    def _describe(self, client: Client) -> Description:
        return Description.load(client.get(self._path))

    def _encode(
        self,
        modality: Modality,
        kind: str,
        items: Any,
        dump: Callable[[Any], bytes],
        locally: Callable[[Encoder], NDArray[np.float32]],
    ) -> NDArray[np.float32]:
        self._check(modality)

        def send(client: Client, part: Any) -> NDArray[np.float32]:
            body, headers = client.post(f"{self._path}/{kind}", dump(part))
            return self._load(body, headers, modality, len(part))

        def ask(part: Any) -> NDArray[np.float32]:
            return self._ask(lambda client: send(client, part), None)

        size = CHUNK[modality]
        parts = [items[start : start + size] for start in range(0, len(items), size)]
        if not parts:
            return np.empty((0, self.spec.dimensions), np.float32)
        try:
            if len(parts) == 1:
                return ask(parts[0])
            with ThreadPoolExecutor(IN_FLIGHT, "encode") as pool:
                return np.concatenate(list(pool.map(ask, parts)))
        except _Local as local:
            return locally(local.encoder)

    def _load(
        self, body: bytes, headers: dict[str, str], modality: Modality, count: int
    ) -> NDArray[np.float32]:
        """The vectors of an answer."""
        self._check_fingerprint(modality, headers.get(protocol.FINGERPRINT.lower(), ""))
        return protocol.load_vectors(body, count, self.spec.dimensions)

    def _check_fingerprint(self, modality: Modality, theirs: str) -> None:
        """Check that the server's weights are ours; files that are not known are not compared."""
        ours = self._fingerprints[modality]
        if ours and theirs and ours != theirs:
            self._fail(
                EncoderError(
                    f"the encoder server has other files of the model {self.spec.name} ({theirs})"
                    f" than this process ({ours}): restart whichever is older"
                )
            )

    def _ask(
        self,
        ask: Callable[[Client], Result],
        locally: Callable[[Encoder], Result] | None = None,
    ) -> Result:
        """What `ask` returns; by the local encoder if there is no server and that is wanted."""
        until = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                return ask(client_for(self._url))
            except Unreachable as error:
                if settings().encoder_fallback == "local":
                    encoder = self._local()
                    if locally is None:
                        raise _Local(encoder) from error
                    return locally(encoder)
                failure: Exception = error
            except Refusal as refusal:
                if refusal.kind not in (Kind.BUSY, Kind.UNAVAILABLE):
                    raise self._error(refusal) from refusal
                failure = refusal
            except MalformedError as error:
                self._fail(EncoderError(f"the encoder server speaks another protocol: {error}"))
            if self._is_for_pages:
                raise ModelUnavailable(self.spec) from failure
            if time.monotonic() > until:
                raise EncoderError(str(failure)) from failure
            time.sleep(WAIT_PAUSE_SECONDS)

    def _local(self) -> Encoder:
        find = available_local_encoder if self._is_for_pages else local_encoder
        return find(self.spec.name)

    def _error(self, refusal: Refusal) -> Exception:
        match refusal.kind:
            case Kind.BAD_PICTURE:
                return ImageError(str(refusal))
            case Kind.UNKNOWN_MODEL if self._is_for_pages:
                logger.error("the encoder server: %s", refusal)
                return ModelUnavailable(self.spec)
            case _:
                return EncoderError(f"the encoder server: {refusal}")

    def _fail(self, error: EncoderError) -> NoReturn:
        if not self._is_for_pages:
            raise error
        logger.error("%s", error)
        raise ModelUnavailable(self.spec) from error


class _Local(Exception):
    """The local encoder is to encode the whole call."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder


def remote_encoder(spec: ModelSpec, *, is_for_pages: bool) -> Encoder:
    """The encoder of the server at `ENCODER_URL`, or the local one where that takes over.

    Raises:
        ModelUnavailable, EncoderError: see `RemoteEncoder`.
    """
    url = settings().encoder_url
    key = url, spec, is_for_pages
    with _lock:
        found = _encoders.get(key)
    if found is None:
        try:
            found = RemoteEncoder(spec, url, is_for_pages=is_for_pages)
        except _Local as local:
            return local.encoder
        with _lock:
            found = _encoders.setdefault(key, found)
    return found


def remote_garments(content: bytes, *, wait: bool = False) -> Garments:
    """The garments in a picture file, found by the server at `ENCODER_URL`.

    Args:
        content: the file.
        wait: whether to wait for a server that is busy or cannot be reached.

    Raises:
        EncoderError: it cannot find any at the moment.
    """
    if not wait:
        return _garments_within(content, 0)
    with _waiting:  # the server's few places are for shoppers
        return _garments_within(content, WAIT_SECONDS)


def _garments_within(content: bytes, seconds: float) -> Garments:
    until = time.monotonic() + seconds
    while True:
        try:
            body, _ = client_for(settings().encoder_url).post("/garments", content)
            return protocol.load_garments(body)
        except Unreachable:
            if time.monotonic() >= until:
                raise
        except (Refusal, MalformedError) as error:
            passes = isinstance(error, Refusal) and error.kind in (Kind.BUSY, Kind.UNAVAILABLE)
            if not passes or time.monotonic() >= until:
                raise EncoderError(f"the encoder server: {error}") from error
        time.sleep(WAIT_PAUSE_SECONDS)


_encoders: dict[tuple[str, ModelSpec, bool], RemoteEncoder] = {}
_lock = Lock()
_waiting = Lock()


def _dump_json(texts: Sequence[str]) -> bytes:
    return json.dumps(list(texts)).encode()


def _dump_images(images: Sequence[Image]) -> bytes:
    return protocol.pack_files([_as_file(image) for image in images])


def _as_file(image: Image) -> bytes:
    """An RGB picture as a file that is decoded to the same pixels, whatever its metadata say."""
    encoded = BytesIO()
    image.save(encoded, "BMP")
    return encoded.getvalue()
