"""Similarity of rankings, and what follows from verdicts."""

import math

import pytest

from catalog.evaluation.comparisons import ComparedQuery, Comparison, as_judgments, count_wins
from catalog.evaluation.rank_similarity import overlap, rank_biased_overlap


def test_overlap_ignores_the_order_and_what_is_deeper() -> None:
    assert overlap("abcd", "badx", depth=3) == pytest.approx(2 / 3)
    assert overlap("ab", "b") == 0.5
    assert overlap("a", "") == 0
    assert overlap("", "") is None


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("abc", "abc", 1),
        ("abc", "xyz", 0),
        ("", "", None),
        ("a", "", 0),
        # By hand, with p = 0.9: 0.1/0.9 · (0/1 · 0.9 + 2/2 · 0.81) + 1 · 0.81
        ("ab", "ba", 0.9),
        # 0.1/0.9 · (1 · 0.9 + (1/2 + 1 · 1/(1 · 2)) · 0.81) + (0/2 + 1/1) · 0.81
        ("a", "ab", 1),
        # 0.1/0.9 · (0 · 0.9 + (1/2 + 0) · 0.81) + (1/2 + 0/1) · 0.81
        ("a", "ba", 0.45),
    ],
)
def test_rank_biased_overlap(left: str, right: str, expected: float | None) -> None:
    found = rank_biased_overlap(left, right)
    assert found == (None if expected is None else pytest.approx(expected))
    assert rank_biased_overlap(right, left) == (None if found is None else pytest.approx(found))


def test_the_top_counts_most() -> None:
    top, bottom = rank_biased_overlap("abcdef", "bacdef"), rank_biased_overlap("abcdef", "abcdfe")
    assert top is not None
    assert bottom is not None
    assert top < bottom < 1


RED = ComparedQuery("red")


def verdict(better: str, worse: str, query: ComparedQuery = RED, which: str = "left") -> Comparison:
    return Comparison(query, "a", "b", tuple(better), tuple(worse), which)  # type: ignore[arg-type]


def test_only_the_difference_of_two_lists_makes_products_relevant() -> None:
    (judged,) = as_judgments([verdict("pqrstZ", "pvwxyZ")], "pqrstvwxyZ")
    assert judged == (RED, ["q", "r", "s", "t"])
    (judged,) = as_judgments([verdict("pq", "pv", which="right")], "pqv")
    assert judged == (RED, ["v"])
    assert not list(as_judgments([verdict("pq", "qp"), verdict("p", "q", which="equal")], "pq"))


def test_verdicts_on_one_query_are_counted_together() -> None:
    both = [verdict("pq", "rs"), verdict("rq", "ps"), verdict("x", "y", ComparedQuery("blue"))]
    assert dict(as_judgments(both, "pqrsx")) == {RED: ["q"], ComparedQuery("blue"): ["x"]}
    assert dict(as_judgments(both, "pqrs")) == {RED: ["q"]}, "x is not in the catalogue any more"


def test_wins_do_not_depend_on_the_side() -> None:
    swapped = Comparison(RED, "b", "a", (), (), "right")
    (wins,) = count_wins([verdict("", ""), swapped, verdict("", "", which="equal")])
    assert (wins.left_setup, wins.left, wins.equal, wins.right) == ("a", 2, 1, 0)
    assert wins.p_value == pytest.approx(0.5)
    even = count_wins([verdict("", ""), verdict("", "", which="right")])
    assert math.isclose(even[0].p_value, 1)
