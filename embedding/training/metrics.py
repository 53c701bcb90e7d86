"""Retrieval metrics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

try:
    from sklearn.metrics import average_precision_score
except ModuleNotFoundError as error:
    message = "training needs an extra: python -m pip install -e '.[training]'"
    raise ModuleNotFoundError(message) from error

Matrix = NDArray[np.float32]
Mask = NDArray[np.bool_]


def recall_at(k: int, scores: Matrix, relevant: Mask) -> float:
    """Share of q queries with a relevant item among the first k of n; both arrays are (q, n).

    Items that tie with the best relevant one count as ranked before it.
    """
    best = np.where(relevant, scores, -np.inf).max(1, keepdims=True)
    before = ((scores >= best) & ~relevant).sum(1)
    return float((before < k).mean())


def mean_average_precision(scores: Matrix, relevant: Mask, among: Mask | None = None) -> float:
    """Mean over the queries of the average precision, as scikit-learn defines it.

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
                average_precision_score(answers[ranked], score[ranked])
                for score, answers, ranked in zip(scores, relevant, among, strict=True)
            ]
        )
    )
