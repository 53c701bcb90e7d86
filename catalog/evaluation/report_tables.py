"""All figures as Markdown tables and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from catalog.evaluation.metrics import MEASURES
from catalog.evaluation.runner import SetupResult
from catalog.evaluation.threshold_curves import thresholds

SHOWN_THRESHOLDS = tuple(step / 10 for step in range(11))


def as_markdown(runs: Sequence[SetupResult]) -> str:
    """One table for each kind of query, one for speed, one for each setup's thresholds.

    The number after ± is half the width of the 95 % confidence interval.
    """
    parts = []
    for kind in runs[0].kinds:
        estimates = [run.estimates(kind) for run in runs]
        rows = [
            [str(run.setup), *(str(each[name]) for name in MEASURES)]
            for run, each in zip(runs, estimates, strict=True)
        ]
        name = f"{kind or 'queries'} ({len(runs[0].of_kind(kind))})"
        parts.append(_table([name, *MEASURES], rows))
    speeds = [
        [str(run.setup), *(f"{value:.1f}" for value in asdict(run.speed).values())] for run in runs
    ]
    titles = ("queries/s", "encoding p50", "p95 ms", "SQL p50", "p95 ms")
    parts.append(_table(["speed", *titles], speeds))
    for run in runs:
        if at := [each for each in thresholds(run) if each.min_match in SHOWN_THRESHOLDS]:
            head = ["minimum match", *(f"{each.min_match:.1f}" for each in at)]
            shares = {
                "nonsense queries with hits": [each.false_positives for each in at],
                "relevant hits lost": [each.lost for each in at],
                "queries left without relevant hits": [each.emptied for each in at],
            }
            lines = [[name, *(f"{x:.3f}" for x in values)] for name, values in shares.items()]
            parts.append(f"{run.setup}:\n\n{_table(head, lines)}")
    return "\n\n".join(parts)


def as_json(runs: Sequence[SetupResult]) -> list[dict[str, Any]]:
    """Each setup's figures: metrics by kind with their intervals, speed, thresholds."""
    return [
        {
            "model": run.setup.model,
            "signals": list(run.setup.signals),
            "fusion": run.setup.fusion,
            "kinds": {
                kind: {
                    "queries": len(run.of_kind(kind)),
                    "measures": {
                        name: asdict(value) for name, value in run.estimates(kind).items()
                    },
                }
                for kind in run.kinds
            },
            "speed": asdict(run.speed),
            "thresholds": [asdict(each) for each in thresholds(run)],
        }
        for run in runs
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    padded = [
        [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]
        for line in lines
    ]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (padded[0], rule, *padded[1:]))
