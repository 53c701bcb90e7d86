"""Fusion: SQL formulas that combine the signals of a product into one score.

The formulas read columns of the statement's `scored` CTE. Each channel has a `similarity` and a
calibrated `match`, which are NULL if the product has no such embedding.
Queries with words also have `lexical`, the share of the query terms that the product contains, and
`structure`, the share of what was understood that it fulfils.
The default fusion was chosen by measurement: docs/evaluation.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from catalog.search.calibration import QueryKind
from embedding.registry import Modality

RRF_K = 60
"""Reciprocal rank fusion's constant, from Cormack, Clarke and Büttcher (SIGIR 2009)."""

NAMED = ("structure", "lexical")
"""The signals that compare words, not embeddings."""

SIGNALS = (*NAMED, "text", "image")

WEIGHTS: Mapping[QueryKind, Mapping[str, float]] = {
    "words": {"structure": 0.5, "lexical": 0.15, "text": 0.2, "image": 0.15},
    "both": {"structure": 0.3, "lexical": 0.2, "text": 0.2, "image": 0.3},
    "picture": {"text": 0.35, "image": 0.65},
    "product": {"text": 0.4, "image": 0.6},
}
"""The weight of each signal in a weighted sum, by kind of query."""

MIN_MATCH: Mapping[QueryKind, float] = {"words": 0.4, "both": 0.4, "picture": 0.2, "product": 0.4}
"""The default minimum match of a hit. That of a picture is for one that shows a product; see
`catalog.search.picture_floor`."""

UNKNOWN_RAISE = 0.5
"""Added to the default minimum match of a query that is understood in part, times the share of its
unknown words: "sudoku blue" names a colour. Added as a whole for a question about something else,
such as "why is the sky blue"."""

UNRELATED_RAISE = 0.2
"""The same for a query of which nothing is understood: "who painted the ceiling"."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One list of candidates: a model's embeddings of one modality and a query vector."""

    model: str
    modality: Modality
    vector: np.ndarray
    """The query as a unit vector, float32 (d,)."""
    quantiles: tuple[float, ...]
    """Quantiles of the similarities of unrelated pairs; see `catalog.search.calibration`."""
    weight: float
    binary: bool = False
    """Whether an index of the signs of the embeddings finds the candidates."""

    @property
    def name(self) -> str:
        """Prefix of the channel's columns and CTEs."""
        return f"{self.model}_{self.modality}"


Formula = Callable[[Sequence[Channel], Sequence[str]], str]
"""Makes the SQL of a score from the channels and the signals of `NAMED` that are used."""


def calibrated_sum(channels: Sequence[Channel], named: Sequence[str]) -> str:
    """The weighted mean of the matches, without the signals that a product lacks.

    The weights are parameters of the statement: `<channel>_weight`, `lexical_weight` and
    `structure_weight`.
    """
    columns = {channel.name: f"{channel.name}_match" for channel in channels}
    columns |= {name: name for name in named}
    weights = {name: f"%({name}_weight)s::float8" for name in columns}
    total = " + ".join(f"{weights[it]} * coalesce({columns[it]}, 0)" for it in columns)
    present = " + ".join(f"{weights[it]} * ({columns[it]} IS NOT NULL)::int" for it in columns)
    return f"({total}) / nullif({present}, 0)"


def calibrated_max(channels: Sequence[Channel], named: Sequence[str]) -> str:
    """The highest match."""
    return _greatest([f"{channel.name}_match" for channel in channels], named)


def raw_max(channels: Sequence[Channel], named: Sequence[str]) -> str:
    """The highest cosine, regardless of modality."""
    return _greatest([f"{channel.name}_similarity" for channel in channels], named)


def reciprocal_rank(channels: Sequence[Channel], named: Sequence[str]) -> str:
    """The sum of 1 / (60 + rank) over the signals that a product has, ranked among candidates."""
    columns = [f"{channel.name}_similarity" for channel in channels]
    columns += [f"nullif({name}, 0)" for name in named]
    ranks = [f"rank() OVER (ORDER BY {column} DESC NULLS LAST)" for column in columns]
    return " + ".join(
        f"CASE WHEN {column} IS NULL THEN 0 ELSE 1::float8 / ({RRF_K} + {rank}) END"
        for column, rank in zip(columns, ranks, strict=True)
    )


def _greatest(columns: list[str], named: Sequence[str]) -> str:
    return f"greatest({', '.join([*columns, *named])})"


FUSIONS: Mapping[str, Formula] = {
    "calibrated_sum": calibrated_sum,
    "calibrated_max": calibrated_max,
    "rrf": reciprocal_rank,
    "raw_max": raw_max,
}
"""Formulas by name, the default first."""

BY_MATCH = "calibrated_sum"
"""The default fusion, whose scores are the matches."""
