"""The search pipeline: turns a `SearchSpec` into query vectors, one SQL statement, and hits.

The storefront, the evaluation and the benchmarks all call `search`; no other code ranks products.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from catalog.active_models import NoTables, models_in_use, require_tables
from catalog.db.connection import driver_connection
from catalog.db.long_statements import execute_long
from catalog.reduction import reducing
from catalog.search.candidates import fan_out, is_small
from catalog.search.filters import count_facets, list_values
from catalog.search.fusion import BY_MATCH, Channel
from catalog.search.hits import diversify, facet_counts, to_hit
from catalog.search.picture_floor import picture_min_match
from catalog.search.query import Query, build_query
from catalog.search.query_vectors import EncoderFor, channels, models_for, other_models
from catalog.search.ranking_sql import (
    CLOSE,
    MAX_WINDOW,
    MIN_EF_SEARCH,
    ONE_PLAN,
    SETTINGS,
    Ranking,
    Sort,
    Statement,
    browse_statement,
    facet_statement,
    ranking_statement,
)
from catalog.search.results import Hit, Results, Signal, Timings
from catalog.search.search_spec import (
    MAX_LIMIT,
    NotUnderstood,
    SearchError,
    SearchSpec,
    UnknownProduct,
)
from catalog.search.text_encoder import TextEncoder
from catalog.search.understanding import Part
from catalog.search.weights import given_min_match, usual_min_match, window_of
from embedding.encoder import ModelUnavailable, get_encoder
from embedding.registry import ModelSpec

__all__ = [
    "MAX_LIMIT",
    "Hit",
    "Results",
    "SearchError",
    "SearchSpec",
    "Signal",
    "UnknownProduct",
    "rank",
    "search",
]


def search(
    connection: Connection,
    spec: SearchSpec,
    encoder_for: EncoderFor = get_encoder,
    in_use: Sequence[str] | None = None,
) -> Results:
    """Run `spec` and return its page.

    Args:
        in_use: what `models_in_use` returns, if the transaction has read it already.

    Pages pass `available_encoder` as `encoder_for`: if it raises `ModelUnavailable`, the next model
    in use answers, or the words alone. With `get_encoder`, a search waits for its model.

    Raises:
        SearchError: the named model is unknown or does not understand the query, or no model in
            use understands it and it has no words to search for without a model.
        UnknownProduct: no product has the SKU `spec.like`.
        ImageError: a picture cannot be decoded.
        ModelUnavailable: no model can answer, and the query has no words to search for without one.
        EncoderError: another error of `encoder_for`.
    """
    if not spec.ranks:
        ranking = Ranking(
            (),
            filters=spec.filters,
            sort=spec.sort,
            limit=spec.limit,
            offset=(spec.page - 1) * spec.limit,
        )
        return _browse(connection, ranking, Results((), 0, spec))
    ranking, about = rank(connection, spec, encoder_for, in_use)
    if not about.words and not spec.images and not spec.like:
        return _browse(connection, ranking, about)
    if not ranking.channels and not ranking.named:
        chosen = spec.filters.values.items()
        return replace(about, facets={facet: list_values({}, it, True) for facet, it in chosen})
    started = time.perf_counter()
    while True:
        others = [
            facet_statement(replace(ranking, filters=ranking.filters.open(facet)))
            for facet in spec.filters.values
        ]
        rows, *opened = run_statements(connection, [ranking_statement(ranking), *others])
        summary = rows[0]
        if not _is_cut_off(ranking, summary):
            break
        ranking = replace(ranking, window=_wider(ranking))
    if ranking.vectors:
        rows = diversify(connection, rows, spec, ranking.vectors)
    hits = tuple(to_hit(row, ranking) for row in rows if row["matches"])
    close = tuple(to_hit(row, ranking) for row in rows if row["matches"] is False)
    if summary["total"]:
        given_up = _given_up(about.wanted, hits)
    elif _lacks_type(about.wanted, close):
        given_up, close = ("type",), _sorted(close, ranking.sort)
    else:
        given_up = ()
    return replace(
        about,
        hits=hits,
        close=close,
        given_up=given_up,
        total=summary["total"],
        truncated=summary["truncated"],
        facets=facet_counts(summary, [found[0] for found in opened], spec.filters),
        timings=replace(about.timings, sql=time.perf_counter() - started),
    )


def _is_cut_off(ranking: Ranking, summary: Mapping[str, Any]) -> bool:
    """Whether a wider window has more hits for this page.

    Sorting needs all hits. Diversity, and fusions of ranks, order a wider window differently.
    """
    is_stable = ranking.fusion == BY_MATCH and ranking.vectors is None
    wanted = MAX_WINDOW if ranking.sort else ranking.offset + ranking.limit
    is_short = summary["truncated"] and summary["total"] < wanted
    return is_stable and is_short and ranking.window < MAX_WINDOW


def _wider(ranking: Ranking) -> int:
    if ranking.sort:
        return MAX_WINDOW
    window = 2 * ranking.window
    while window < ranking.offset + ranking.limit:
        window *= 2
    return min(window, MAX_WINDOW)


def _browse(connection: Connection, ranking: Ranking, about: Results) -> Results:
    """List the products that pass the filters; a text may contain nothing but filters."""
    rows = run_statements(connection, [browse_statement(ranking)])[0]
    return replace(
        about,
        hits=tuple(to_hit(row) for row in rows if row["id"] is not None),
        total=rows[0]["total"],
        facets=count_facets(connection, ranking.filters),
    )


def _lacks_type(wanted: Mapping[str, Sequence[Part]], nearest: Sequence[Hit]) -> bool:
    """Whether no product has the wanted type, if none is a hit."""
    if "type" not in wanted:
        return False
    if not nearest:  # nothing passes the filters
        return all(part.why == "absent" for part in wanted["type"])
    place = list(wanted).index("type")
    return not any(hit.fulfilled[place] for hit in nearest)


def _sorted(hits: tuple[Hit, ...], order: Sort) -> tuple[Hit, ...]:
    """The hits in the order that is asked for, as the statement sorts those that match."""
    if order == "newest":
        return tuple(sorted(hits, key=lambda hit: -hit.id))
    if order:
        sign = -1 if order == "-price" else 1
        return tuple(sorted(hits, key=lambda it: (it.price is None, sign * (it.price or 0))))
    return hits


def _given_up(wanted: Iterable[str], hits: Sequence[Hit]) -> tuple[str, ...]:
    """Those of the wanted kinds that no hit fulfils together with the others."""
    if not hits or hits[0].exact:
        return ()
    return tuple(
        kind
        for kind, degree in zip(wanted, hits[0].fulfilled, strict=True)
        if degree <= (0 if kind == "type" else CLOSE)  # as `met` in ranking_sql
    )


def rank(
    connection: Connection,
    spec: SearchSpec,
    encoder_for: EncoderFor = get_encoder,
    in_use: Sequence[str] | None = None,
) -> tuple[Ranking, Results]:
    """Build the ranking that `search` runs, and results without hits, totals and facets."""
    if in_use is None:  # first, so that a search waits here during a migration
        in_use = models_in_use(connection)
    try:
        others = set(filter(None, spec.model.split("+"))) - set(in_use)
        require_tables(connection, *sorted(others))
    except NoTables as error:
        raise SearchError(str(error)) from error
    began = time.perf_counter()
    query = build_query(connection, spec)
    means_nothing = query.is_doubtful and not _finds_words(connection, spec, encoder_for, in_use)
    if means_nothing:
        query = query.without_words()
    started = time.perf_counter()
    texts = TextEncoder(connection, reducing(connection, encoder_for))
    found, failures = _find_channels(query, in_use, texts)
    notes = [*failures, *(f"the model {it} cannot read {words}" for words, it in texts.unread)]
    if means_nothing:
        notes.append(f"nothing matches “{query.corrected or spec.text}”, so it was left out")
    encode_seconds = time.perf_counter() - started
    if spec.min_match is not None:
        min_match = spec.min_match
    elif query.kind == "picture" and given_min_match(query.weights) is None:
        min_match = picture_min_match(connection, found)
    else:
        min_match = min(1.0, usual_min_match(query.kind, query.weights) + query.raised_by)
    window = max(window_of(query.weights), spec.limit)
    vectors = None
    sort = spec.sort or query.parsed.sort
    if spec.diversity and not sort and found:
        vectors = max(found, key=lambda channel: channel.modality == "image")
    is_lexical = bool(query.words) and spec.counts("lexical")
    is_structured = bool(query.parsed.kinds) and spec.counts("structure")
    weights = query.weights
    ranking = Ranking(
        channels=tuple(found),
        typed=query.parsed.typed,
        words=query.words if is_lexical else "",
        lexical_weight=weights.lexical if is_lexical else 0.0,
        wanted=query.parsed.wanted if is_structured else "",
        wanted_keys=query.parsed.keys if is_structured else (),
        structure_weight=weights.structure * query.structure_share if is_structured else 0.0,
        filters=query.filters,
        exclude=query.product_id,
        fusion=spec.fusion or BY_MATCH,
        min_match=min_match,
        group_variants=spec.group_variants,
        sort=sort,
        in_stock_first=spec.in_stock_first,
        vectors=vectors,
        window=window,
        is_small=is_small(connection, window),
        fan_out=fan_out(connection),
        limit=window if vectors else spec.limit,
        offset=0 if vectors else (spec.page - 1) * spec.limit,
    )
    results = Results(
        (),
        0,
        spec,
        words=query.words,
        encoded=texts.encoded,
        stored_embeddings=texts.stored,
        min_match=min_match,
        corrected=query.corrected,
        understood=query.parsed.understood,
        sort=sort,
        wanted=query.parsed.kinds if is_structured else {},
        notes=tuple(notes),
        is_complete=not failures,
        timings=Timings(understand=started - began, encode=encode_seconds),
    )
    return ranking, results


def _finds_words(
    connection: Connection, spec: SearchSpec, encoder_for: EncoderFor, in_use: Sequence[str]
) -> bool:
    """Whether the words of `spec` find anything by themselves."""
    words = SearchSpec(
        spec.text, model=spec.model, weights=spec.weights, verbatim=spec.verbatim, limit=1
    )
    return bool(search(connection, words, encoder_for, in_use).hits)


def _find_channels(
    query: Query, in_use: Sequence[str], texts: TextEncoder
) -> tuple[list[Channel], list[str]]:
    """The channels to search, and notes for the user about models that cannot be asked."""
    spec = query.spec
    compares = spec.counts("text") or spec.counts("image")
    if not compares or not (query.words or query.examples):
        return [], []
    failures: list[str] = []
    try:
        wanted = models_for(query, in_use)
    except NotUnderstood as error:
        if not query.words:
            raise
        return [], [f"{error}; only products with these words are shown"]
    found: dict[ModelSpec, list[Channel]] = {}
    failed: list[ModelUnavailable] = []

    def ask(model: ModelSpec) -> None:
        try:
            found[model] = channels(query, model, texts)
        except ModelUnavailable as error:
            failed.append(error)

    for model in wanted:
        ask(model)
    for other in other_models(query, in_use, wanted):
        if found:
            break
        ask(other)
    if not found and not query.words:
        raise failed[0]
    if not found:
        failures.append(
            "search by meaning is not available at the moment; only products with these words are"
            " shown"
        )
    elif failed and spec.model:
        used = " and ".join(model.label for model in found)
        failures.append(f"a chosen model is not available at the moment, so {used} was used")
    return [
        replace(channel, weight=channel.weight / len(found))
        for each in found.values()
        for channel in each
    ], failures


def run_statements(
    connection: Connection, statements: list[Statement]
) -> list[list[dict[str, Any]]]:
    """Settings and statements in one round trip."""
    driver = driver_connection(connection)
    browsing = {"ef_search": str(MIN_EF_SEARCH)}  # reads no HNSW index
    with driver.pipeline():
        driver.execute(SETTINGS, browsing | statements[0].parameters)
        if statements[0].has_one_plan:
            driver.execute(ONE_PLAN)
        cursors = [
            execute_long(driver, it.sql, it.parameters, prepare=it.has_one_plan or None)
            for it in statements
        ]
        return [cursor.fetchall() for cursor in cursors]
