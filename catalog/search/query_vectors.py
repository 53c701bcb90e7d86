"""Turns a query into the vectors that embeddings are compared with."""

from collections.abc import Callable, Sequence

import numpy as np
from pgvector import HalfVector
from sqlalchemy import Connection

from catalog.search.calibration import get_quantiles
from catalog.search.fusion import Channel
from catalog.search.query import Query
from catalog.search.search_spec import NotUnderstood, SearchError
from catalog.search.text_encoder import TextEncoder
from embedding.encoder import Encoder, encode_picture
from embedding.registry import Modality, ModelSpec, get_spec

EncoderFor = Callable[[str], Encoder]
QueryVectors = dict[Modality, np.ndarray]
"""For each modality, the unit vector, float32 (d,), to compare its embeddings with."""

KINDS: dict[Modality, str] = {"text": "words", "image": "pictures"}
"""Names of the modalities in messages."""


def models_for(query: Query, in_use: Sequence[str]) -> list[ModelSpec]:
    """The models to search with: the named ones that understand the query, or else the first in use
    that does.

    Raises:
        NotUnderstood: no model understands the query, neither a named one nor one in use.
        SearchError: no named model understands the query, but others in use do.
    """
    names = list(dict.fromkeys(filter(None, query.spec.model.split("+"))))
    if found := _able(query, names):
        return found
    if not in_use:
        raise NotUnderstood("no model is in use")
    able = _able(query, in_use)
    if not able:
        kinds = " and ".join(KINDS[modality] for modality in sorted(query.needs, reverse=True))
        raise NotUnderstood(f"no single model in use understands {kinds}")
    if names:
        missing = KINDS[min(query.needs - set(get_spec(names[0]).modalities))]
        choice = " or ".join(spec.name for spec in able)
        raise SearchError(f"the model {names[0]} does not understand {missing}; choose {choice}")
    return able[:1]


def other_models(query: Query, in_use: Sequence[str], models: list[ModelSpec]) -> list[ModelSpec]:
    """The models in use that understand the query, except for `models`."""
    return [spec for spec in _able(query, in_use) if spec not in models]


def _able(query: Query, names: Sequence[str]) -> list[ModelSpec]:
    return [spec for spec in map(get_spec, names) if query.needs <= set(spec.modalities)]


def channels(
    query: Query,
    model: ModelSpec,
    texts: TextEncoder,
) -> list[Channel]:
    """One channel for each modality of the model, with the query vector to compare with.

    When similar products are wanted, the product's own embedding of each modality is used, combined
    with the words if there are any. The list is empty if that product is not embedded yet.

    Args:
        texts: encodes words and holds the database connection.

    Raises:
        ImageError: a picture cannot be decoded.
        EncoderError: the model cannot be loaded.
    """
    return [
        Channel(
            model.name,
            modality,
            vector,
            get_quantiles(texts.connection, model.name, query.kind, modality, query.picture_share),
            query.weights.of(modality),
            model.binary,
        )
        for modality, vector in _vectors(query, model, texts).items()
        if query.spec.counts(modality)
    ]


def interpolate(connection: Connection, parts: list[tuple[float, np.ndarray]]) -> np.ndarray:
    """The weighted sum of unit vectors, normalized and rounded to half precision; float32 (d,).

    Computed by the SQL function `search_internal.interpolate`, so that SQL users and the storefront
    get the same vector.
    """
    if len(parts) == 1:
        return parts[0][1]
    found = connection.exec_driver_sql(
        "SELECT search_internal.interpolate(%(vectors)s::halfvec[], %(weights)s::float8[])",
        {
            "vectors": [HalfVector(vector).to_text() for _, vector in parts],
            "weights": [weight for weight, _ in parts],
        },
    ).scalar_one()
    return np.asarray(found.to_numpy(), dtype=np.float32)


def _vectors(query: Query, model: ModelSpec, texts: TextEncoder) -> QueryVectors:
    spec, encoder_for = query.spec, texts.encoder_for
    share = query.picture_share
    parts: list[tuple[float, np.ndarray]] = []
    if query.words and share < 1:
        vector = texts.encode(query.words, model.name)
        parts += [] if vector is None else [(1 - share, vector)]
    each = share / max(1, query.examples)
    parts += [
        (each, encode_picture(encoder_for(model.name), image)) for image in spec.images if each > 0
    ]
    avoided = texts.encode(query.without, model.name) if query.without else None
    negative = [] if avoided is None else [(-spec.without_weight, avoided)]
    negative += [
        (
            -spec.without_weight / len(spec.without_images),
            encode_picture(encoder_for(model.name), image),
        )
        for image in spec.without_images
        if "image" in model.modalities
    ]
    if query.product_id is None:
        vector = interpolate(texts.connection, parts + negative) if parts else None
        return {} if vector is None else dict.fromkeys(model.modalities, vector)
    own = _product_vectors(texts.connection, spec.like, model.name)
    return {
        modality: interpolate(texts.connection, [(each, vector), *parts, *negative])
        for modality, vector in own.items()
    }


def _product_vectors(connection: Connection, sku: str, model: str) -> QueryVectors:
    """The stored embeddings of a product's text and main picture, where they exist."""
    row = connection.exec_driver_sql(
        "SELECT text, image FROM search_internal.product_embeddings(%(sku)s, %(model)s)",
        {"sku": sku, "model": model},
    ).one()
    found: dict[Modality, HalfVector | None] = {"text": row.text, "image": row.image}
    return {
        modality: vector.to_numpy().astype(np.float32)
        for modality, vector in found.items()
        if vector is not None
    }
