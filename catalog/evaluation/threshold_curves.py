"""What a minimum match costs and saves, at every threshold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from catalog.evaluation.runner import Measured, Ranking

THRESHOLDS = tuple(step / 50 for step in range(51))


@dataclass(frozen=True, slots=True)
class Threshold:
    """Shares, 0 to 1, if hits with a match below `min_match` were not shown.

    `false_positives`: of the nonsense queries, those that still have a hit. `lost`: of the
    relevant hits on the first page, those that are gone, averaged over the queries that have
    some. `emptied`: of these queries, those that are left without a relevant hit.
    """

    min_match: float
    false_positives: float
    lost: float
    emptied: float


def thresholds(measured: Measured) -> list[Threshold]:
    """The shares at each of `THRESHOLDS`; none unless there are nonsense queries and others."""
    nonsense = [each for each in measured.rankings if each.judgment.is_nonsense]
    found = [np.array(each.found) for each in measured.rankings if each.found]
    if not nonsense or not found:
        return []
    best = np.array([-np.inf if each.best is None else each.best for each in nonsense])
    return [
        Threshold(
            min_match,
            false_positives=float((best >= min_match).mean()),
            lost=float(np.mean([(matches < min_match).mean() for matches in found])),
            emptied=float(np.mean([(matches < min_match).all() for matches in found])),
        )
        for min_match in THRESHOLDS
    ]


def false_positives(rankings: Sequence[Ranking], count: int) -> list[Ranking]:
    """The nonsense queries whose best hits match best."""
    found = [each for each in rankings if each.judgment.is_nonsense and each.best is not None]
    return sorted(found, key=lambda each: -(each.best or 0.0))[:count]
