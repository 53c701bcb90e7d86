"""From a question to the vectors that embeddings are compared with."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from pgvector import HalfVector
from sqlalchemy import Connection

from catalog.search.calibration import UNCALIBRATED, Quantiles, QueryKind
from catalog.search.fusion import WEIGHTS, Channel
from catalog.search.request import NotUnderstood, SearchError, SearchSpec, UnknownProduct
from catalog.search.text_encoder import TextEncoder
from embedding.encoder import Encoder, encode_picture
from embedding.registry import Modality, ModelSpec, get_spec

EncoderFor = Callable[[str], Encoder]
QueryVectors = dict[Modality, np.ndarray]
"""For each kind of item, the unit vector, float32 (d,), to compare its embeddings with."""

KINDS: dict[Modality, str] = {"text": "words", "image": "pictures"}
"""What a model understands, as people call it."""


@dataclass(frozen=True, slots=True)
class Question:
    """The parts of a search that a model encodes."""

    words: str
    without: str
    spec: SearchSpec
    like: int | None
    """Id of the product whose like is sought."""

    @property
    def kind(self) -> QueryKind:
        if self.words and self.examples:
            return "both"
        if self.like is not None:
            return "product"
        return "picture" if self.spec.images else "words"

    @property
    def examples(self) -> int:
        """How many pictures and products are looked for."""
        return len(self.spec.images) + (self.like is not None)

    @property
    def picture_share(self) -> float:
        """Of the examples, which have the same share each; words have the rest."""
        if not self.examples:
            return 0.0
        return self.spec.blend if self.words else 1.0

    @property
    def needs(self) -> set[Modality]:
        """What a model must understand to take all of it."""
        words, pictures = bool(self.words or self.without), bool(self.spec.images)
        needed: dict[Modality, bool] = {"text": words, "image": pictures}
        return {modality for modality, is_needed in needed.items() if is_needed}


def find_product(connection: Connection, sku: str) -> int:
    """The id of the product `sku`.

    Raises:
        UnknownProduct: there is none.
    """
    found = connection.exec_driver_sql(
        "SELECT id FROM product WHERE sku = %(sku)s", {"sku": sku}
    ).scalar()
    if found is None:
        raise UnknownProduct(f"there is no product with the SKU {sku!r}")
    return int(found)


def models_for(question: Question, in_use: list[str]) -> list[ModelSpec]:
    """The models to ask: those named, else the first in use, that understand what is asked.

    Raises:
        NotUnderstood: no model in use does, nor one that is named.
        SearchError: those named do not, but others in use do.
    """
    names = list(dict.fromkeys(filter(None, question.spec.model.split("+"))))
    if found := _able(question, names):
        return found
    able = _able(question, in_use)
    if not able:
        kinds = " and ".join(KINDS[modality] for modality in sorted(question.needs, reverse=True))
        raise NotUnderstood(f"no single model in use understands {kinds}")
    if names:
        missing = KINDS[min(question.needs - set(get_spec(names[0]).modalities))]
        choice = " or ".join(spec.name for spec in able)
        raise SearchError(f"the model {names[0]} does not understand {missing}; choose {choice}")
    return able[:1]


def _able(question: Question, names: list[str]) -> list[ModelSpec]:
    return [spec for spec in map(get_spec, names) if question.needs <= set(spec.modalities)]


def channels(
    question: Question,
    model: ModelSpec,
    quantiles: Quantiles,
    texts: TextEncoder,
    share: float = 1.0,
) -> list[Channel]:
    """What to compare each of the model's kinds of embedding with.

    A product's embeddings are compared each with its own kind, and with words blended into it.
    None: the product is not embedded yet.

    Args:
        quantiles: the model's, of unrelated pairs.
        texts: encodes words, and knows the database.
        share: of the model, where several are asked.

    Raises:
        ImageError: a picture is none.
        EncoderError: the model cannot be loaded.
    """
    weights = WEIGHTS[question.kind]
    return [
        Channel(
            model.name,
            modality,
            vector,
            _quantiles(texts.connection, question, model.name, modality, quantiles),
            share * weights[modality],
        )
        for modality, vector in _vectors(question, model, texts).items()
        if question.spec.counts(modality)
    ]


def interpolate(connection: Connection, parts: list[tuple[float, np.ndarray]]) -> np.ndarray:
    """The weighted sum of unit vectors, float32 (d,), brought back to unit length and rounded to
    half precision, by `search.interpolate`: SQL and the storefront ask with the same vector."""
    if len(parts) == 1:
        return parts[0][1]
    found = connection.exec_driver_sql(
        "SELECT search.interpolate(%(vectors)s::halfvec[], %(weights)s::float8[])",
        {
            "vectors": [HalfVector(vector).to_text() for _, vector in parts],
            "weights": [weight for weight, _ in parts],
        },
    ).scalar_one()
    return np.asarray(found.to_numpy(), dtype=np.float32)


def _quantiles(
    connection: Connection,
    question: Question,
    model: str,
    modality: Modality,
    known: Quantiles,
) -> tuple[float, ...]:
    """Those fitted for such a query, or between those for words and pictures."""
    fitted_shares = {"words": 0.0, "both": 0.5, "picture": 1.0, "product": 1.0}
    if question.picture_share == fitted_shares[question.kind]:
        if fitted := known.get((question.kind, modality)):
            return fitted
        if not known:
            return UNCALIBRATED
    found = connection.exec_driver_sql(
        "SELECT search.quantiles(%(model)s, %(query)s, %(item)s, %(share)s)",
        {
            "model": model,
            "query": question.kind,
            "item": modality,
            "share": question.picture_share,
        },
    ).scalar_one()
    return tuple(map(float, found))


def _vectors(question: Question, model: ModelSpec, texts: TextEncoder) -> QueryVectors:
    spec, encoder_for = question.spec, texts.encoder_for
    share = question.picture_share
    parts: list[tuple[float, np.ndarray]] = []
    if question.words and share < 1:
        parts.append((1 - share, texts.encode(question.words, model.name)))
    each = share / max(1, question.examples)
    parts += [
        (each, encode_picture(encoder_for(model.name), image)) for image in spec.images if each > 0
    ]
    away = (
        [(-spec.without_weight, texts.encode(question.without, model.name))]
        if question.without
        else []
    )
    away += [
        (
            -spec.without_weight / len(spec.without_images),
            encode_picture(encoder_for(model.name), image),
        )
        for image in spec.without_images
        if "image" in model.modalities
    ]
    if question.like is None:
        vector = interpolate(texts.connection, parts + away) if parts else None
        return {} if vector is None else dict.fromkeys(model.modalities, vector)
    own = _product_vectors(texts.connection, spec.like, model.name)
    return {
        modality: interpolate(texts.connection, [(each, vector), *parts, *away])
        for modality, vector in own.items()
    }


def _product_vectors(connection: Connection, sku: str, model: str) -> QueryVectors:
    """A product's text, and its main picture, as they are embedded."""
    row = connection.exec_driver_sql(
        "SELECT text, image FROM search.product_embeddings(%(sku)s, %(model)s)",
        {"sku": sku, "model": model},
    ).one()
    found: dict[Modality, HalfVector | None] = {"text": row.text, "image": row.image}
    return {
        modality: vector.to_numpy().astype(np.float32)
        for modality, vector in found.items()
        if vector is not None
    }
