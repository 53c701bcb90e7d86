"""The template context of the HTML report."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from catalog.evaluation.metrics import MEASURES, Estimate
from catalog.evaluation.product_lookup import Catalogue
from catalog.evaluation.query_rows import BAD, MOST, bad_rankings, query_row
from catalog.evaluation.report_tables import Table, answered, measure_tables
from catalog.evaluation.setup_result import SetupResult
from catalog.evaluation.svg_plots import HEIGHT, WIDTH, precision_recall, threshold_plots
from catalog.evaluation.threshold_curves import false_positives

NONSENSE = 8
"""Number of nonsense queries shown."""


@dataclass(frozen=True, slots=True)
class Cell:
    value: Estimate
    best: bool


def report_context(runs: Sequence[SetupResult], catalogue: Catalogue) -> dict[str, Any]:
    """The context of the template `evaluation/report.html`. The queries shown are of the first
    setup."""
    first = runs[0]
    products = catalogue.products
    return {
        "measures": list(MEASURES),
        "ndcg": list(MEASURES).index("nDCG@10"),
        "tables": [(table.title, _cells(table)) for table in measure_tables(runs)],
        "answered": [(run.setup, answered(run)) for run in runs if run.setup.page],
        "speeds": [(run.setup, run.speed) for run in runs],
        "precision_recall": precision_recall(runs),
        "thresholds": threshold_plots(runs),
        "width": WIDTH,
        "height": HEIGHT,
        "first": first.setup,
        "bad_limit": BAD,
        "bad_most": MOST,
        "bad": [query_row(each, products) for each in bad_rankings(first)],
        "nonsense": [query_row(each, products) for each in false_positives(first, NONSENSE)],
    }


def _cells(table: Table) -> list[tuple[str, list[Cell]]]:
    best = {name: max(means[name].mean for _, means in table.rows) for name in MEASURES}
    return [
        (
            label,
            [
                Cell(means[name], table.compares and means[name].mean == best[name])
                for name in MEASURES
            ],
        )
        for label, means in table.rows
    ]
