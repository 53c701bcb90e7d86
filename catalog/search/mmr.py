"""Diversity: hits reordered so that each says something that those before it have not."""

import numpy as np
from numpy.typing import NDArray


def maximal_marginal_relevance(
    relevance: NDArray[np.float64], likeness: NDArray[np.float64], diversity: float
) -> list[int]:
    """The order in which to show what is relevant and unlike what has been shown.

    Each next one has the highest (1 - diversity) * relevance - diversity * its greatest likeness
    to those chosen: maximal marginal relevance, Carbonell and Goldstein (SIGIR 1998), with
    diversity for their 1 - lambda. Ties keep the order given.

    Args:
        relevance: (n,), on the scale of `likeness`.
        likeness: (n, n), of each to each.
        diversity: 0 to 1.
    """
    left = np.ones(len(relevance), bool)
    nearest = np.zeros(len(relevance))
    order: list[int] = []
    while left.any():
        gain = (1 - diversity) * relevance - diversity * nearest
        chosen = int(np.argmax(np.where(left, gain, -np.inf)))
        order.append(chosen)
        left[chosen] = False
        nearest = np.maximum(nearest, likeness[chosen])
    return order
