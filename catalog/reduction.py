"""The stored reductions of models, and encoders that apply them.

A model with `full_dimensions` in its entry is stored with fewer dimensions. Unless it is truncated,
the table `reduction` has its components, which `catalog.indexing.fit_reduction` fits once. So all
processes, on all machines, reduce in the same way.
"""

import hashlib
from collections.abc import Callable

import numpy as np
from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from catalog.db.connection import connect
from catalog.db.ttl_cache import TtlCache
from catalog.tables import REDUCTION
from embedding.encoder import Encoder, get_encoder
from embedding.reduction import ReducedEncoder, Reduction
from embedding.registry import ModelSpec, get_spec

EncoderFor = Callable[[str], Encoder]


def reducing(connection: Connection, encoder_for: EncoderFor) -> EncoderFor:
    """`encoder_for`, with encoders that return vectors as they are stored.

    Args:
        connection: reads the reductions when an encoder is asked for.
        encoder_for: returns the encoder of full vectors of a model, by its name.
    """

    def reduced(name: str) -> Encoder:
        spec, encoder = get_spec(name), encoder_for(name)
        # An encoder with the reduced length, such as that of a test, is complete.
        if not spec.full_dimensions or encoder.spec.dimensions == spec.dimensions:
            return encoder
        return ReducedEncoder(spec, encoder, find_reduction(connection, spec))

    return reduced


def stored_encoder(name: str, device: str | None = None) -> Encoder:
    """Like `embedding.encoder.get_encoder`; its vectors are reduced as they are stored.

    Raises:
        UnknownModel, RegistryError, EncoderError: see `get_encoder`.
    """
    encoder = get_encoder(name, device)
    if not get_spec(name).full_dimensions:
        return encoder
    with connect() as connection:
        return reducing(connection, lambda _: encoder)(name)


def find_reduction(connection: Connection, spec: ModelSpec) -> Reduction | None:
    """The reduction of a model; None if it is not fitted yet. Cached for up to a minute."""
    if spec.matryoshka or spec.dimensions == spec.full_dimensions:
        return Reduction(spec.dimensions)
    found = _reductions.get(connection, spec.name)
    if found is None:  # it may have been fitted a moment ago
        _reductions.forget()
        found = _reductions.get(connection, spec.name)
    return found


def reduction_digest(connection: Connection, spec: ModelSpec) -> str:
    """A digest of what the reduction does; empty if it is not fitted yet."""
    found = find_reduction(connection, spec)
    if found is None:
        return ""
    digest = hashlib.blake2b(str(found.dimensions).encode())
    if found.components is not None:
        digest.update(found.components.tobytes())
    return digest.hexdigest()


def fitted_for(connection: Connection, model: str) -> str | None:
    """The fingerprint of the files that a reduction was fitted for; None if there is none."""
    query = select(REDUCTION.c.fingerprint).where(REDUCTION.c.model == model)
    fingerprint: str | None = connection.execute(query).scalar()
    return fingerprint


def store_reduction(
    connection: Connection, model: str, reduction: Reduction, vectors: int, fingerprint: str
) -> None:
    """Store a fitted reduction, unless another process has stored one for the same files.

    Args:
        vectors: the number of vectors that it was fitted to.
        fingerprint: the fingerprint of the model's files.
    """
    assert reduction.components is not None
    values = {
        "components": reduction.components.astype("<f4").tobytes(),
        "dimensions": reduction.dimensions,
        "vectors": vectors,
        "fingerprint": fingerprint,
    }
    statement = insert(REDUCTION).values(model=model, **values)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["model"],
            set_={name: statement.excluded[name] for name in values},
            where=REDUCTION.c.fingerprint != statement.excluded.fingerprint,
        )
    )
    _reductions.forget()


def _load(connection: Connection, model: str) -> Reduction | None:
    query = select(REDUCTION.c.dimensions, REDUCTION.c.components).where(REDUCTION.c.model == model)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    components = np.frombuffer(row.components, "<f4").reshape(row.dimensions, -1)
    return Reduction(row.dimensions, components.astype(np.float32))


_reductions = TtlCache(_load)
