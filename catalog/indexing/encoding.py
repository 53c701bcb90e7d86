"""The encoder's part: a batch's contents into vectors, and what fails told apart."""

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
    """A batch's rows with their vectors, float32 (n, d), and those that could not be embedded."""

    rows: list[Pending]
    vectors: np.ndarray
    failures: list[Failure]

    def __len__(self) -> int:
        return len(self.rows) + len(self.failures)


def encode(encoder: Encoder, modality: Modality, batch: Batch) -> Encoded:
    """Encode a batch. What makes all of it fail is found by encoding its rows one by one.

    Raises:
        Exception: every row of the batch fails, with the last one's error: the model is at fault,
            not the products.
    """
    encode = _way(encoder, modality)
    nothing = np.empty((0, encoder.spec.dimensions), np.float32)
    if not batch.rows:
        return Encoded([], nothing, batch.unreadable)
    try:
        return Encoded(batch.rows, encode(batch.contents), batch.unreadable)
    except Exception as error:
        if len(batch.rows) == 1:
            failure = batch.rows[0], _reason(error)
            return Encoded([], nothing, [*batch.unreadable, failure])
    encoded = Encoded([], nothing, list(batch.unreadable))
    vectors = []
    last_error: Exception | None = None
    for place, row in enumerate(batch.rows):
        try:
            vectors.append(encode(batch.contents[place : place + 1]))
            encoded.rows.append(row)
        except Exception as error:
            last_error = error
            encoded.failures.append((row, _reason(error)))
    if last_error is not None and not encoded.rows:
        raise last_error
    encoded.vectors = np.concatenate(vectors)
    return encoded


def _way(encoder: Encoder, modality: Modality) -> Callable[[Any], np.ndarray]:
    if modality == "text":
        return cast(Callable[[Any], np.ndarray], encoder.encode_texts)
    return encoder.encode_images if encoder.preparation is None else encoder.encode_pixels


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
