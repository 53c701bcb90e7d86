"""Fusion: several signals of a product, one score. Each way is a formula in SQL.

The formulas read columns of the statement's `scored` step: for each channel its `similarity`, its
`rank` among the candidates and its calibrated `match`, NULL where the product has no such
embedding; and for words `lexical`, the share of the query that the product's own words cover. What
the default should be is measured: docs/evaluation.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from catalog.search.calibration import QueryKind
from embedding.registry import Modality

RRF_K = 60
"""Reciprocal rank fusion's constant, from Cormack, Clarke and Büttcher (SIGIR 2009)."""

SIGNALS = ("lexical", "text", "image")

WEIGHTS: Mapping[QueryKind, Mapping[str, float]] = {
    "words": {"lexical": 0.3, "text": 0.45, "image": 0.25},
    "both": {"lexical": 0.35, "text": 0.25, "image": 0.4},
    "picture": {"text": 0.35, "image": 0.65},
    "product": {"text": 0.4, "image": 0.6},
}
"""What each signal counts in a weighted sum, by the kind of query."""

MIN_MATCH: Mapping[QueryKind, float] = {"words": 0.4, "both": 0.4, "picture": 0.5, "product": 0.4}
"""The minimum match of a hit: a picture of anything is somewhat like some product."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One list of candidates: a model's embeddings of one kind, and what to compare them with."""

    model: str
    modality: Modality
    vector: np.ndarray
    """Of unit length, float32 (d,)."""
    quantiles: tuple[float, ...]
    """Of unrelated pairs: see `catalog.search.calibration`."""
    weight: float

    @property
    def name(self) -> str:
        """Prefix of its columns."""
        return f"{self.model}_{self.modality}"


Formula = Callable[[Sequence[Channel], bool], str]
"""From the channels, and whether the lexical signal counts."""


def calibrated_sum(channels: Sequence[Channel], lexical: bool) -> str:
    """The weighted mean of the matches; what a product lacks is left out of it.

    Weights are parameters of the statement: `<channel>_weight` and `lexical_weight`.
    """
    columns = {channel.name: f"{channel.name}_match" for channel in channels}
    columns |= {"lexical": "lexical"} if lexical else {}
    weights = {name: f"%({name}_weight)s::float8" for name in columns}
    total = " + ".join(f"{weights[it]} * coalesce({columns[it]}, 0)" for it in columns)
    present = " + ".join(f"{weights[it]} * ({columns[it]} IS NOT NULL)::int" for it in columns)
    return f"({total}) / nullif({present}, 0)"


def calibrated_max(channels: Sequence[Channel], lexical: bool) -> str:
    """The best match."""
    return _greatest([f"{channel.name}_match" for channel in channels], lexical)


def raw_max(channels: Sequence[Channel], lexical: bool) -> str:
    """The best cosine, whatever it is a cosine with."""
    return _greatest([f"{channel.name}_similarity" for channel in channels], lexical)


def reciprocal_rank(channels: Sequence[Channel], lexical: bool) -> str:
    """The sum of 1 / (60 + rank) over the signals."""
    ranks = [f"{channel.name}_rank" for channel in channels] + ["lexical_rank"] * bool(lexical)
    return " + ".join(f"coalesce(1::float8 / ({RRF_K} + {rank}), 0)" for rank in ranks)


def _greatest(columns: list[str], lexical: bool) -> str:
    return f"greatest({', '.join(columns + ['lexical'] * bool(lexical))})"


FUSIONS: Mapping[str, Formula] = {
    "calibrated_sum": calibrated_sum,
    "calibrated_max": calibrated_max,
    "rrf": reciprocal_rank,
    "raw_max": raw_max,
}
"""By name, the default first."""

BY_MATCH = "calibrated_sum"
"""The default, whose scores are the matches."""
