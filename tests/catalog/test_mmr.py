"""Maximal marginal relevance, compared with values calculated by hand."""

import numpy as np

from catalog.search.mmr import maximal_marginal_relevance

RELEVANCE = np.array([1.0, 0.9, 0.5])
SIMILARITY = np.array([[1.0, 0.9, 0.1], [0.9, 1.0, 0.2], [0.1, 0.2, 1.0]])


def test_without_diversity_items_are_ordered_by_relevance() -> None:
    assert maximal_marginal_relevance(RELEVANCE, SIMILARITY, 0.0) == [0, 1, 2]


def test_an_item_similar_to_a_chosen_one_comes_later() -> None:
    # Item 1 has 0.5 * 0.9 - 0.5 * 0.9 = 0, item 2 has 0.5 * 0.5 - 0.5 * 0.1 = 0.2.
    assert maximal_marginal_relevance(RELEVANCE, SIMILARITY, 0.5) == [0, 2, 1]


def test_full_diversity_still_returns_every_item_once() -> None:
    assert sorted(maximal_marginal_relevance(RELEVANCE, SIMILARITY, 1.0)) == [0, 1, 2]
    assert maximal_marginal_relevance(np.empty(0), np.empty((0, 0)), 1.0) == []
