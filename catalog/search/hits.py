"""Converts the rows of the search statement to the hits and facets of a page."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection

from catalog.search.calibration import get_quantiles
from catalog.search.filters import FacetCounts, Filters, list_values
from catalog.search.fusion import Channel
from catalog.search.mmr import maximal_marginal_relevance
from catalog.search.ranking_sql import Ranking
from catalog.search.results import Hit, Signal
from catalog.search.search_spec import SearchSpec


def diversify(
    connection: Connection, rows: list[dict[str, Any]], spec: SearchSpec, channel: Channel
) -> list[dict[str, Any]]:
    """Reorder the rows of a window by relevance and diversity, and return those of the page.

    Exact matches stay first; rows without an embedding come last.
    """
    page = slice((spec.page - 1) * spec.limit, spec.page * spec.limit)
    first = [row for row in rows if row["exact"]]
    others = [
        row for row in rows if row["matches"] and not row["exact"] and row.get("vector") is not None
    ]
    known = {row["id"] for row in (*first, *others)}
    last = [row for row in rows if row["id"] not in known]
    if others:
        quantiles = get_quantiles(connection, channel.model, "product", channel.modality, 1.0)
        embedded = np.stack([row["vector"].to_numpy() for row in others]).astype(np.float64)
        # As search_internal.match, but at most 1: what is closer counts as identical.
        similarity = np.interp(embedded @ embedded.T, quantiles, np.linspace(0, 1, len(quantiles)))
        relevance = np.array([row["match"] for row in others], np.float64)
        order = maximal_marginal_relevance(relevance, similarity, spec.diversity)
        others = [others[place] for place in order]
        if spec.in_stock_first:
            others.sort(key=lambda row: not row["in_stock"])
    return (first + others + last)[page]


def facet_counts(
    summary: Mapping[str, Any], opened: Sequence[Mapping[str, Any]], filters: Filters
) -> FacetCounts:
    """The counts of each facet from the summary row of the search, and from one row for each facet
    with chosen values, without these. A truncated window gives no numbers."""
    counts = {
        facet: list_values(values, (), not summary["truncated"])
        for facet, values in (summary["facets"] or {}).items()
    }
    for (facet, chosen), own in zip(filters.values.items(), opened, strict=True):
        values = (own["facets"] or {}).get(facet, {})
        counts[facet] = list_values(values, chosen, not own["truncated"])
    return counts


def to_hit(row: dict[str, Any], ranking: Ranking | None = None) -> Hit:
    """Convert a row to a `Hit`. Without `ranking` it is a row of the browse statement."""
    values = {name: row[name] for name in _HIT_FIELDS}
    if ranking is None:
        return Hit(**values)
    found = row["signals"]
    signals = [
        Signal(channel.modality, match, channel.weight, channel.model, similarity)
        for channel in ranking.channels
        for similarity, match in [found[channel.name]]
        if match is not None
    ]
    weights = {"structure": ranking.structure_weight, "lexical": ranking.lexical_weight}
    signals += [Signal(name, found[name][1] or 0.0, weights[name]) for name in ranking.named]
    return Hit(
        **values,
        score=row["score"],
        match=1.0 if row["exact"] else min(1.0, max(0.0, row["match"])),
        exact=row["exact"],
        variants=row["variants"],
        colours=tuple(dict.fromkeys(filter(None, row["colours"]))),
        signals=tuple(signals),
        fulfilled=tuple(row["fulfilled"] or ()),
    )


_HIT_FIELDS = (
    *("id", "sku", "title", "brand", "product_type", "colour", "price", "regular_price"),
    *("currency", "in_stock", "image_path", "image_width", "image_height"),
)
