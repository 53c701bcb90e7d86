"""The figures of the model card: retrieval on the held-out pictures of one catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from embedding.encoder import Encoder
from embedding.training.data import Picture
from embedding.training.metrics import Mask, Matrix, mean_average_precision, recall_at
from embedding.training.phrases import Claims, phrases

ATTRIBUTE_QUERIES: Mapping[str, tuple[str, ...]] = {
    "colour+type+gender": (
        "{colour} {noun} for {gender}",
        "{whose} {colour} {noun}",
        "{noun} in {colour} for {gender}",
    ),
    "colour+pattern+type": ("{colour} {pattern} {noun}", "{pattern} {noun} in {colour}"),
    "kind": ("{noun}", "a photo of {noun}"),
}
"""Wordings of text queries, by the attributes that they name. The last wording of each of the first
two groups is not used in training."""


@dataclass(frozen=True)
class Figure:
    """A mean over queries, and their number."""

    name: str
    value: float
    queries: int

    def __str__(self) -> str:
        return f"  {self.name:<58} {self.value:.3f}  ({self.queries} queries)"


def evaluate(pictures: list[Picture], vectors: Matrix, texts: Encoder) -> Iterator[Figure]:
    """All figures that these n pictures allow; `vectors` are their unit vectors, (n, d)."""
    yield from by_title(pictures, vectors, texts)
    for name, wordings in ATTRIBUTE_QUERIES.items():
        yield from by_words(name, wordings, pictures, vectors, texts)
    yield from by_picture("fashion", pictures, vectors)


def by_title(pictures: list[Picture], vectors: Matrix, texts: Encoder) -> Iterator[Figure]:
    """Figures for each product's title as a query for the product's pictures.

    Pictures of another product with exactly the same title count as wrong in the strict figure and
    as right in the lenient one.
    """
    titles = {picture.product: picture.title for picture in pictures if picture.title}
    if not titles:
        return
    scores = texts.encode_texts(list(titles.values())) @ vectors.T
    product = np.array([picture.product for picture in pictures])
    title = np.array([picture.title for picture in pictures])
    strict = np.array(list(titles))[:, None] == product
    lenient = np.array(list(titles.values()))[:, None] == title
    yield Figure("title -> own picture, R@10, strict", recall_at(10, scores, strict), len(titles))
    yield Figure("title -> own picture, R@10, lenient", recall_at(10, scores, lenient), len(titles))


def by_words(
    name: str,
    wordings: tuple[str, ...],
    pictures: list[Picture],
    vectors: Matrix,
    texts: Encoder,
) -> Iterator[Figure]:
    """Figures for queries made of the attributes of each picture, in each wording.

    All pictures with all these attributes are relevant. Nobody searches for the pattern "plain".
    """
    queries: dict[str, Claims] = {}
    for picture in pictures:
        if picture.attributes.get("pattern") != "plain" or "pattern" not in name:
            queries |= phrases(picture.attributes, wordings)
    if name != "kind":
        queries = {text: claims for text, claims in queries.items() if "type" in claims}
    if not queries:
        return
    scores = texts.encode_texts(list(queries)) @ vectors.T
    relevant = np.array([_matches(claims, pictures) for claims in queries.values()])
    for least in (1, 2, 4):
        rows = relevant.sum(1) >= least
        if rows.any():
            value = mean_average_precision(scores[rows], relevant[rows])
            some = "" if least == 1 else f", {least} or more right"
            yield Figure(f"words ({name}) -> pictures, mAP{some}", value, int(rows.sum()))


def by_picture(model: str, pictures: list[Picture], vectors: Matrix) -> Iterator[Figure]:
    """Figures for each picture as a query for the pictures of other products of its type."""
    kinds = np.array([_kind(picture) for picture in pictures])
    product = np.array([picture.product for picture in pictures])
    others = product[:, None] != product
    relevant = (kinds[:, None] == kinds) & others
    rows = relevant.any(1)
    if rows.any():
        scores = vectors[rows] @ vectors.T
        value = mean_average_precision(scores, relevant[rows], others[rows])
        yield Figure(f"picture -> pictures of its type, mAP, {model}", value, int(rows.sum()))


def _kind(picture: Picture) -> str:
    return picture.attributes.get("type", picture.attributes["group"])


def _matches(claims: Claims, pictures: list[Picture]) -> Mask:
    return np.array([claims.items() <= picture.attributes.items() for picture in pictures])
