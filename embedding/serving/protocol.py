"""What encoder servers and their clients say to each other by HTTP. Without torch.

| request | body | answer |
|---|---|---|
| `GET /health` | | JSON, the state of each model |
| `GET /models/NAME` | | JSON, see `Description` |
| `POST /models/NAME/texts` | JSON, a list of texts | vectors, with a header `UNREAD` |
| `POST /models/NAME/unread` | JSON, a list of texts | JSON, a list of their unread shares |
| `POST /models/NAME/pixels` | prepared pictures, uint8 (n, h, w, 3) | vectors |
| `POST /models/NAME/pictures` | picture files, see `pack_files` | vectors |
| `POST /garments` | one picture file | JSON, see `dump_garments` |

Vectors are float32 (n, d). Arrays are sent as their bytes, little-endian, in C order; both sides
know the shape. A failure has a `Kind` in the header `ERROR` and a message as its body. Nothing is
ever unpickled.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from http import HTTPStatus
from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Resampling

from embedding.preprocessing import FitSquare, Preparation, ResizeAndCrop
from embedding.regions.garments import Garment, Garments
from embedding.regions.region import Region
from embedding.registry import Modality

MAX_BODY = 64 * 2**20
"""The maximum length of a request's body in bytes."""

MAX_TEXTS, MAX_PICTURES = 256, 64
"""The maximum number of texts or pictures of a request."""

FINGERPRINT = "Model-Fingerprint"
"""The header of vectors with the fingerprint of the weights that made them."""

UNREAD = "Unread-Shares"
"""The header of the vectors of at most `MAX_SHARES` texts with their unread shares, a JSON list. A
query needs both, and a second request would cost as much as the first."""

MAX_SHARES = 4

ERROR = "Encoder-Error"
"""The header of a failure with its `Kind`. An answer without it is not from an encoder server."""


class Kind(StrEnum):
    """The kinds of failures."""

    MALFORMED = "malformed"
    UNKNOWN_MODEL = "unknown-model"
    UNSUPPORTED_MODALITY = "unsupported-modality"
    BAD_PICTURE = "bad-picture"
    FAILED = "failed"
    UNAVAILABLE = "unavailable"
    BUSY = "busy"


STATUS: dict[Kind, HTTPStatus] = {
    Kind.MALFORMED: HTTPStatus.BAD_REQUEST,
    Kind.UNKNOWN_MODEL: HTTPStatus.NOT_FOUND,
    Kind.UNSUPPORTED_MODALITY: HTTPStatus.UNPROCESSABLE_ENTITY,
    Kind.BAD_PICTURE: HTTPStatus.UNPROCESSABLE_ENTITY,
    Kind.FAILED: HTTPStatus.INTERNAL_SERVER_ERROR,
    Kind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    Kind.BUSY: HTTPStatus.SERVICE_UNAVAILABLE,
}


class MalformedError(ValueError):
    """A message that does not follow the protocol; the text says in what."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a client needs to know about a model.

    `fingerprints` has one for each modality, empty if it is not known. `preparation` is the first
    step of encoding pictures, which the client performs; None if it cannot be separated.
    """

    dimensions: int
    fingerprints: dict[Modality, str]
    preparation: Preparation | None

    def dump(self) -> bytes:
        """The description as JSON."""
        return json.dumps(
            {
                "dimensions": self.dimensions,
                "fingerprints": self.fingerprints,
                "preparation": _dump_preparation(self.preparation),
            }
        ).encode()

    @classmethod
    def load(cls, content: bytes) -> Description:
        """What `dump` has written.

        Raises:
            MalformedError: it was written in another way.
        """
        try:
            found = json.loads(content)
            return cls(
                int(found["dimensions"]),
                {name: str(found["fingerprints"][name]) for name in found["fingerprints"]},
                _load_preparation(found["preparation"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise MalformedError(f"not a description of a model: {error}") from error


def _dump_preparation(preparation: Preparation | None) -> dict[str, Any] | None:
    match preparation:
        case None:
            return None
        case FitSquare():
            return {"kind": "fit_square"} | asdict(preparation)
        case ResizeAndCrop():
            return {"kind": "resize_and_crop"} | asdict(preparation)
    raise TypeError(f"the protocol has no name for {type(preparation).__name__}")


def _load_preparation(found: dict[str, Any] | None) -> Preparation | None:
    if found is None:
        return None
    if found["kind"] == "fit_square":
        return FitSquare(int(found["size"]))
    size = found["size"]
    height, width = found["crop"]
    return ResizeAndCrop(
        int(size) if isinstance(size, int) else (int(size[0]), int(size[1])),
        (int(height), int(width)),
        Resampling(found["resample"]),
    )


def load_texts(body: bytes) -> list[str]:
    """The texts of a request.

    Raises:
        MalformedError: not a JSON list of at most `MAX_TEXTS` texts.
    """
    texts = _load_json(body)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise MalformedError("the body must be a JSON list of texts")
    if len(texts) > MAX_TEXTS:
        raise MalformedError(f"{len(texts)} texts: at most {MAX_TEXTS} are accepted")
    return texts


def load_pixels(body: bytes, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """The prepared pictures of a request, (n, h, w, 3), each of `shape`.

    Raises:
        MalformedError: not a whole number of pictures, or more than `MAX_PICTURES`.
    """
    count, rest = divmod(len(body), int(np.prod(shape)))
    if rest:
        raise MalformedError(f"the body must be pictures of {shape} bytes")
    if count > MAX_PICTURES:
        raise MalformedError(f"{count} pictures: at most {MAX_PICTURES} are accepted")
    return np.frombuffer(body, np.uint8).reshape(count, *shape)


LENGTH = Struct("<I")


def pack_files(files: list[bytes]) -> bytes:
    """Files as one body: before each, its length as a 32-bit little-endian number."""
    return b"".join(LENGTH.pack(len(file)) + file for file in files)


def unpack_files(body: bytes) -> list[bytes]:
    """What `pack_files` has packed.

    Raises:
        MalformedError: truncated, or more than `MAX_PICTURES` files.
    """
    files: list[bytes] = []
    position = 0
    while position < len(body):
        if len(files) == MAX_PICTURES:
            raise MalformedError(f"at most {MAX_PICTURES} pictures are accepted")
        start = position + LENGTH.size
        if start > len(body):
            raise MalformedError("the body is truncated")
        position = start + LENGTH.unpack_from(body, position)[0]
        if position > len(body):
            raise MalformedError("the body is truncated")
        files.append(body[start:position])
    return files


def dump_vectors(vectors: NDArray[np.float32]) -> bytes:
    """Vectors, (n, d), as the body of an answer."""
    return np.ascontiguousarray(vectors, "<f4").tobytes()


def load_vectors(body: bytes, count: int, dimensions: int) -> NDArray[np.float32]:
    """The vectors of an answer, (count, dimensions).

    Raises:
        MalformedError: the body has another length.
    """
    if len(body) != 4 * count * dimensions:
        raise MalformedError(
            f"{len(body)} bytes are not {count} vectors of {dimensions} dimensions"
        )
    return np.frombuffer(body, "<f4").reshape(count, dimensions).astype(np.float32)


def load_shares(body: bytes, count: int) -> list[float]:
    """The unread shares of an answer.

    Raises:
        MalformedError: not a JSON list of so many numbers.
    """
    shares = _load_json(body)
    try:
        found = [float(share) for share in shares]
    except (TypeError, ValueError) as error:
        raise MalformedError("the answer must be a list of numbers") from error
    if len(found) != count:
        raise MalformedError(f"{len(found)} numbers for {count} texts")
    return found


def dump_garments(garments: Garments) -> bytes:
    """Garments as JSON: each region with its score, and the place of the best one."""
    best = garments.found.index(garments.best) if garments.best else None
    found = [[str(each.region), each.score] for each in garments.found]
    return json.dumps({"found": found, "best": best}).encode()


def load_garments(body: bytes) -> Garments:
    """What `dump_garments` has written.

    Raises:
        MalformedError: it was written in another way.
    """
    found = _load_json(body)
    try:
        garments = tuple(
            Garment(Region.parse(region), float(score)) for region, score in found["found"]
        )
        best = found["best"]
        return Garments(garments, None if best is None else garments[best])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise MalformedError("the answer must be garments") from error


def _load_json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedError("the body must be JSON") from error
