"""From a question to the vectors that embeddings are compared with."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from catalog import config
from catalog.calibration import Quantiles, QueryKind, interpolate_quantiles
from catalog.fusion import WEIGHTS, Channel
from catalog.spec import SearchError, SearchSpec, UnknownProduct
from catalog.tables import EMBEDDINGS
from embedding.encoder import Encoder, encode_picture
from embedding.registry import Modality, ModelSpec, get_spec

EncoderFor = Callable[[str], Encoder]
QueryVectors = dict[Modality, np.ndarray]
"""For each kind of item, the unit vector, float32 (d,), to compare its embeddings with."""


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


def models_for(question: Question) -> list[ModelSpec]:
    """The models to ask: those named that understand what is asked.

    Raises:
        SearchError: none of them does.
    """
    names = (question.spec.model or config.enabled_models()[0]).split("+")
    specs = [get_spec(name) for name in dict.fromkeys(names)]
    able = [spec for spec in specs if question.needs <= set(spec.modalities)]
    if not able:
        missing = min(question.needs - set(specs[0].modalities))
        kind = {"text": "words", "image": "pictures"}[missing]
        others = [
            name
            for name in config.enabled_models()
            if question.needs <= set(get_spec(name).modalities)
        ]
        instead = f"; choose {' or '.join(others)}" if others else ""
        raise SearchError(f"the model {specs[0].name} does not understand {kind}{instead}")
    return able


def channels(
    connection: Connection,
    question: Question,
    model: ModelSpec,
    quantiles: Quantiles,
    encoder_for: EncoderFor,
    share: float = 1.0,
) -> list[Channel]:
    """What to compare each of the model's kinds of embedding with.

    A product's embeddings are compared each with its own kind, and with words blended into it.
    None: the product is not embedded yet.

    Args:
        share: of the model, where several are asked.

    Raises:
        ImageError: a picture is none.
    """
    vectors = _vectors(connection, question, model, encoder_for)
    weights = WEIGHTS[question.kind]
    return [
        Channel(
            model.name,
            modality,
            vector,
            quantiles.get(("product", modality)) or interpolate_quantiles(quantiles, modality, 1.0)
            if question.kind == "product"
            else interpolate_quantiles(quantiles, modality, question.picture_share),
            share * weights[modality],
        )
        for modality, vector in vectors.items()
        if question.spec.counts(modality)
    ]


def interpolate(parts: list[tuple[float, np.ndarray]]) -> np.ndarray:
    """The weighted sum of unit vectors, float32 (d,), brought back to unit length.

    Negative weights push away. Where the parts cancel out, the heaviest one stands alone.
    """
    total = np.sum([weight * vector for weight, vector in parts], axis=0)
    length = float(np.linalg.norm(total))
    if length < 1e-6:
        return max(parts, key=lambda part: part[0])[1]
    return np.asarray(total / length, dtype=np.float32)


def _vectors(
    connection: Connection, question: Question, model: ModelSpec, encoder_for: EncoderFor
) -> QueryVectors:
    spec = question.spec
    share = question.picture_share
    parts: list[tuple[float, np.ndarray]] = []
    if question.words and share < 1:
        parts.append((1 - share, encoder_for(model.name).encode_texts([question.words])[0]))
    each = share / max(1, question.examples)
    parts += [
        (each, encode_picture(encoder_for(model.name), image)) for image in spec.images if each > 0
    ]
    away = (
        [(-spec.push, encoder_for(model.name).encode_texts([question.without])[0])]
        if question.without
        else []
    )
    away += [
        (-spec.push / len(spec.without_images), encode_picture(encoder_for(model.name), image))
        for image in spec.without_images
        if "image" in model.modalities
    ]
    if question.like is None:
        return dict.fromkeys(model.modalities, interpolate(parts + away)) if parts else {}
    own = _product_vectors(connection, question.like, model.name)
    return {
        modality: interpolate([(each, vector), *parts, *away]) for modality, vector in own.items()
    }


def _product_vectors(connection: Connection, product: int, model: str) -> QueryVectors:
    """A product's text, and its main picture, as they are embedded."""
    tables = EMBEDDINGS[model]
    columns = ", ".join(
        f"(SELECT e.embedding FROM {table.name} e LEFT JOIN product_image i ON {on}"
        f" WHERE e.product_id = %(product)s ORDER BY i.position LIMIT 1) AS {modality}"
        for modality, table in tables.items()
        for on in ["i.id = e.image_id" if modality == "image" else "false"]
    )
    row = connection.exec_driver_sql(f"SELECT {columns}", {"product": product}).mappings().one()
    found = {modality: row[modality] for modality in tables if row[modality] is not None}
    return {kind: vector.to_numpy().astype(np.float32) for kind, vector in found.items()}
