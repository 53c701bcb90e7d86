"""Retrieval metrics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Mask = NDArray[np.bool_]


def recall_at(k: int, scores: Matrix, relevant: Mask) -> float:
    """Share of q queries with a relevant item among the first k of n; both arrays are (q, n).

    Items that tie with the best relevant one count as ranked before it.
    """
    best = np.where(relevant, scores, -np.inf).max(1, keepdims=True)
    before = ((scores >= best) & ~relevant).sum(1)
    return float((before < k).mean())


def precision_at(k: int, scores: Matrix, relevant: Mask) -> float:
    """Mean share of relevant items among the first k of n; both arrays are (q, n)."""
    first = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return float(np.take_along_axis(relevant, first, 1).mean())


def mean_reciprocal_rank(scores: Matrix, relevant: Mask) -> float:
    """Mean of 1 / the rank of the best relevant of n items, for q queries; both arrays are (q, n).

    Items that tie with it count as ranked before it. Each query has a relevant item.
    """
    best = np.where(relevant, scores, -np.inf).max(1, keepdims=True)
    before = ((scores >= best) & ~relevant).sum(1)
    return float((1 / (1 + before)).mean())


def mean_average_precision(scores: Matrix, relevant: Mask, among: Mask | None = None) -> float:
    """Mean over the queries of the average precision.

    Args:
        scores: of n items for q queries, (q, n).
        relevant: which items are relevant, (q, n); each query has at least one.
        among: which items are ranked, (q, n); by default all.
    """
    if among is None:
        among = np.ones_like(relevant)
    return float(
        np.mean(
            [
                average_precision(score[ranked], answers[ranked])
                for score, answers, ranked in zip(scores, relevant, among, strict=True)
            ]
        )
    )


def average_precision(scores: NDArray[np.float32], relevant: NDArray[np.bool_]) -> float:
    """Average precision of n items, both (n,), of which at least one is relevant.

    As scikit-learn defines it: items that tie are ranked at once.
    """
    order = np.argsort(-scores, kind="stable")
    found = relevant[order].cumsum()
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    found = found[last]
    gained = np.diff(found, prepend=0) / found[-1]
    return float((gained * found / (last + 1)).sum())
