"""The template context of the HTML report, with pictures as data URIs."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from catalog import config
from catalog.evaluation.judgments import Judgment
from catalog.evaluation.metrics import MEASURES, NAMES, Estimate
from catalog.evaluation.product_lookup import Catalogue, Product
from catalog.evaluation.runner import Ranking, SetupResult
from catalog.evaluation.svg_plots import HEIGHT, WIDTH, precision_recall, threshold_plots
from catalog.evaluation.threshold_curves import false_positives
from embedding.image_decoding import ImageError, open_image

WORST = 8
"""Number of queries shown of each kind."""

SIDE = 112
"""Longer side of the thumbnails, in pixels."""

_NDCG, _MAP = NAMES.index("nDCG@10"), NAMES.index("mAP")


@dataclass(frozen=True, slots=True)
class Cell:
    value: Estimate
    best: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """A product or a query picture. `right` tells whether a hit is relevant, None if not a hit."""

    title: str
    image: str
    right: bool | None = None
    match: float | None = None
    """In percent."""


@dataclass(frozen=True, slots=True)
class Row:
    """A query and its first hits. `wanted` is one of its relevant products."""

    judgment: Judgment
    query: Picture | None
    wanted: Picture | None
    hits: list[Picture]
    first: int | None
    ndcg: float | None


def report_context(runs: Sequence[SetupResult], catalogue: Catalogue) -> dict[str, Any]:
    """The context of the template `evaluation/report.html`. The worst queries are of the first
    setup."""
    first = runs[0]
    worst_rows = {
        kind: [_row(each, catalogue) for each in worst(first, kind, WORST)] for kind in first.kinds
    }
    nonsense = [_row(each, catalogue) for each in false_positives(first.rankings, WORST)]
    return {
        "measures": list(MEASURES),
        "ndcg": list(MEASURES).index("nDCG@10"),
        "tables": [(kind, len(first.of_kind(kind)), _cells(runs, kind)) for kind in first.kinds],
        "speeds": [(run.setup, run.speed) for run in runs],
        "precision_recall": precision_recall(runs),
        "thresholds": threshold_plots(runs),
        "width": WIDTH,
        "height": HEIGHT,
        "first": first.setup,
        "worst": worst_rows,
        "nonsense": nonsense,
    }


def worst(measured: SetupResult, kind: str, count: int) -> list[Ranking]:
    """The `count` worst imperfect results of one kind: lowest nDCG@10 first, then lowest mAP."""
    ranked = [
        (float(each.values[_NDCG]), float(each.values[_MAP]), each)
        for each in measured.of_kind(kind)
        if each.values is not None
    ]
    ranked.sort(key=lambda item: item[:2])
    return [each for ndcg, precision, each in ranked[:count] if min(ndcg, precision) < 1]


def _cells(runs: Sequence[SetupResult], kind: str) -> list[tuple[Any, list[Cell]]]:
    estimates = [run.estimates(kind) for run in runs]
    best = {name: max(each[name].mean for each in estimates) for name in MEASURES}
    return [
        (
            run.setup,
            [
                Cell(each[name], len(runs) > 1 and each[name].mean == best[name])
                for name in MEASURES
            ],
        )
        for run, each in zip(runs, estimates, strict=True)
    ]


def _row(ranking: Ranking, catalogue: Catalogue) -> Row:
    judgment = ranking.judgment
    query = None
    if judgment.image:
        query = Picture(judgment.image.name, thumbnail(judgment.image))
    elif judgment.like:
        query = _picture(catalogue.products[judgment.like])
    wanted = max(judgment.relevant, key=judgment.relevant.__getitem__, default=None)
    return Row(
        judgment,
        query,
        _picture(catalogue.products[wanted]) if wanted else None,
        [
            Picture(
                hit.title,
                thumbnail(config.settings().media_root / hit.image_path) if hit.image_path else "",
                hit.sku in judgment.relevant,
                100 * (hit.match or 0.0),
            )
            for hit in ranking.shown
        ],
        ranking.first,
        None if ranking.values is None else float(ranking.values[_NDCG]),
    )


def _picture(product: Product) -> Picture:
    path = product.image_path
    return Picture(
        product.first("title"), thumbnail(config.settings().media_root / path) if path else ""
    )


@lru_cache(maxsize=4096)
def thumbnail(file: Path) -> str:
    """A picture file as a small WEBP data URI, "" if it cannot be read."""
    try:
        image = open_image(file, SIDE)
    except ImageError:
        return ""
    image.thumbnail((SIDE, SIDE))
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=70)
    return f"data:image/webp;base64,{b64encode(buffer.getvalue()).decode()}"
