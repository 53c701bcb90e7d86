"""All figures as Markdown tables and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from catalog.evaluation.metrics import MEASURES, Estimate
from catalog.evaluation.setup_result import SetupResult
from catalog.evaluation.sizes import SizeResult
from catalog.evaluation.threshold_curves import thresholds

SHOWN_THRESHOLDS = tuple(step / 10 for step in range(11))


@dataclass(frozen=True, slots=True)
class Table:
    """The mean measures by name, of each row. `compares` tells whether the rows are the same
    queries with different setups."""

    title: str
    rows: list[tuple[str, dict[str, Estimate]]]
    compares: bool


def measure_tables(runs: Sequence[SetupResult]) -> list[Table]:
    """One setup: a table with a row for each kind of query. Otherwise a table for each kind, with a
    row for each setup. The last row or table is of all queries."""
    first = runs[0]
    groups: list[tuple[str, str | None]] = [
        (f"{kind or 'queries'} ({len(first.of_kind(kind))})", kind) for kind in first.kinds
    ]
    if len(groups) > 1:
        groups.append((f"all ({len(first.of_kind())})", None))
    if len(runs) == 1 and groups:
        rows = [(label, first.estimates(kind)) for label, kind in groups]
        return [Table(str(first.setup), rows, compares=False)]
    return [
        Table(label, [(str(run.setup), run.estimates(kind)) for run in runs], compares=True)
        for label, kind in groups
    ]


def as_markdown(runs: Sequence[SetupResult]) -> str:
    """The measures, the speed, and for each setup its answered queries or its thresholds.

    The number after ± is half the width of the 95 % confidence interval.
    """
    parts = [
        _table(
            [table.title, *MEASURES],
            [[label, *(str(means[name]) for name in MEASURES)] for label, means in table.rows],
        )
        for table in measure_tables(runs)
    ]
    speeds = [
        [str(run.setup), *(f"{value:.1f}" for value in asdict(run.speed).values())] for run in runs
    ]
    titles = ("queries/s", "encoding p50", "p95 ms", "SQL p50", "p95 ms")
    parts.append(_table(["speed", *titles], speeds))
    for run in runs:
        if run.setup.page:
            table = [[kind, str(queries), str(hits)] for kind, queries, hits in answered(run)]
            parts.append(f"{run.setup}:\n\n{_table(['page', 'queries', 'with hits'], table)}")
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


def sizes_as_markdown(results: Sequence[SizeResult]) -> str:
    """One table of the sizes of vectors, with a row for each modality and size."""
    head = [
        "dimensions",
        "compared",
        "recall@10",
        "nDCG@10",
        "bytes/product",
        "index MB",
        "queries/s",
    ]
    rows = [
        [
            each.size,
            f"{each.modality}s",
            f"{each.recall:.3f}",
            f"{each.ndcg:.3f}",
            f"{each.bytes_per_product:,.0f}",
            f"{each.index_bytes / 1e6:.2f}" if each.index_bytes else "-",
            "-" if each.per_second is None else f"{each.per_second:,.0f}",
        ]
        for each in results
    ]
    return _table(head, rows)


def answered(run: SetupResult) -> list[tuple[str, int, int]]:
    """For each kind, all queries with relevant products, and all nonsense queries: a label, the
    number of queries, and how many have hits."""
    groups = [(kind or "queries", run.of_kind(kind)) for kind in run.kinds]
    if len(groups) > 1:
        groups.append(("all", run.of_kind()))
    if run.nonsense:
        groups.append(("nonsense", run.nonsense))
    return [
        (label, len(rankings), sum(each.is_answered for each in rankings))
        for label, rankings in groups
    ]


def as_json(runs: Sequence[SetupResult]) -> list[dict[str, Any]]:
    """Each setup's figures: metrics by kind with their intervals, speed, thresholds."""
    return [
        {
            "model": run.setup.model,
            "signals": list(run.setup.signals),
            "fusion": run.setup.fusion,
            "page": run.setup.page,
            "kinds": {kind: _figures(run, kind) for kind in run.kinds},
            "all": _figures(run) if run.kinds else None,
            "nonsense": {
                "queries": len(run.nonsense),
                "answered": sum(each.is_answered for each in run.nonsense),
            },
            "speed": asdict(run.speed),
            "thresholds": [asdict(each) for each in thresholds(run)],
        }
        for run in runs
    ]


def _figures(run: SetupResult, kind: str | None = None) -> dict[str, Any]:
    rankings = run.of_kind(kind)
    return {
        "queries": len(rankings),
        "answered": sum(each.is_answered for each in rankings),
        "measures": {name: asdict(value) for name, value in run.estimates(kind).items()},
    }


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    padded = [
        [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]
        for line in lines
    ]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (padded[0], rule, *padded[1:]))
