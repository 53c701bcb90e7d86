"""The SQL of the search: one statement per search, built from readable CTEs.

Candidates are found per channel and by full-text search (`catalog.search.candidates`). Then every
candidate is scored by every signal, so that its score depends neither on the list that it came from
nor on the filters. The best candidates form the window. Hits, total, pages, sorting and facets are
all computed from the window.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from pgvector import HalfVector

from catalog.search.candidates import (
    EXACT_FACTOR,
    FAN_OUT,
    MAX_LEXICAL,
    MAX_PARTS,
    MIN_SCANNED,
    PASSES,
    all_nearest,
    distances,
    lexical_candidates,
    passing,
    plan,
    structure_candidates,
    vector_candidates,
    where,
)
from catalog.search.filters import EXCLUDED, Filters, named_values
from catalog.search.fusion import BY_MATCH, FUSIONS, Channel, calibrated_sum
from catalog.tables import embedding_table_name

MIN_EF_SEARCH, MAX_EF_SEARCH = 1, 1000
"""The range that pgvector allows."""

SETTINGS = """
SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true),
       set_config('hnsw.ef_search', %(ef_search)s, true),
       set_config('plan_cache_mode', 'force_custom_plan', true),
       set_config('jit', 'off', true),
       set_config('max_parallel_workers_per_gather', '0', true)
"""
"""Local to the transaction, so that pooled connections keep their defaults.

With `force_custom_plan`, PostgreSQL plans every statement for its own filters. Parallel workers
would be started for the exact scan even where the index has found enough, which takes longer than
they save.
"""

ONE_PLAN = "SET LOCAL plan_cache_mode = force_generic_plan"
"""For statements that have one plan for all parameters, which each connection keeps."""

MAX_WINDOW = 3840
"""How far the window is widened for sorting, and for pages that lie beyond it, in products."""

MAX_CLOSE = 12
"""Maximum number of products to show after the last match, which lack a part of what is wanted; or
of the nearest ones if none matches."""

HIT_COLUMNS = """
       p.id, p.sku, p.title, p.brand, p.product_type, p.colour, p.price, p.regular_price,
       p.currency, p.in_stock,
       i.path AS image_path, i.width AS image_width, i.height AS image_height"""

MAIN_IMAGE = "SELECT m.id FROM product_image m WHERE m.product_id = p.id AND m.position = 0"

Sort = Literal["", "price", "-price", "newest"]
"""The order of hits: by score, lowest price first, highest price first, or newest first."""

BEST = """matches DESC, exact DESC, CASE WHEN %(min_match)s = 0 THEN fulfils END DESC, score DESC,
                      product_id"""
"""Without a minimum match, every candidate is a hit, and those that fulfil the most come first."""

ORDERS: dict[Sort, str] = {
    "": "rank",
    "price": "matches DESC, CASE WHEN matches THEN price END, rank",
    "-price": "matches DESC, CASE WHEN matches THEN price END DESC NULLS LAST, rank",
    "newest": "matches DESC, CASE WHEN matches THEN product_id END DESC, rank",
}
"""SQL by the columns of `best`."""


WANTED = """wanted AS MATERIALIZED (
    SELECT * FROM unnest(%(wanted)s::search.part[])
           WITH ORDINALITY
           AS part (kind, weight, keys, accepted, close, title, typed, places, tied, others, place)
)"""

CLOSE = 0.5
"""The degree to which a product fulfils a wanted part if its value is only close to it."""

TIED = """
            CASE WHEN w.tied IS NOT NULL
                 THEN (SELECT CASE WHEN t.keys IS NULL THEN 1 WHEN NOT p.facets && t.keys THEN 0 END
                         FROM unnest(w.tied) WITH ORDINALITY AS t
                        WHERE p.facets && t.types ORDER BY ordinality LIMIT 1) END"""
"""0 for the colour of black heels if "black shoes or white heels" are wanted, 1 if nothing is said
about the colour of heels, otherwise NULL."""

DEGREES = f"""
       SELECT w.kind, w.weight, w.place, w.others IS NOT NULL AS is_absent,
              coalesce({TIED},
              CASE WHEN p.facets && w.keys THEN 1
                   WHEN p.facets && w.accepted
                        OR p.lexemes @@ w.typed AND (p.facets && w.others) IS NOT TRUE THEN 0.9
                   WHEN CASE w.kind WHEN 'type' THEN p.product_type
                                    WHEN 'colour' THEN p.colour
                                    WHEN 'person' THEN p.gender
                                    WHEN 'brand' THEN p.brand ELSE '' END = ''
                        AND p.lexemes @@ w.title THEN 0.8
                   WHEN p.facets && w.close THEN {CLOSE}
                   ELSE 0 END)::float8 AS degree
         FROM wanted w"""
"""The degree to which a product fulfils each wanted part. A title counts for a product that has no
value: a T-shirt is no shirt, and a black shoe of Red Tape is not red. A synonym counts in every
title that has it as typed: shoppers may mean its words. So does a title with all words of a query
that reads like a title (catalog/sqlapi/sql/internal/all_words.sql)."""

FULFILLED = f"""
       SELECT sum(weight * degree) / sum(weight) AS structure,
              sum(CASE WHEN degree > {CLOSE} THEN weight WHEN kind = 'type' THEN degree * weight
                       ELSE 0 END) AS met,
              bool_and(degree > 0 OR NOT is_absent) AS is_of_type
         FROM ({DEGREES} OFFSET 0) AS part"""
"""`structure` is the weighted mean of the degrees. `met` is the weight of the parts that the
product has; of those that are only close, a type counts half. Where no product has the wanted type
as a value, what is not `is_of_type` by its title is no hit, whatever else it has: gold shoes are no
gold watch. `OFFSET 0` makes PostgreSQL compute each degree once, not for each use."""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with named parameters in psycopg's style, and their values."""

    sql: str
    parameters: dict[str, Any]
    has_one_plan: bool = False
    """Whether the same plan is good for all parameters."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What to rank, by which signals, and which hits to return."""

    channels: tuple[Channel, ...]
    words: str = ""
    """Query words for the lexical signal; empty if it is not used."""
    lexical_weight: float = 0.0
    typed: str = ""
    """The whole text, which may be a title or an identifier."""
    wanted: str = ""
    """What the query wants, an array of `search.part` as text, for the structure signal; empty if
    it is not used."""
    wanted_keys: tuple[tuple[str, ...], ...] = ()
    """For each part of `wanted` the keys of the facet values that fulfil it."""
    structure_weight: float = 0.0
    filters: Filters = field(default_factory=Filters)
    exclude: int | None = None
    """The id of a product to leave out."""
    fusion: str = BY_MATCH
    min_match: float = 0.0
    """The minimum match of a hit."""
    group_variants: bool = True
    sort: Sort = ""
    in_stock_first: bool = False
    """Whether hits that are out of stock come after the others; a sort order ignores it."""
    vectors: Channel | None = None
    """The channel whose embeddings are returned with the hits, if any."""
    window: int = 240
    is_small: bool = False
    """Whether no search of this catalogue uses an HNSW index; see `catalog.search.candidates`."""
    fan_out: int = FAN_OUT
    """Number of pictures to read from an index per product of the window."""
    limit: int = 24
    offset: int = 0

    def conditions(self) -> Iterator[str]:
        yield from self.filters.conditions()
        if self.exclude is not None:
            yield "p.id <> %(exclude)s"

    @property
    def parts(self) -> int:
        """The number of wanted parts by which candidates are found."""
        return min(len(self.wanted_keys), MAX_PARTS)

    @property
    def named(self) -> tuple[str, ...]:
        """The signals of `fusion.NAMED` that are used."""
        return ("structure",) * bool(self.wanted) + ("lexical",) * bool(self.words)

    def keys(self) -> str:
        """SQL of a text[] with the keys of all chosen facet values; empty if there are none."""
        return self.filters.keys()

    def given(self, parameter: str) -> list[str]:
        """Conditions for a parameter to be used: none, since what is not given is left out."""
        return []

    def parameters(self) -> dict[str, Any]:
        values = self.filters.parameters() | {
            "typed": self.typed,
            "words": self.words,
            "exclude": self.exclude,
            "wanted": self.wanted,
            "structure_weight": self.structure_weight,
            "lexical_weight": self.lexical_weight,
            "group_variants": self.group_variants,
            "min_match": self.min_match,
            "window": self.window,
            "fan_out": self.fan_out,
            "limit": self.limit,
            "offset": self.offset,
            "exact_factor": EXACT_FACTOR,
            "max_lexical": MAX_LEXICAL,
            "min_scanned": MIN_SCANNED,
            "ef_search": str(min(MAX_EF_SEARCH, 2 * self.window)),
        }
        for place, keys in enumerate(self.wanted_keys[:MAX_PARTS], start=1):
            values[f"wanted_{place}"] = list(keys)
        for channel in self.channels:
            values[f"{channel.name}_vector"] = HalfVector(channel.vector)
            values[f"{channel.name}_quantiles"] = list(channel.quantiles)
            values[f"{channel.name}_weight"] = channel.weight
        return values


def browse_statement(ranking: Ranking) -> Statement:
    """List the catalogue without ranking: by default products in stock first, then the newest."""
    condition = where(list(ranking.conditions()))
    order = {
        "price": "price NULLS LAST, id DESC",
        "-price": "price DESC NULLS LAST, id DESC",
        "newest": "id DESC",
    }.get(ranking.sort, "in_stock DESC, id DESC")
    sql = f"""
SELECT total.products AS total, hit.*
  FROM (SELECT count(*) AS products FROM product p {condition}) AS total
  LEFT JOIN (
       SELECT {HIT_COLUMNS}
         FROM (SELECT p.* FROM product p {condition}
                ORDER BY {order} LIMIT %(limit)s OFFSET %(offset)s) AS p
         LEFT JOIN product_image i ON i.id = ({MAIN_IMAGE})
       ) AS hit ON true
 ORDER BY {order}"""
    return Statement(sql, ranking.parameters())


def ranking_statement(ranking: Ranking) -> Statement:
    """Select the page of hits. Every row also has the columns of `summary`, but only the first one
    has its facets, which may be long."""
    steps = ",\n".join(_steps(ranking))
    page_order = ORDERS[ranking.sort]
    if ranking.in_stock_first and not ranking.sort:
        page_order = "matches DESC, in_stock DESC, rank"
    sql = f"""
WITH {steps}
SELECT total, truncated,
       CASE WHEN row_number() OVER (ORDER BY hit.place) = 1 THEN facets END AS facets, hit.*
  FROM summary
  LEFT JOIN (
       SELECT {HIT_COLUMNS},
              page.place, matches, page.exact, page.score, page.match,
              {_signals(ranking)} AS signals, {_fulfilled(ranking)} AS fulfilled,
              page.variants, page.colours{_vector(ranking.vectors)}
         FROM (SELECT placed.*
                 FROM summary,
                      (SELECT cards.*, row_number() OVER (ORDER BY {page_order}) AS place
                         FROM cards) AS placed
                WHERE place > %(offset)s AND place <= %(offset)s + %(limit)s
                  AND (matches
                       OR total > 0 AND match >= %(min_match)s AND place <= total + {MAX_CLOSE}
                       OR total = 0 AND place <= {MAX_CLOSE})) AS page
         JOIN product p ON p.id = page.product_id
         LEFT JOIN product_image i ON i.id = coalesce(page.image_id, ({MAIN_IMAGE}))
       ) AS hit ON true
 ORDER BY hit.place"""
    # In a large catalogue, frequent facet values are looked up by another plan than rare ones.
    is_one_plan_good = ranking.is_small or not ranking.parts
    is_frequent = not any(ranking.conditions()) and ranking.vectors is None
    has_one_plan = is_one_plan_good and is_frequent
    return Statement(sql, ranking.parameters(), has_one_plan)


def _signals(ranking: Ranking) -> str:
    """A JSON object: the similarity and the match of each signal by name."""
    signals = [
        f"'{channel.name}', jsonb_build_array({channel.name}_similarity, {channel.name}_match)"
        for channel in ranking.channels
    ]
    signals += [f"'{name}', jsonb_build_array(NULL, {name})" for name in ranking.named]
    return f"jsonb_build_object({', '.join(signals)})"


def _fulfilled(ranking: Ranking) -> str:
    """The degrees of all wanted parts, in their order."""
    if not ranking.wanted:
        return "NULL::float8[]"
    return f"(SELECT array_agg(degree ORDER BY place) FROM ({DEGREES}) AS part)"


def _vector(channel: Channel | None) -> str:
    if channel is None:
        return ""
    table = embedding_table_name(channel.model, channel.modality)
    own = "e.image_id = i.id" if channel.modality == "image" else "e.product_id = p.id"
    return f", (SELECT e.embedding FROM {table} e WHERE {own}) AS vector"


def facet_statement(ranking: Ranking) -> Statement:
    """Select the summary of the window, without hits."""
    steps = ",\n".join(_steps(ranking))
    return Statement(f"\nWITH {steps}\nSELECT * FROM summary", ranking.parameters())


def _steps(ranking: Ranking) -> Iterator[str]:
    conditions = list(ranking.conditions())
    yield plan(conditions, ranking.keys())
    if any(EXCLUDED in condition for condition in conditions):  # computed once, not in each list
        yield f"excluded AS MATERIALIZED (SELECT {EXCLUDED} AS words)"
        words = "(SELECT words FROM excluded)"
        conditions = [condition.replace(EXCLUDED, words) for condition in conditions]
    if ranking.is_small and conditions:
        yield passing(conditions)
        conditions = [PASSES.format("p.id")]
    for channel in ranking.channels:
        if ranking.is_small:
            yield all_nearest(channel, is_filtered=bool(conditions))
        else:
            yield vector_candidates(channel, conditions, ranking.given(f"{channel.name}_vector"))
    if ranking.words:
        # Products may have no embeddings yet.
        others = [f"EXISTS (SELECT FROM {channel.name}_list)" for channel in ranking.channels]
        yield lexical_candidates([*ranking.given("words"), *conditions], others)
    if ranking.wanted:
        yield WANTED
    if ranking.parts:
        yield from structure_candidates(ranking.parts, conditions, ranking.given)
    lists = [f"{channel.name}_list" for channel in ranking.channels]
    lists += ["lexical_list"] if ranking.words else []
    lists += ["structure_list"] if ranking.parts else []
    union = "\n     UNION\n    ".join(f"SELECT product_id FROM {name}" for name in lists)
    yield f"candidate AS MATERIALIZED (\n    {union}\n)"
    for channel in ranking.channels:
        yield distances(channel, ranking.given(f"{channel.name}_vector"))
    yield _scored(ranking)
    yield _window(ranking)
    yield _cards(ranking)
    yield _summary()


def _scored(ranking: Ranking) -> str:
    """`scored`: each candidate's similarity and match in every channel, its coverage of the query,
    and the columns of the product that the later steps need."""
    columns, joins = [], []
    for channel in ranking.channels:
        name = channel.name
        similarity = f"(1 - {name}_distance.distance)"
        joins.append(f"LEFT JOIN {name}_distance ON {name}_distance.product_id = p.id")
        columns.append(f"{similarity} AS {name}_similarity")
        columns.append(f"search_internal.match({similarity}, %({name}_quantiles)s) AS {name}_match")
        if channel.modality == "image":
            columns.append(f"{name}_distance.image_id AS {name}_picture")
    named = "false AS exact, NULL::float8 AS lexical"
    structure = "NULL::float8 AS structure, NULL::float8 AS met, true AS is_of_type"
    if ranking.wanted:
        structure = "structure.*"
        joins.append(f"CROSS JOIN LATERAL ({FULFILLED}) AS structure")
    if ranking.words:
        named = f"""p.id IN (SELECT product_id FROM exact_list) AS exact,
           {_coverage()} AS lexical"""
    separator, line = ",\n           ", "\n      "
    return f"""scored AS MATERIALIZED (
    SELECT {separator.join(["p.id AS product_id", named, structure, *columns])},
           p.colour, p.facets, p.price, p.in_stock
      FROM product p
      {line.join(joins)}
     WHERE p.id = ANY (ARRAY(TABLE candidate)) -- as in `distances`
)"""


def _coverage() -> str:
    """The share of the query terms that a product contains, weighted by rarity and position.

    A term counts fully in title, brand or SKU, by 0.8 in an attribute, and by 0.4 in the
    description.
    """
    return """(SELECT sum(t.weight * CASE WHEN (p.lexemes @@ t.term) IS NOT TRUE THEN 0
                         WHEN p.lexemes @@ t.title_term THEN 1
                         WHEN ts_filter(p.lexemes, '{b}') @@ t.term THEN 0.8
                         ELSE 0.4 END) / sum(t.weight)
              FROM terms t)"""


def _window(ranking: Ranking) -> str:
    """`best`: the window, that is the best candidates by score, those that match first, with their
    `rank`, by which all later steps sort.

    `OFFSET 0` makes PostgreSQL compute the score once, not for each use.
    """
    score = FUSIONS[ranking.fusion](ranking.channels, ranking.named)
    match = calibrated_sum(ranking.channels, ranking.named)
    seen = [channel.name for channel in ranking.channels if channel.modality == "image"]
    picture = "coalesce(" + "".join(f"{name}_picture, " for name in seen) + "NULL::bigint)"
    return f"""best AS MATERIALIZED (
    SELECT *
      FROM (SELECT *, row_number() OVER (
                      ORDER BY {BEST}) AS rank
              FROM (SELECT *, exact OR match >= %(min_match)s AND (%(min_match)s = 0 OR fulfils
                              AND (%(structure_weight)s = 0 OR is_of_type IS NOT FALSE)) AS matches
                      FROM (SELECT scored.*,
                                   %(structure_weight)s = 0
                                   OR met IS NOT DISTINCT FROM most AS fulfils,
                                   coalesce(({score})::float8, 0) AS score,
                                   coalesce({match}, 0) AS match,
                                   {picture} AS image_id
                              FROM scored, (SELECT max(met) AS most FROM scored) AS every
                            OFFSET 0) AS fused) AS judged) AS ranked
     WHERE rank <= %(window)s
)"""


def _cards(ranking: Ranking) -> str:
    """`cards`: the best variant of each product, or every product if variants are not grouped, with
    the number of its variants and their colours."""
    order = "in_stock DESC, rank" if ranking.in_stock_first else "rank"
    return f"""grouped AS MATERIALIZED (
    SELECT best.*,
           CASE WHEN %(group_variants)s THEN coalesce(v.leader_id, best.product_id)
                ELSE best.product_id END AS card
      FROM best
      LEFT JOIN product_variant v USING (product_id)
),
cards AS MATERIALIZED (
    SELECT DISTINCT ON (card, matches) *,
           count(*) OVER card AS variants, array_agg(colour) OVER card AS colours
      FROM grouped
    WINDOW card AS (PARTITION BY card, matches ORDER BY {order}
                    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
     ORDER BY card, matches, {order}
)"""


def _summary() -> str:
    """`summary`: the number of cards, whether the window was truncated, and each facet's values.

    A card has the values of all its variants. The window is truncated if all its rows match.
    """
    values = named_values(
        "SELECT key, count(*) AS products FROM ("
        "SELECT DISTINCT key, card FROM grouped, unnest(facets) AS key WHERE matches) AS each"
        " GROUP BY key"
    )
    return f"""summary AS MATERIALIZED (
    SELECT (SELECT count(*) FROM cards WHERE matches) AS total,
           (SELECT count(*) FROM best WHERE matches) >= %(window)s AS truncated,
           (SELECT jsonb_object_agg(facet, counts)
              FROM (SELECT facet, jsonb_object_agg(value, products) AS counts
                      FROM ({values}) AS named
                     GROUP BY facet) AS faceted) AS facets
)"""
