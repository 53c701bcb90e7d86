"""Encodes batches to vectors and separates the rows that fail."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from catalog.indexing.pending import Pending
from catalog.indexing.reader import Batch, Failure
from embedding.encoder import Encoder
from embedding.registry import Modality


@dataclass(slots=True)
class Encoded:
    """The rows of a batch with their vectors, float32 (n, d), and the rows that failed."""

    rows: list[Pending]
    vectors: np.ndarray
    failures: list[Failure]

    def __len__(self) -> int:
        return len(self.rows) + len(self.failures)


def encode(encoder: Encoder, modality: Modality, batch: Batch) -> Encoded:
    """Encode a batch. If that fails, encode its rows one by one to find those that cause it.

    Raises:
        Exception: the error of the last row, if every row fails. Then the cause is the model and
            not the products.
    """
    encode = _encode_method(encoder, modality)
    nothing = np.empty((0, encoder.spec.dimensions), np.float32)
    if not batch.rows:
        return Encoded([], nothing, batch.unreadable)
    try:
        return Encoded(batch.rows, finite(encode(batch.contents)), batch.unreadable)
    except Exception as error:
        if len(batch.rows) == 1:
            failure = batch.rows[0], _reason(error)
            return Encoded([], nothing, [*batch.unreadable, failure])
    encoded = Encoded([], nothing, list(batch.unreadable))
    vectors = []
    last_error: Exception | None = None
    for place, row in enumerate(batch.rows):
        try:
            vectors.append(finite(encode(batch.contents[place : place + 1])))
            encoded.rows.append(row)
        except Exception as error:
            last_error = error
            encoded.failures.append((row, _reason(error)))
    if last_error is not None and not encoded.rows:
        raise last_error
    encoded.vectors = np.concatenate(vectors)
    return encoded


def finite(vectors: np.ndarray) -> np.ndarray:
    """Return the vectors.

    Raises:
        ValueError: a value is no number. pgvector stores none.
    """
    if not np.isfinite(vectors).all():
        raise ValueError("the model returns a vector with values that are no numbers")
    return vectors


def _encode_method(encoder: Encoder, modality: Modality) -> Callable[[Any], np.ndarray]:
    if modality == "text":
        return cast(Callable[[Any], np.ndarray], encoder.encode_texts)
    return encoder.encode_images if encoder.preparation is None else encoder.encode_pixels


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
