"""Views of the schema `search` that are composed from what the search itself is made of.

So SQL functions rank as the storefront does: they run the statements that
`catalog.search.ranking_sql` writes, with the weights, minimum matches and conditions that the
pipeline uses.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product

import numpy as np

from catalog import config
from catalog.indexing.pending import FAILED, source
from catalog.query_log import TRIES
from catalog.search.candidates import EXACT_FACTOR, MAX_LEXICAL
from catalog.search.filters import FACETS, Filters
from catalog.search.fusion import MIN_MATCH, WEIGHTS, Channel
from catalog.search.ranking_sql import Ranking, ranking_statement
from catalog.tables import EMBEDDINGS, metadata
from embedding.registry import ModelSpec, models

MARK = "{conditions}"
"""Stands in a kept statement for the conditions."""

PARAMETERS = (
    *("words", "exclude", "excluded", "min_match", "window", "fan_out", "offset", "group_variants"),
    *("text_vector", "text_quantiles", "text_weight"),
    *("image_vector", "image_quantiles", "image_weight"),
    *("lexical_weight", *FACETS, "min_price", "max_price"),
)
"""Of a kept statement, in the order in which `search.ranked` hands them over: $1, $2 ..."""

CONSTANTS = {"exact_factor": EXACT_FACTOR, "max_lexical": MAX_LEXICAL}


@dataclass(frozen=True, slots=True)
class Template(Ranking):
    """A ranking whose conditions are put in later, if it has any."""

    is_filtered: bool = False

    def conditions(self) -> Iterator[str]:
        if self.is_filtered:
            yield MARK


def compositions() -> Mapping[str, tuple[str, str]]:
    """The views' names, each with its query and its comment."""
    return {
        "models": (_models(), "The models of the registry; those in use have a position."),
        "weights": (
            _weights(),
            "What each signal counts, the minimum match, and the products ranked, by query.",
        ),
        "conditions": (_conditions(), "What a filter adds to a statement."),
        "statements": (_statements(), "The statements that a search runs, as text."),
        "readable": (_readable(), "The tables that analysts may read."),
        "coverage": (
            _coverage(),
            "How far each model has come: products' texts, their pictures, and queries.",
        ),
    }


def _models() -> str:
    enabled = _enabled()
    rows = [
        (
            spec.name,
            spec.label,
            spec.dimensions,
            "text" in spec.modalities,
            "image" in spec.modalities,
            enabled.index(spec.name) + 1 if spec.name in enabled else None,
        )
        for spec in models().values()
    ]
    columns = ("name", "label", "dimensions", "has_text", "has_image", "position")
    return _values(columns, rows)


def _weights() -> str:
    asked = config.settings().search_min_match
    rows = [
        (
            kind,
            weights.get("lexical", 0.0),
            weights["text"],
            weights["image"],
            MIN_MATCH[kind] if asked is None else asked,
            config.settings().search_window,
        )
        for kind, weights in WEIGHTS.items()
    ]
    return _values(("query", "lexical", "text", "image", "min_match", "products"), rows)


def _conditions() -> str:
    one = Decimal(1)
    examples = {facet: Filters(**{facet: ("",)}) for facet in FACETS}  # type: ignore[arg-type]
    examples["min_price"], examples["max_price"] = Filters(min_price=one), Filters(max_price=one)
    examples["in_stock"] = Filters(in_stock=True)
    rankings = {name: Ranking((), filters=filters) for name, filters in examples.items()}
    rankings["exclude"], rankings["excluded"] = Ranking((), exclude=0), Ranking((), excluded=("",))
    rows = [
        (place, name, _numbered(condition))
        for place, (name, ranking) in enumerate(rankings.items())
        for condition in ranking.conditions()
    ]
    return _values(("place", "name", "condition"), rows)


def _statements() -> str:
    rows = []
    for spec in models().values():
        channels = {modality: _channel(spec, modality) for modality in spec.modalities}
        for text, image, words, filtered in product((False, True), repeat=4):
            wanted = {"text": text, "image": image}
            chosen = tuple(it for kind, it in channels.items() if wanted[kind])
            if not chosen or any(wanted[kind] and kind not in channels for kind in wanted):
                continue
            template = Template(chosen, words="words" if words else "", is_filtered=filtered)
            statement = _numbered(ranking_statement(template).sql, spec.name)
            rows.append((spec.name, text, image, words, filtered, statement))
    columns = ("model", "by_text", "by_image", "by_words", "is_filtered", "statement")
    return _values(columns, rows)


def _readable() -> str:
    names = [name for name in sorted(metadata.tables) if name != "alembic_version"]
    return _values(("name",), [(name,) for name in names])


def _coverage() -> str:
    """One row a model and modality, as `embed_catalog` counts them."""
    parts = [
        f"SELECT '{name}' AS model, '{modality}' AS modality, count(*) AS total,"
        " count(*) FILTER (WHERE NOT failed AND NOT stale) AS embedded,"
        " count(*) FILTER (WHERE NOT failed AND stale AND embedded_at IS NOT NULL) AS stale,"
        " count(*) FILTER (WHERE NOT failed AND stale AND embedded_at IS NULL) AS missing,"
        " count(*) FILTER (WHERE failed) AS failed,"
        " min(embedded_at) AS oldest, max(embedded_at) AS newest"
        f" FROM (SELECT s.embedded_at, {FAILED % {'model': _literal(name)}} AS failed,"
        f" s.embedded_source IS DISTINCT FROM s.source AS stale"
        f" FROM ({source(name, modality)}) AS s) AS t"
        for name in _enabled()
        for modality in EMBEDDINGS[name]
    ]
    parts.append(
        "SELECT model, 'query', count(*), count(embedding), 0,"
        f" count(*) FILTER (WHERE embedding IS NULL AND attempts < {TRIES}),"
        f" count(*) FILTER (WHERE embedding IS NULL AND attempts >= {TRIES}),"
        " min(embedded_at), max(embedded_at) FROM query_embedding GROUP BY model"
    )
    return " UNION ALL ".join(parts)


def _enabled() -> list[str]:
    """Those in use; one that has left the registry may still be in the environment."""
    return [name for name in config.settings().models if name in EMBEDDINGS]


def _channel(spec: ModelSpec, modality: str) -> Channel:
    return Channel(spec.name, modality, np.zeros(spec.dimensions), (), 1.0)  # type: ignore[arg-type]


def _numbered(sql: str, model: str = "") -> str:
    """psycopg's named parameters as numbers, and constants in their place."""

    def number(found: re.Match[str]) -> str:
        name = found[1].removeprefix(f"{model}_") if model else found[1]
        name = "window" if name == "limit" else name
        return str(CONSTANTS[name]) if name in CONSTANTS else f"${PARAMETERS.index(name) + 1}"

    return re.sub(r"%\((\w+)\)s", number, sql).replace("%%", "%")


def _values(columns: Sequence[str], rows: Sequence[tuple[object, ...]]) -> str:
    lines = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows)
    return f"SELECT * FROM (VALUES {lines}) AS v ({', '.join(columns)})"


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"{value!r}::float8"
    text = str(value).replace("'", "''")
    return f"'{text}'::text"
