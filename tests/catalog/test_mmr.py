"""Maximal marginal relevance, by hand."""

import numpy as np

from catalog.search.mmr import maximal_marginal_relevance

RELEVANCE = np.array([1.0, 0.9, 0.5])
LIKENESS = np.array([[1.0, 0.9, 0.1], [0.9, 1.0, 0.2], [0.1, 0.2, 1.0]])


def test_without_diversity_the_order_is_that_of_relevance() -> None:
    assert maximal_marginal_relevance(RELEVANCE, LIKENESS, 0.0) == [0, 1, 2]


def test_what_is_like_one_shown_before_waits() -> None:
    # The second: 0.5 * 0.9 - 0.5 * 0.9 = 0; the third: 0.5 * 0.5 - 0.5 * 0.1 = 0.2.
    assert maximal_marginal_relevance(RELEVANCE, LIKENESS, 0.5) == [0, 2, 1]


def test_all_diversity_still_shows_everything_once() -> None:
    assert sorted(maximal_marginal_relevance(RELEVANCE, LIKENESS, 1.0)) == [0, 1, 2]
    assert maximal_marginal_relevance(np.empty(0), np.empty((0, 0)), 1.0) == []
