"""How alike two rankings of the same query are."""

from collections.abc import Hashable, Sequence

PERSISTENCE = 0.9
"""The probability that a reader goes on to the next rank; the first ten ranks then have 86 % of the
weight (Webber, Moffat and Zobel 2010, equation 21)."""


def overlap(left: Sequence[Hashable], right: Sequence[Hashable], depth: int = 10) -> float | None:
    """The share of the first `depth` items that both rankings have, in any order: 0 to 1.

    It is relative to the longer ranking if both have less than `depth` items, and None if both are
    empty.
    """
    first, second = set(left[:depth]), set(right[:depth])
    longest = max(len(first), len(second))
    return len(first & second) / longest if longest else None


def rank_biased_overlap(
    left: Sequence[Hashable], right: Sequence[Hashable], persistence: float = PERSISTENCE
) -> float | None:
    """Rank-biased overlap, extrapolated: 0 (nothing in common) to 1 (the same order).

    The overlap of the first d items, averaged over all depths d with weights that fall by the
    factor `persistence`. Differences at the top count most, and the rankings may have different
    items and lengths. This is RBO_EXT of W. Webber, A. Moffat and J. Zobel, "A similarity measure
    for indefinite rankings", ACM TOIS 28(4), 2010, equation 32.

    Args:
        left, right: different items, best first.

    Returns:
        None if both rankings are empty, 0 if only one is.
    """
    shorter, longer = sorted((left, right), key=len)
    short, long = len(shorter), len(longer)
    if not short:
        return None if not long else 0.0
    seen_short: set[Hashable] = set()
    seen_long: set[Hashable] = set()
    common = common_of_short = 0
    total = 0.0
    for depth in range(1, long + 1):
        added = longer[depth - 1]
        seen_long.add(added)
        common += added in seen_short
        if depth <= short:
            other = shorter[depth - 1]
            seen_short.add(other)
            common += other in seen_long
            common_of_short = common
        agreement = common / depth
        if depth > short:  # what the shorter ranking would have in common, if it went on
            agreement += common_of_short * (depth - short) / (short * depth)
        total += agreement * persistence**depth
    last = (common - common_of_short) / long + common_of_short / short
    return (1 - persistence) / persistence * total + last * persistence**long
