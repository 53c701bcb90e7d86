"""Answers the requests of the protocol, whichever server has received them. Needs torch."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Lock, Thread
from typing import Any

import numpy as np

from embedding.encoder import (
    Encoder,
    EncoderError,
    ModelUnavailable,
    UnsupportedModality,
    available_local_encoder,
    default_device,
    local_encoder,
)
from embedding.errors import UserFacingError
from embedding.fingerprint import fingerprint
from embedding.image_decoding import ImageError, open_image
from embedding.regions.region import FULL_SCALE
from embedding.registry import Modality, RegistryError, UnknownModel, get_spec
from embedding.serving import protocol
from embedding.serving.batching import Batcher, Busy, Stopped
from embedding.serving.protocol import Kind, MalformedError

JSON, BINARY, TEXT = "application/json", "application/octet-stream", "text/plain; charset=utf-8"

BATCH_OF_TEXTS = 64
BATCH_OF_PICTURES = 16
"""The largest batches on a CPU, which shoppers may have to wait for."""

GPU_FACTOR = 16
"""How many times as large batches on a GPU are."""

WAITING = 8
"""How many times the largest batch may wait for a model. Further requests are turned away."""

RETRY_AFTER = "1"
"""Seconds after which a client that was turned away may try again."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response of HTTP."""

    body: bytes
    content_type: str = BINARY
    status: HTTPStatus = HTTPStatus.OK
    headers: dict[str, str] = field(default_factory=dict)


class Failure(Exception):
    """A request that cannot be answered, with the kind that the client sees."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind = kind

    def answer(self) -> Answer:
        headers = {protocol.ERROR: self.kind.value}
        if self.kind in (Kind.UNAVAILABLE, Kind.BUSY):
            headers["Retry-After"] = RETRY_AFTER
        return Answer(str(self).encode(), TEXT, protocol.STATUS[self.kind], headers)


class ServedModel:
    """A loaded model with its queue."""

    def __init__(self, encoder: Encoder, *, is_batching: bool) -> None:
        self.encoder = encoder
        spec = encoder.spec
        self.description = protocol.Description(
            spec.dimensions,
            {modality: fingerprint(spec, modality) for modality in spec.modalities},
            encoder.preparation if "image" in spec.modalities else None,
        )
        factor = GPU_FACTOR if default_device().startswith("cuda") else 1
        texts, pictures = factor * BATCH_OF_TEXTS, factor * BATCH_OF_PICTURES
        waiting = WAITING
        if not is_batching:
            waiting *= texts
            texts = pictures = 1
        limits = {"texts": texts, "pixels": pictures, "images": pictures}
        self._batcher = Batcher(f"encode {spec.name}", limits, waiting)
        self._batcher.add("texts", encoder.encode_texts)
        self._batcher.add("pixels", lambda pixels: encoder.encode_pixels(np.stack(pixels)))
        self._batcher.add("images", encoder.encode_images)

    def texts(self, body: bytes) -> Answer:
        texts = protocol.load_texts(body)
        answer = self._vectors("text", "texts", texts)
        if len(texts) <= protocol.MAX_SHARES:
            answer.headers[protocol.UNREAD] = json.dumps(self._shares(texts))
        return answer

    def unread(self, body: bytes) -> Answer:
        return Answer(json.dumps(self._shares(protocol.load_texts(body))).encode(), JSON)

    def pixels(self, body: bytes) -> Answer:
        self._check("image")
        preparation = self.encoder.preparation
        if preparation is None:
            raise Failure(Kind.MALFORMED, f"{self.encoder.spec.name} takes no prepared pictures")
        return self._vectors("image", "pixels", protocol.load_pixels(body, preparation.shape))

    def pictures(self, body: bytes) -> Answer:
        self._check("image")
        images = [open_image(file) for file in protocol.unpack_files(body)]
        return self._vectors("image", "images", images)

    def stop(self) -> None:
        """Answer what waits, and nothing more."""
        self._batcher.stop()

    def _shares(self, texts: list[str]) -> list[float]:
        return [self.encoder.unread_share(text) for text in texts]

    def _check(self, modality: Modality) -> None:
        if modality not in self.encoder.spec.modalities:
            raise UnsupportedModality(self.encoder.spec, modality)

    def _vectors(self, modality: Modality, kind: str, items: Any) -> Answer:
        self._check(modality)
        vectors = self._batcher.submit(kind, items) if len(items) else np.empty((0, 0), np.float32)
        headers = {protocol.FINGERPRINT: self.description.fingerprints[modality]}
        return Answer(protocol.dump_vectors(np.asarray(vectors)), headers=headers)


class Service:
    """The models of a server.

    Args:
        models: those that are loaded at once. Others of the registry are loaded when a client asks
            for them.
        is_batching: join waiting requests; off only to measure what that gains.
    """

    def __init__(self, models: tuple[str, ...] = (), *, is_batching: bool = True) -> None:
        self._is_batching = is_batching
        self._served: dict[str, ServedModel] = {}
        self._lock = Lock()
        self._finder = Batcher("find garments", {"garments": 1}, waiting=4)
        self._finder.add("garments", lambda contents: [_garments(each) for each in contents])
        self._wanted = models
        for name in models:
            get_spec(name)  # fails at once on a typing error
        Thread(target=self._load, name="load models", daemon=True).start()

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """The answer to a request. It never raises."""
        try:
            return self._answer(method, path, body)
        except Failure as failure:
            return failure.answer()
        except MalformedError as error:
            return Failure(Kind.MALFORMED, str(error)).answer()
        except (Busy, Stopped):
            return Failure(Kind.BUSY, "too many requests wait: try again").answer()
        except ModelUnavailable as error:
            return Failure(Kind.UNAVAILABLE, str(error)).answer()
        except UnsupportedModality as error:
            return Failure(Kind.UNSUPPORTED_MODALITY, str(error)).answer()
        except ImageError as error:
            return Failure(Kind.BAD_PICTURE, str(error)).answer()
        except (UnknownModel, RegistryError) as error:
            return Failure(Kind.UNKNOWN_MODEL, str(error)).answer()
        except UserFacingError as error:
            return Failure(Kind.FAILED, str(error)).answer()
        except Exception as error:
            logger.exception("%s %s", method, path)
            return Failure(Kind.FAILED, f"{type(error).__name__}: {error}").answer()

    def stop(self) -> None:
        """Answer what waits, and nothing more."""
        for served in [*self._served.values()]:
            served.stop()
        self._finder.stop()

    def _answer(self, method: str, path: str, body: bytes) -> Answer:
        match method, path.strip("/").split("/"):
            case "GET", ["health"]:
                return self._health()
            case "GET", ["models", name]:
                return Answer(self._model(name).description.dump(), JSON)
            case "POST", ["models", name, ("texts" | "unread" | "pixels" | "pictures") as kind]:
                handler: Callable[[bytes], Answer] = getattr(self._model(name), kind)
                return handler(body)
            case "POST", ["garments"]:
                (found,) = self._finder.submit("garments", [body])
                return Answer(protocol.dump_garments(found), JSON)
        raise Failure(Kind.MALFORMED, f"there is no {method} {path}")

    def _health(self) -> Answer:
        names = dict.fromkeys([*self._wanted, *self._served])
        states = {name: "ready" if name in self._served else "loading" for name in names}
        is_ready = "loading" not in states.values()
        status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
        return Answer(json.dumps({"models": states}).encode(), JSON, status)

    def _model(self, name: str) -> ServedModel:
        """A model; waits while it is loaded, as pages do."""
        served = self._served.get(name)
        if served is None:
            encoder = available_local_encoder(name)
            with self._lock:
                served = self._served.get(name)
                if served is None:
                    served = ServedModel(encoder, is_batching=self._is_batching)
                    self._served[name] = served
        return served

    def _load(self) -> None:
        for name in self._wanted:
            try:
                local_encoder(name)
                self._model(name)
            except EncoderError as error:
                logger.error("the model %s cannot be loaded: %s", name, error)


def _garments(content: bytes) -> Any:
    from embedding.regions.finder import find_garments

    return find_garments(open_image(content, FULL_SCALE))
