"""Reduces vectors to fewer dimensions: by truncation, or by a principal component analysis (PCA).

The analysis does not subtract the mean. So it keeps the inner products of the vectors, which are
what searches compare, as well as that number of dimensions can, also between texts and pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from embedding.encoder import Encoder, EncoderError
from embedding.registry import Modality, ModelSpec

Matrix = NDArray[np.float32]

SMALLEST = 1e-6
"""A reduced vector shorter than this has no direction."""


class ReductionError(EncoderError):
    """Vectors cannot be reduced; the message says why."""


@dataclass(frozen=True, slots=True)
class Reduction:
    """A projection to fewer dimensions.

    Args:
        dimensions: the length of the reduced vectors.
        components: the directions that remain, (dimensions, d); None keeps the first coordinates.
    """

    dimensions: int
    components: Matrix | None = None

    def apply(self, vectors: Matrix) -> Matrix:
        """Reduce unit vectors, (n, d), to unit vectors, (n, dimensions).

        A vector that is orthogonal to all components becomes one without similarity to most others.
        """
        if self.components is None:
            reduced = vectors[:, : self.dimensions]
        else:
            reduced = vectors @ self.components.T
        lengths = np.linalg.norm(reduced, axis=1, keepdims=True)
        last = np.eye(1, self.dimensions, self.dimensions - 1, dtype=np.float32)
        result: Matrix = np.where(lengths < SMALLEST, last, reduced / np.maximum(lengths, SMALLEST))
        return result


def fit(vectors: Matrix, dimensions: int) -> Reduction:
    """The reduction that keeps most of the inner products of a sample of unit vectors, (n, d).

    Raises:
        ReductionError: there are fewer than `dimensions` vectors, they are shorter, or one has a
            value that is no number.
    """
    count, full = vectors.shape
    if dimensions > full:
        raise ReductionError(f"vectors of {full} dimensions cannot be reduced to {dimensions}")
    if count < dimensions:
        raise ReductionError(
            f"a reduction to {dimensions} dimensions needs at least {dimensions} vectors to be"
            f" fitted, not {count}"
        )
    if not np.isfinite(vectors).all():
        raise ReductionError("the model returns vectors with values that are no numbers")
    exact = vectors.astype(np.float64)
    _, directions = np.linalg.eigh(exact.T @ exact)  # in ascending order
    components = directions.T[::-1][:dimensions]
    # The sign of a direction is arbitrary; this one does not depend on the machine.
    largest = np.abs(components).argmax(axis=1)
    signs = np.sign(components[np.arange(dimensions), largest])
    return Reduction(dimensions, (components * signs[:, None]).astype(np.float32))


class ReducedEncoder:
    """Encodes with another encoder and reduces the vectors.

    Args:
        spec: the entry of the reduced model.
        unreduced: the encoder of full vectors.
        reduction: the reduction; None if it is not fitted yet.
    """

    def __init__(self, spec: ModelSpec, unreduced: Encoder, reduction: Reduction | None) -> None:
        self.spec = spec
        self.unreduced = unreduced
        self.reduction = reduction
        self.preparation = unreduced.preparation

    def encode_texts(self, texts: list[str]) -> Matrix:
        """See `Encoder.encode_texts`; raises `ReductionError` if the reduction is not fitted."""
        return self._reduced(self.unreduced.encode_texts(texts))

    def unread_share(self, text: str) -> float:
        """See `Encoder.unread_share`."""
        return self.unreduced.unread_share(text)

    def encode_images(self, images: list[Image]) -> Matrix:
        """See `encode_texts`."""
        return self._reduced(self.unreduced.encode_images(images))

    def encode_pixels(self, pixels: NDArray[np.uint8]) -> Matrix:
        """See `encode_texts`."""
        return self._reduced(self.unreduced.encode_pixels(pixels))

    def tune(self, modality: Modality) -> int:
        """See `Encoder.tune`."""
        return self.unreduced.tune(modality)

    def _reduced(self, vectors: Matrix) -> Matrix:
        if self.reduction is None:
            raise ReductionError(
                f"the reduction of {self.spec.name} is fitted when products are embedded: run"
                f" ./manage.py embed_catalog --model {self.spec.name}"
            )
        return self.reduction.apply(vectors)
