"""Diversity: reorders hits so that each differs from those before it."""

import numpy as np
from numpy.typing import NDArray


def maximal_marginal_relevance(
    relevance: NDArray[np.float64], similarity: NDArray[np.float64], diversity: float
) -> list[int]:
    """Order items by maximal marginal relevance and return their indexes.

    Each step chooses the item with the highest (1 - diversity) * relevance - diversity * s, where s
    is its highest similarity to an item that is already chosen (Carbonell and Goldstein, SIGIR
    1998, with diversity for their 1 - lambda). Ties keep the input order.

    Args:
        relevance: shape (n,), on the scale of `similarity`.
        similarity: pairwise similarities, shape (n, n).
        diversity: 0 to 1.
    """
    left = np.ones(len(relevance), bool)
    max_similarity = np.zeros(len(relevance))
    order: list[int] = []
    while left.any():
        gain = (1 - diversity) * relevance - diversity * max_similarity
        chosen = int(np.argmax(np.where(left, gain, -np.inf)))
        order.append(chosen)
        left[chosen] = False
        max_similarity = np.maximum(max_similarity, similarity[chosen])
    return order
