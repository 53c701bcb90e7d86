"""Curves as SVG coordinates. The template of the report decides how they look."""

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.evaluation.metrics import RECALLS
from catalog.evaluation.setup_result import SetupResult
from catalog.evaluation.threshold_curves import thresholds

WIDTH, HEIGHT = 300, 200
"""Size of the plotted square from 0 to 1, in SVG units."""

TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    points: str
    """The attribute `points` of an SVG polyline."""


@dataclass(frozen=True, slots=True)
class Tick:
    label: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines in the square from 0 to 1."""

    title: str
    x_label: str
    y_label: str
    lines: list[Line]
    ticks: tuple[Tick, ...] = tuple(
        Tick(f"{at:g}", at * WIDTH, HEIGHT - at * HEIGHT) for at in TICKS
    )


def precision_recall(runs: Sequence[SetupResult]) -> list[Plot]:
    """One plot per kind of query: the mean interpolated precision of each setup."""
    plots = []
    for kind in runs[0].kinds:
        lines = []
        for run in runs:
            means = run.estimates(kind)
            precisions = [means[f"IPrec@{recall}"].mean for recall in RECALLS]
            lines.append(Line(str(run.setup), _points(RECALLS, precisions)))
        plots.append(Plot((kind or "queries").capitalize(), "recall", "precision", lines))
    return plots


def threshold_plots(runs: Sequence[SetupResult]) -> list[Plot]:
    """One plot per setup: the effect of a minimum match. Empty without nonsense queries."""
    plots = []
    for run in runs:
        if at := thresholds(run):
            minima = [each.min_match for each in at]
            lines = [
                Line(
                    "nonsense queries with hits", _points(minima, [a.false_positives for a in at])
                ),
                Line("relevant hits lost", _points(minima, [a.lost for a in at])),
                Line(
                    "queries left without relevant hits", _points(minima, [a.emptied for a in at])
                ),
            ]
            plots.append(Plot(str(run.setup), "minimum match", "share", lines))
    return plots


def _points(xs: Sequence[float], ys: Sequence[float]) -> str:
    return " ".join(
        f"{x * WIDTH:.1f},{HEIGHT - y * HEIGHT:.1f}" for x, y in zip(xs, ys, strict=True)
    )
