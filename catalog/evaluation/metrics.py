"""Retrieval metrics of a ranking, computed by `ir-measures` with trec_eval's definitions."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

try:
    import ir_measures
    from ir_measures import AP, RR, IPrec, P, R, Success, nDCG
except ModuleNotFoundError as error:
    message = "measuring the search needs an extra: python -m pip install -e '.[evaluation]'"
    raise ModuleNotFoundError(message) from error

Values = NDArray[np.float64]

MEASURES = {
    **{f"P@{k}": P @ k for k in (1, 5, 10)},
    **{f"R@{k}": R @ k for k in (1, 5, 10)},
    **{f"S@{k}": Success @ k for k in (5, 10)},
    "MRR": RR,
    "nDCG@10": nDCG @ 10,
    "mAP": AP,
}
"""Metrics by the name of their mean over queries. S@1 equals P@1."""

RECALLS = tuple(step / 10 for step in range(11))
PRECISIONS = {recall: IPrec @ recall for recall in RECALLS}
"""Interpolated precision by recall: the points of the precision/recall plot."""

NAMES = (*MEASURES, *(f"IPrec@{recall}" for recall in RECALLS))
_ALL = (*MEASURES.values(), *PRECISIONS.values())

RESAMPLES = 2000


def measure(relevant: Mapping[str, int], ranking: Sequence[tuple[str, Hashable]]) -> Values:
    """The metrics of one query, float64 (len(NAMES),), in the order of `NAMES`.

    Args:
        relevant: the grades, from 1, of the relevant items.
        ranking: items in ranked order, each with its sort key. Neighbours with equal keys are tied;
            ties are broken against the search, with the least relevant item first.
    """
    if not ranking:  # trec_eval's interpolated precision is undefined here
        return np.zeros(len(_ALL))
    pessimistic = [
        item
        for _, tied in groupby(ranking, key=lambda found: found[1])
        for item in sorted((item for item, _ in tied), key=lambda item: relevant.get(item, 0))
    ]
    # trec_eval sorts by score only, so each rank gets a different score.
    run = {item: float(-rank) for rank, item in enumerate(pessimistic)}
    found = ir_measures.evaluator(_ALL, {"q": dict(relevant)}).iter_calc({"q": run})
    values = {metric.measure: metric.value for metric in found}
    return np.array([values[wanted] for wanted in _ALL])


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over queries and its 95 % confidence interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} ±{(self.high - self.low) / 2:.3f}"


def estimate(values: Values, seed: int = 0) -> list[Estimate]:
    """The m means of n queries' values, (n, m), with bootstrapped 95 % percentile intervals.

    The same n and seed give the same resamples, so setups are compared on the same queries.
    """
    count = len(values)
    draws = np.random.default_rng(seed).multinomial(count, [1 / count] * count, RESAMPLES)
    low, high = np.percentile(draws @ values / count, (2.5, 97.5), axis=0)
    return [Estimate(*map(float, each)) for each in zip(values.mean(0), low, high, strict=True)]
