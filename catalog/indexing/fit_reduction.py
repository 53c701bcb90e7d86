"""Fits the reduction of a model to the catalogue, before the first vectors are stored."""

from contextlib import ExitStack
from typing import LiteralString

import numpy as np

from catalog.active_models import stored_models
from catalog.db.connection import compose, connect
from catalog.indexing.encoding import encode
from catalog.indexing.pending import Pending, source
from catalog.indexing.reader import DECODING, Batch, FillingError, decode_batches, picture_decoder
from catalog.reduction import find_reduction, fitted_for, store_reduction
from catalog.tables import embedding_table_name
from embedding.encoder import Encoder
from embedding.fingerprint import fingerprint
from embedding.reduction import Matrix, ReducedEncoder, fit
from embedding.registry import Modality, ModelSpec

SAMPLE_FACTOR = 4
"""Number of sampled vectors per dimension that remains."""

MIN_SAMPLE = 2048
BATCH = 64
KEYS: dict[Modality, LiteralString] = {"text": "product_id", "image": "image_id"}


class TooFewToFit(FillingError):
    """The catalogue has too few texts and pictures for a reduction to be fitted."""

    def __init__(self, spec: ModelSpec, found: int) -> None:
        rows = " and ".join(f"{modality}s" for modality in spec.modalities)
        super().__init__(
            f"the vectors of {spec.name} are reduced to {spec.dimensions} dimensions: to fit this,"
            f" at least {spec.dimensions} {rows} are needed, and the catalogue has {found}. Import"
            " more products, or add a model with fewer dimensions (add_model --dims)"
        )


def with_reduction(encoder: Encoder, *, renew: bool) -> Encoder:
    """The encoder with its current reduction, which is fitted first if there is none.

    Args:
        encoder: any encoder; only a `ReducedEncoder` is changed.
        renew: also fit it again if the files of the model have changed since.

    Raises:
        TooFewToFit: there are fewer texts and pictures than dimensions.
        ReductionError: the model returns vectors that are no numbers.
    """
    if not isinstance(encoder, ReducedEncoder):
        return encoder
    spec = encoder.spec
    files = " ".join(fingerprint(spec, modality) for modality in spec.modalities)
    with connect() as connection:
        reduction = find_reduction(connection, spec)
        is_outdated = renew and fitted_for(connection, spec.name) not in (None, files)
    if reduction is None or is_outdated:
        vectors = _sample(encoder)
        if len(vectors) < spec.dimensions:
            raise TooFewToFit(spec, len(vectors))
        fitted = fit(vectors, spec.dimensions)
        with connect() as connection:
            store_reduction(connection, spec.name, fitted, len(vectors), files)
            reduction = find_reduction(connection, spec)  # or that of another process
    return ReducedEncoder(spec, encoder.unreduced, reduction)


def _sample(encoder: ReducedEncoder) -> Matrix:
    """Full vectors of random texts and pictures, (n, d): stored ones, or newly encoded ones."""
    spec = encoder.spec
    count = max(MIN_SAMPLE, SAMPLE_FACTOR * spec.dimensions) // len(spec.modalities)
    parts = []
    for modality in spec.modalities:
        stored = _stored_sample(spec, modality, count)
        is_enough = len(stored) >= min(count, spec.dimensions)
        parts.append(stored if is_enough else _encoded_sample(encoder, modality, count))
    return np.concatenate(parts)


def _stored_sample(spec: ModelSpec, modality: Modality, count: int) -> Matrix:
    """Embeddings of the model whose vectors are reduced, if it has its own tables."""
    nothing = np.empty((0, spec.full_dimensions), np.float32)
    if spec.loader != "reduced":
        return nothing
    with connect() as connection:
        if spec.checkpoint not in stored_models(connection):
            return nothing
        query = compose(
            f"SELECT embedding FROM {{table}} ORDER BY md5({KEYS[modality]}::text) LIMIT %(count)s",
            table=embedding_table_name(spec.checkpoint, modality),
        )
        rows = connection.exec_driver_sql(query, {"count": count}).scalars().all()
    return np.stack([row.to_numpy() for row in rows]).astype(np.float32) if rows else nothing


def _encoded_sample(encoder: ReducedEncoder, modality: Modality, count: int) -> Matrix:
    spec, full = encoder.spec, encoder.unreduced
    with connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT s.id, s.product_id, s.content, s.source"
            f" FROM ({source(spec.name, modality)}) AS s ORDER BY md5(s.id::text) LIMIT %(count)s",
            {"count": count},
        )
        pending = [Pending(*row) for row in rows]
    batches = [pending[start : start + BATCH] for start in range(0, len(pending), BATCH)]
    parts = [np.empty((0, full.spec.dimensions), np.float32)]
    with ExitStack() as stack:
        if modality == "image":
            decoder = stack.enter_context(picture_decoder(full.preparation, 0, BATCH, DECODING + 2))
            read = decode_batches(decoder, batches)
        else:
            read = (Batch(rows, [row.content for row in rows], []) for rows in batches)
        parts += [encode(full, modality, batch).vectors for batch in read]
    return np.concatenate(parts)
