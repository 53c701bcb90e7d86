"""What all engines store and are asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from sqlalchemy import Connection

TOP = 24
"""Hits of a question: the shop's first page."""
FACETS = ("category", "colour")
"""The facets that questions filter by, each by one value."""


@dataclass(frozen=True, slots=True)
class Collection:
    """n products: SKUs, words to search, values of `FACETS`, and unit vectors, float32 (n, d)."""

    skus: Sequence[str]
    words: Sequence[str]
    facets: Mapping[str, Sequence[str]]
    vectors: np.ndarray


@dataclass(frozen=True, slots=True)
class Question:
    """Words, their unit vector, float32 (d,), and grades of relevant SKUs, if they were judged.

    If `facet` is not empty, only products with this `value` may be found.
    """

    words: str
    vector: np.ndarray
    facet: str = ""
    value: str = ""
    relevant: Mapping[str, int] = field(default_factory=dict)


class Engine(Protocol):
    """A search engine with the collection in it."""

    name: str

    def build(self, collection: Collection) -> None:
        """Store and index the collection."""

    def hybrid(self, question: Question) -> list[str]:
        """The SKUs of the first `TOP` hits by words and vector, as the engine's manual shows it."""

    def nearest(self, question: Question) -> list[str]:
        """The SKUs of the `TOP` nearest vectors, of which recall is measured."""

    def disk(self) -> int:
        """Bytes on disk."""

    def computed(self) -> float:
        """The seconds that a process of its own has computed; 0 if it runs in this one."""


def read_collection(connection: Connection, model: str, modality: str) -> Collection:
    """The shop's products with the embeddings of one modality, those of first pictures."""
    owner = "product_id" if modality == "text" else "image_id"
    joined = (
        "" if modality == "text" else "JOIN product_image i ON i.id = e.image_id AND position = 0"
    )
    rows = connection.exec_driver_sql(
        "SELECT p.sku, concat_ws(' ', title, brand, gender, colour, product_type, subcategory,"
        " category) AS words, p.category, p.colour, e.embedding"
        f" FROM product p JOIN {model}_{modality} e ON e.product_id = p.id {joined}"
        f" WHERE e.{owner} IS NOT NULL ORDER BY p.id"
    ).all()
    return Collection(
        [row.sku for row in rows],
        [row.words for row in rows],
        {facet: [getattr(row, facet) or "" for row in rows] for facet in FACETS},
        np.stack([row.embedding.to_numpy() for row in rows]).astype(np.float32),
    )


def filtered(questions: Sequence[Question], collection: Collection) -> dict[str, list[Question]]:
    """The questions as they are, and with a random value of each facet, drawn by frequency."""
    rng = np.random.default_rng(7)
    found = {"no filter": list(questions)}
    for facet in FACETS:
        values = [value for value in collection.facets[facet] if value]
        drawn = [values[int(rng.integers(len(values)))] for _ in questions]
        found[f"one {facet}"] = [
            Question(it.words, it.vector, facet, value)
            for it, value in zip(questions, drawn, strict=True)
        ]
    return found


def exact(collection: Collection, question: Question) -> set[str]:
    """The SKUs of the `TOP` nearest products that pass the filter."""
    distances = -(collection.vectors @ question.vector)
    if question.facet:
        values = np.asarray(collection.facets[question.facet], dtype=object)
        distances = np.where(values == question.value, distances, np.inf)
    nearest = np.argsort(distances, kind="stable")[:TOP]
    return {collection.skus[row] for row in nearest if np.isfinite(distances[row])}
