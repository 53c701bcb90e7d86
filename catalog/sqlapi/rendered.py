"""Objects of the schema `search` that are rendered from the code of the search.

The SQL functions rank like the storefront: the function of each model contains the statement of
`catalog.search.ranking_sql`, with the weights, minimum matches and conditions of the pipeline.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import LiteralString

import numpy as np
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from catalog import config
from catalog.indexing.pending import COUNTS, states
from catalog.query_log import TRIES
from catalog.search.candidates import (
    EXACT_FACTOR,
    MAX_LEXICAL,
    MAX_PARTS,
    MIN_SCANNED,
    plan,
    vector_candidates,
)
from catalog.search.cues import read_cues
from catalog.search.filters import Filters, has_any
from catalog.search.fusion import MIN_MATCH, WEIGHTS, Channel
from catalog.search.ranking_sql import Ranking, ranking_statement
from catalog.synonyms.starter import concept_kinds
from catalog.tables import embedding_table_name
from embedding.registry import Modality

MODALITIES: tuple[Modality, ...] = ("text", "image")

MAX_FACETS = 10
"""The maximum number of facets with chosen values in one call. Each is an argument, because the
planner must know all values to choose an index."""

FACETS = [f"facet_{number}" for number in range(1, MAX_FACETS + 1)]

RANKED, NEAREST = "ranked_by_", "nearest_by_"
"""The prefixes of the functions that rank with a model, and of those that find the products nearest
to a vector; no other objects have them."""

ARGUMENTS = {
    **{"typed": "text", "words": "text", "lexical_weight": "float8"},
    **{"wanted": "search.part[]", "structure_weight": "float8"},
    **{f"wanted_{place}": "text[]" for place in range(1, MAX_PARTS + 1)},
    **{"text_vector": "halfvec", "text_quantiles": "float8[]", "text_weight": "float8"},
    **{"image_vector": "halfvec", "image_quantiles": "float8[]", "image_weight": "float8"},
    **{"min_match": "float8", "window": "integer", "fan_out": "integer"},
    **{"group_variants": "boolean", "exclude": "bigint", "excluded": "text[]"},
    "unwanted": "text[]",
    **dict.fromkeys(FACETS, "text[]"),
    **{"min_price": "numeric", "max_price": "numeric", "in_stock": "boolean"},
}
"""The arguments of a function that ranks, in the order in which `search_internal.ranked`
passes them. Their names get the prefix `_`, since no column has it."""

NEAREST_ARGUMENTS = {
    **{"vector": "halfvec", "window": "integer", "fan_out": "integer"},
    **dict.fromkeys(FACETS, "text[]"),
    **{"min_price": "numeric", "max_price": "numeric", "in_stock": "boolean"},
}
"""The arguments of a function that finds the nearest products, in the order in which
`search.nearest` passes them, with the same prefix."""

FILTERS = (*FACETS, "min_price", "max_price", "exclude")
"""Arguments that filter unless they are NULL; `in_stock` and `excluded` have other defaults."""


KEYS = " || ".join(f"_{facet}" for facet in FACETS)
"""SQL of the keys of all chosen facet values."""


def filter_conditions() -> Iterator[str]:
    """Conditions on `product p` by the arguments that filter; a NULL does not."""
    for facet in FACETS:
        yield f"(_{facet} IS NULL OR {has_any(f'_{facet}')})"
    for limit in ("min_price", "max_price"):
        (condition,) = Filters(**{limit: Decimal(1)}).conditions()  # type: ignore[arg-type]
        yield f"(_{limit} IS NULL OR {condition})"
    (condition,) = Filters(in_stock=True).conditions()
    yield f"(_in_stock IS NOT TRUE OR {condition})"


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A row of the table `model`."""

    name: str
    label: str
    dimensions: int
    modalities: tuple[Modality, ...]
    pictures: str = ""
    binary: bool = False

    def owner(self, modality: Modality) -> str:
        """The name of the model that the embeddings of `modality` belong to."""
        return self.pictures or self.name if modality == "image" else self.name

    def channel(self, modality: Modality) -> Channel:
        """A channel to make SQL with; its vector has the right length only."""
        vector = np.zeros(self.dimensions)
        return Channel(self.name, modality, vector, (), 1.0, self.binary)


@dataclass(frozen=True, slots=True)
class Template(Ranking):
    """A ranking whose parameters can be NULL. Its plans are custom plans, so the planner knows the
    values and removes the parts that depend on a NULL."""

    is_filtered: bool = False

    def conditions(self) -> Iterator[str]:
        if not self.is_filtered:
            return
        yield from filter_conditions()
        (condition,) = Ranking((), exclude=0).conditions()
        yield f"(_exclude IS NULL OR {condition})"
        for words in ("excluded", "unwanted"):
            (condition,) = Filters(**{words: ("",)}).conditions()  # type: ignore[arg-type]
            yield f"((_{words} <> '{{}}') IS NOT TRUE OR {condition})"

    def keys(self) -> str:
        return KEYS if self.is_filtered else ""

    def given(self, parameter: str) -> list[str]:
        return [f"%({parameter})s IS NOT NULL"]


def views(models: Sequence[StoredModel]) -> Mapping[str, Composed]:
    """The views that the functions use, by name."""
    return {
        "models": _view(
            "models",
            _models(),
            "The models that have tables; models in use have a position.",
        ),
        "weights": _view(
            "weights",
            _weights(),
            "Signal weights, minimum match and maximum number of results, by kind of query.",
        ),
        "coverage": _view(
            "coverage",
            _coverage(models),
            "Embedded, stale, missing and failed texts, pictures and queries of each model.",
        ),
    }


@cache
def cues() -> str:
    """The SQL of the materialized view `cue`.

    When a cue changes, all that depends on it is rebuilt.
    """
    return _listed(
        "cue",
        "SELECT * FROM (VALUES {rows}) AS v (phrase, cue, language)",
        read_cues(),
        "Words that structure a query, such as not, under or for.",
    )


@cache
def concepts() -> str:
    """The SQL of the materialized view `concept`, with the kind of each concept of the lexicon."""
    return _listed(
        "concept",
        "SELECT *, public.phrase_key(phrase) AS key FROM (VALUES {rows}) AS v (phrase, kind)",
        concept_kinds().items(),
        "What the lexicon knows, by its English name, and its kind, such as type or colour.",
    )


def _listed(
    name: LiteralString, query: LiteralString, rows: Iterable[tuple[str, ...]], comment: str
) -> str:
    """The SQL of an internal materialized view of constant `rows`."""
    values = [SQL("({})").format(SQL(", ").join(map(Literal, row))) for row in rows]
    view = SQL("search_internal.") + SQL(name)
    return (
        SQL(
            "CREATE MATERIALIZED VIEW {view} AS {query};\n"
            "COMMENT ON MATERIALIZED VIEW {view} IS {comment};"
        )
        .format(view=view, query=SQL(query).format(rows=SQL(", ").join(values)), comment=comment)
        .as_string()
    )


def rankings(models: Sequence[StoredModel]) -> Mapping[str, Composed]:
    """The functions that rank, one per model, by name."""
    return {RANKED + model.name: _ranked(model) for model in models}


def nearest(models: Sequence[StoredModel]) -> Mapping[str, Composed]:
    """The functions that find the products nearest to a vector, one per model and modality."""
    return {
        NEAREST + embedding_table_name(model.name, modality): _nearest(model, modality)
        for model in models
        for modality in model.modalities
    }


def _view(name: str, query: Composable, comment: str) -> Composed:
    parts = {"name": Identifier("search", name), "query": query, "comment": Literal(comment)}
    return SQL(
        "CREATE OR REPLACE VIEW {name} AS {query};\nCOMMENT ON VIEW {name} IS {comment};"
    ).format(**parts)


def _models() -> Composed:
    return SQL(
        "SELECT m.name, m.label, m.dimensions, 'text' = ANY (m.modalities) AS has_text,"
        " 'image' = ANY (m.modalities) AS has_image,"
        " array_position({enabled}::text[], m.name) AS position FROM model m"
    ).format(enabled=Literal(list(config.settings().models)))


def _weights() -> Composed:
    """The weights as `catalog.search.weights` reads them."""
    asked = config.settings().search_min_match
    rows = [
        SQL(
            "({}::text, {}::float8, {}::float8, {}::float8, {}::float8, {}::float8, {}::integer)"
        ).format(
            kind,
            weights.get("structure", 0.0),
            weights.get("lexical", 0.0),
            weights["text"],
            weights["image"],
            MIN_MATCH[kind] if asked is None else asked,
            config.settings().search_window,
        )
        for kind, weights in WEIGHTS.items()
    ]
    return SQL(
        "SELECT v.query, coalesce(w.structure, v.structure) AS structure,"
        " coalesce(w.lexical, v.lexical) AS lexical, coalesce(w.text, v.text) AS text,"
        " coalesce(w.image, v.image) AS image, coalesce(w.min_match, v.min_match) AS min_match,"
        " coalesce(w.products, v.products) AS products"
        " FROM (VALUES {rows})"
        " AS v (query, structure, lexical, text, image, min_match, products)"
        " LEFT JOIN search_weights w USING (query)"
    ).format(rows=SQL(", ").join(rows))


def _coverage(models: Sequence[StoredModel]) -> Composed:
    """One row per model in use and modality, counted as `embed_catalog` does."""
    parts: list[Composable] = [
        SQL(
            "SELECT {model}::text AS model, {modality}::text AS modality, {counts},"
            " min(embedded_at) AS oldest, max(embedded_at) AS newest FROM ({states}) AS t"
        ).format(
            model=model.name,
            modality=modality,
            counts=SQL(COUNTS),
            states=_filled(
                states(model.owner(modality), modality), {"model": Literal(model.owner(modality))}
            ),
        )
        for model in models
        if model.name in config.settings().models
        for modality in model.modalities
    ]
    parts.append(
        SQL(
            "SELECT model, 'query' AS modality, count(*) AS total, count(embedding) AS embedded,"
            " 0::bigint AS stale,"
            " count(*) FILTER (WHERE embedding IS NULL AND attempts < {tries}) AS missing,"
            " count(*) FILTER (WHERE embedding IS NULL AND attempts >= {tries}) AS failed,"
            " min(embedded_at) AS oldest, max(embedded_at) AS newest"
            " FROM query_embedding WHERE model = ANY ({in_use}::text[]) GROUP BY model"
        ).format(tries=Literal(TRIES), in_use=Literal(list(config.settings().models)))
    )
    return SQL(" UNION ALL ").join(parts)


def _ranked(model: StoredModel) -> Composed:
    """The function that ranks with a model: a statement with filters, one without, and one for
    words that mean no facet values, whose plan each session keeps, as the shop does
    (`Statement.has_one_plan`)."""
    name = Identifier("search_internal", RANKED + model.name)
    signature = [SQL("_{} {}").format(SQL(it), SQL(kind)) for it, kind in ARGUMENTS.items()]
    filtered = [SQL("_{} IS NOT NULL").format(SQL(it)) for it in FILTERS]
    return SQL(
        """CREATE OR REPLACE FUNCTION {name}({arguments})
RETURNS SETOF search.hit
LANGUAGE plpgsql STABLE ROWS 240
SET search_path = public, pg_temp
SET plan_cache_mode = force_custom_plan
AS $ranked$
BEGIN
IF {filtered} OR _in_stock OR _excluded <> '{{}}' OR _unwanted <> '{{}}' THEN
RETURN QUERY {some};
ELSIF cardinality(_wanted) > 0 THEN
RETURN QUERY {all};
ELSE
PERFORM set_config('plan_cache_mode', 'force_generic_plan', true);
RETURN QUERY {plain};
END IF;
END
$ranked$;
COMMENT ON FUNCTION {name}({types}) IS {comment};"""
    ).format(
        name=name,
        arguments=SQL(", ").join(signature),
        types=SQL(", ").join(map(SQL, ARGUMENTS.values())),
        filtered=SQL(" OR ").join(filtered),
        some=_hits(model, is_filtered=True),
        all=_hits(model),
        plain=_hits(model, is_understood=False),
        comment=Literal(f"Ranks products with the model {model.name}, for search_internal.ranked."),
    )


def _hits(model: StoredModel, *, is_filtered: bool = False, is_understood: bool = True) -> Composed:
    channels = tuple(map(model.channel, model.modalities))
    template = Template(
        channels,
        words="words",
        wanted="wanted" if is_understood else "",
        wanted_keys=((),) * MAX_PARTS if is_understood else (),
        is_filtered=is_filtered,
    )
    values: dict[str, Composable] = {name: SQL(f"_{name}") for name in ARGUMENTS}
    values |= {"limit": SQL("_window"), "offset": Literal(0)}
    values |= {"exact_factor": Literal(EXACT_FACTOR), "max_lexical": Literal(MAX_LEXICAL)}
    values |= {"min_scanned": Literal(MIN_SCANNED)}
    for modality in model.modalities:
        for part in ("vector", "quantiles", "weight"):
            own = f"{embedding_table_name(model.name, modality)}_{part}"
            values[own] = values[f"{modality}_{part}"]
    names = {it: Literal(embedding_table_name(model.name, it)) for it in MODALITIES}
    return SQL(
        """SELECT f.place, p.sku, p.title, p.brand, p.category, p.product_type, p.gender, p.colour,
       p.price, p.currency, p.in_stock,
       CASE WHEN f.exact THEN 1 ELSE least(1, greatest(0, f.match)) END,
       f.exact IS TRUE, (f.signals #>> '{{lexical,1}}')::float8,
       (f.signals #>> ARRAY[{text}, '1'])::float8, (f.signals #>> ARRAY[{image}, '1'])::float8,
       f.variants, f.colours, f.image_path, f.id
  FROM ({statement}) AS f JOIN product p ON p.id = f.id WHERE f.matches ORDER BY f.place"""
    ).format(statement=_filled(ranking_statement(template).sql, values), **names)


def _nearest(model: StoredModel, modality: Modality) -> Composed:
    """The candidates of one channel, as a search finds them, with their distances."""
    channel = model.channel(modality)
    conditions = list(filter_conditions())
    candidates = f"{plan(conditions, KEYS)},\n{vector_candidates(channel, conditions)}"
    values: dict[str, Composable] = {name: SQL(f"_{name}") for name in NEAREST_ARGUMENTS}
    values |= {"exact_factor": Literal(EXACT_FACTOR), "min_scanned": Literal(MIN_SCANNED)}
    values |= {f"{channel.name}_vector": SQL("_vector")}
    name = Identifier("search_internal", NEAREST + channel.name)
    signature = [SQL("_{} {}").format(SQL(it), SQL(kind)) for it, kind in NEAREST_ARGUMENTS.items()]
    return SQL(
        """CREATE OR REPLACE FUNCTION {name}({arguments})
RETURNS SETOF search.neighbour
LANGUAGE plpgsql STABLE ROWS 10
SET search_path = public, pg_temp
SET plan_cache_mode = force_custom_plan
AS $nearest$
BEGIN
RETURN QUERY WITH {candidates}
SELECT row_number() OVER (ORDER BY n.distance + 0, n.product_id), p.sku, p.title, p.brand,
       p.category, p.product_type, p.gender, p.colour, p.price, p.currency, p.in_stock,
       n.distance, p.id
  FROM {found} AS n JOIN product p ON p.id = n.product_id
 ORDER BY 1;
END
$nearest$;
COMMENT ON FUNCTION {name}({types}) IS {comment};"""
    ).format(
        name=name,
        arguments=SQL(", ").join(signature),
        types=SQL(", ").join(map(SQL, NEAREST_ARGUMENTS.values())),
        candidates=_filled(candidates, values),
        found=Identifier(f"{channel.name}_list"),
        comment=Literal(f"The products nearest to a vector by {channel.name}, for search.nearest."),
    )


def _filled(statement: str, values: Mapping[str, Composable]) -> SQL:
    """The statement with SQL in place of psycopg's named parameters."""
    return SQL(statement % {name: value.as_string() for name, value in values.items()})
