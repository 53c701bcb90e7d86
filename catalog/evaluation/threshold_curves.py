"""The effect of a minimum match: nonsense hits avoided and relevant hits lost, by threshold."""

from dataclasses import dataclass

import numpy as np

from catalog.evaluation.setup_result import Ranking, SetupResult

THRESHOLDS = tuple(step / 50 for step in range(51))


@dataclass(frozen=True, slots=True)
class Threshold:
    """Shares, 0 to 1, if hits with a match below `min_match` were not shown.

    `false_positives` is the share of nonsense queries that still have a hit. `lost` is the share
    of relevant hits on the first page that are removed, averaged over the queries that have any.
    `emptied` is the share of these queries that are left without a relevant hit.
    """

    min_match: float
    false_positives: float
    lost: float
    emptied: float


def thresholds(measured: SetupResult) -> list[Threshold]:
    """The shares at each of `THRESHOLDS`.

    Empty without nonsense queries or relevant hits, and for pages, which have a minimum match.
    """
    nonsense = measured.nonsense
    found = [np.array(each.found) for each in measured.rankings if each.found]
    if measured.setup.page or not nonsense or not found:
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


def false_positives(measured: SetupResult, count: int) -> list[Ranking]:
    """The `count` nonsense queries with the highest matches, best first."""
    found = [each for each in measured.nonsense if each.is_answered]
    return sorted(found, key=lambda each: -(each.best or 0.0))[:count]
