"""The schema `search`, used in SQL with the role `analyst`."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import numpy as np
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from catalog import config
from catalog.db.connection import connect
from catalog.indexing.switch_model import set_default_model
from catalog.indexing.worker import Worker, running
from catalog.query_log import remember
from catalog.search.filters import Filters
from catalog.search.pipeline import SearchSpec, search
from catalog.search.weights import Weights, default_weights, store_weights
from catalog.sqlapi.objects import OBJECTS
from tests.catalog.test_pages import COLOURS, ENCODER, KINDS, STYLES, catalogue_in
from tests.conftest import repetitions

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("catalogue")]

PHRASES = tuple(
    f"{style} {colour} {kind}" for style in STYLES[:4] for colour in COLOURS for kind in KINDS
)
SKUS = tuple(f"S{number}" for number in range(1, 60))


class Analyst:
    """A connection with the role `analyst`."""

    def __init__(self) -> None:
        self.connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
        self.connection.execute("SET ROLE analyst")

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        cursor = self.connection.cursor(row_factory=dict_row)
        return cursor.execute(sql, values).fetchall()

    def run(self, sql: str, *values: Any) -> None:
        self.connection.execute(sql, values)


@pytest.fixture(scope="module")
def catalogue(
    template_with_synonyms: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    with catalogue_in(template_with_synonyms, tmp_path_factory.mktemp("sql")):
        yield


@pytest.fixture(scope="module")
def analyst(catalogue: None) -> Iterator[Analyst]:
    """All phrases are embedded, as after searches in the shop."""
    vectors = ENCODER.encode_texts(list(PHRASES))
    for phrase, vector in zip(PHRASES, vectors, strict=True):
        remember(phrase, [("fashion", vector)], 7, is_filtered=False)
    user = Analyst()
    yield user
    user.connection.close()


PAGE = 24
WINDOW = 240
"""Further pages may need a wider window than SQL has."""


@contextmanager
def in_shop() -> Iterator[Connection]:
    """A connection for a search with the window that the SQL functions have."""
    with pytest.MonkeyPatch.context() as patch, connect() as connection:
        patch.setenv("SEARCH_WINDOW", str(WINDOW))
        yield connection


def storefront(**spec: Any) -> list[str]:
    """The first page."""
    with in_shop() as connection:
        found = search(connection, SearchSpec(limit=PAGE, **spec), lambda name: ENCODER)
    return [hit.sku for hit in found]


def assert_same_page(rows: list[dict[str, Any]], expected: list[str]) -> None:
    """`rows` begin with the first page. They may be fewer only where variants are grouped and SQL
    has returned all that it ranks: a page is filled with products of lower rank."""
    shown = [row["sku"] for row in rows[:PAGE]]
    assert shown == expected[: len(shown)]
    assert len(shown) == len(expected) or sum(row["variants"] for row in rows) == WINDOW


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "product_type": st.sampled_from([f"{kind}s" for kind in KINDS]),
        "gender": st.sampled_from(["Men", "Women"]),
        "colour": st.sampled_from([colour.title() for colour in COLOURS]),
        "brand": st.sampled_from(["Nord", "nord ", "Sued"]),
        "size": st.lists(st.sampled_from(["S", "s", "M", "L"]), min_size=1, max_size=2),
        "min_price": st.integers(5, 40),
        "max_price": st.integers(41, 90),
        "in_stock": st.booleans(),
    },
)
MIN_MATCH = st.sampled_from([None, 0.0, 0.3, 0.8])


def arguments(**values: Any) -> tuple[str, list[Any]]:
    given = {name: value for name, value in values.items() if value is not None}
    if size := given.pop("size", None):
        given["attributes"] = json.dumps({"Size": size})
    return "".join(f", {name} => %s" for name in given), list(given.values())


def as_filters(chosen: dict[str, Any]) -> Filters:
    facets = ("product_type", "gender", "colour", "brand", "size")
    values = {name: chosen[name] for name in facets if name in chosen}
    return Filters(
        {name: tuple(it) if name == "size" else (it,) for name, it in values.items()},
        **{name: value for name, value in chosen.items() if name not in facets},
    )


@given(
    phrase=st.sampled_from(PHRASES),
    filters=FILTERS,
    min_match=MIN_MATCH,
    group_variants=st.booleans(),
    excluded=st.lists(st.sampled_from(sorted(COLOURS)), max_size=2),
)
def test_products_returns_the_storefronts_results(
    analyst: Analyst,
    phrase: str,
    filters: dict[str, Any],
    min_match: float | None,
    group_variants: bool,
    excluded: list[str],
) -> None:
    named, values = arguments(
        min_match=min_match, group_variants=group_variants, excluded=excluded, **filters
    )
    rows = analyst.rows(f"SELECT sku, variants FROM search.products(%s{named})", phrase, *values)
    words = " ".join([phrase, *(f"-{word}" for word in excluded)])
    expected = storefront(
        text=words,
        filters=as_filters(filters),
        min_match=min_match,
        group_variants=group_variants,
        verbatim=True,
    )
    assert_same_page(rows, expected)


QUESTIONS = st.tuples(
    st.sampled_from(
        [
            "",
            "",
            "i am looking for",
            "ich suche",
            "the best",
            "cheapest",
            "most expensive",
            "newest",
        ]
    ),
    st.sampled_from(["", "summer", "scarlet", "rote", "navy", "not black", "non red", '"summer"']),
    st.sampled_from(
        [*KINDS, *(f"{kind}s" for kind in KINDS), "footwear", "zapatos", "Herrenschuhe"]
    ),
    st.sampled_from(
        ["", "but not red", "without laces", "-black", "except blue or white", "no wool"]
    ),
    st.sampled_from(["", "for men", "for my daughter", "für Damen", "for a 4 year old"]),
    st.sampled_from(
        ["", "under 40", "between 20 and 60", "over 30 euro", "cheap", "max $50", "20-60 rs"]
    ),
    st.sampled_from(["", "size M", "2026", "online", "XL", "32 waist", "for 40", "zzyx"]),
).map(lambda parts: " ".join(filter(None, parts)))


@settings(max_examples=repetitions(60, 1000))
@given(text=QUESTIONS, filters=FILTERS, min_match=MIN_MATCH)
def test_questions_get_the_storefronts_results(
    analyst: Analyst, text: str, filters: dict[str, Any], min_match: float | None
) -> None:
    """Queries as shoppers type them, in every form that is understood."""
    with in_shop() as connection:
        found = search(
            connection,
            SearchSpec(
                text=text,
                filters=as_filters(filters),
                min_match=min_match,
                limit=PAGE,
                verbatim=True,
                group_variants=False,
            ),
            lambda name: ENCODER,
        )
    for (words, model), vector in found.encoded.items():
        remember(words, [(model, vector)], 1, is_filtered=True)
    named, values = arguments(min_match=min_match, group_variants=False, **filters)
    rows = analyst.rows(f"SELECT sku FROM search.products(%s{named})", text, *values)
    assert [row["sku"] for row in rows[:PAGE]] == [hit.sku for hit in found]


@pytest.mark.parametrize(
    ("attributes", "sizes"),
    [
        ('{"size": "M"}', {"m", "M"}),
        ('{"SIZE": ["s", "L"]}', {"S", "L"}),
        ('{"size": []}', {"S", "m", "M", "L"}),
        ('{"size": null}', {"S", "m", "M", "L"}),
        ('{"size": "XXL"}', set()),
        ('{"colour": "red", "size": "L"}', {"L"}),
    ],
)
def test_attributes_filter_by_any_facet(analyst: Analyst, attributes: str, sizes: set[str]) -> None:
    rows = analyst.rows(
        "SELECT DISTINCT p.attributes ->> 'Size' AS size, p.colour"
        "  FROM search.products('linen red shirt', attributes => %s, min_match => 0)"
        "  JOIN product p USING (sku)",
        attributes,
    )
    assert {row["size"] for row in rows} == sizes
    if "colour" in attributes:
        assert {row["colour"] for row in rows} == {"Red"}


def test_similar_and_blend_filter_by_attributes(analyst: Analyst) -> None:
    for call in ("similar('S1'", "blend('S1', 'linen red shirt'"):
        rows = analyst.rows(
            f"SELECT p.attributes ->> 'Size' AS size FROM search.{call}, min_match => 0,"
            """ attributes => '{"size": "L"}') JOIN product p USING (sku)"""
        )
        assert {row["size"] for row in rows} == {"L"}


def test_words_use_another_model_if_the_default_has_only_images(
    analyst: Analyst,
) -> None:
    assert default_models() == ("fashion", "fashion")
    with connect() as connection:
        set_default_model(connection, "imagenet", force=True)
    try:
        assert default_models() == ("imagenet", "fashion")
        for phrase in PHRASES[::20]:
            rows = analyst.rows("SELECT sku FROM search.products(%s)", phrase)
            assert (
                [row["sku"] for row in rows[:PAGE]] == storefront(text=phrase, verbatim=True) != []
            )
            rows = analyst.rows("SELECT sku FROM search.blend(%s, %s)", SKUS[0], phrase)
            assert [row["sku"] for row in rows[:PAGE]] == storefront(
                like=SKUS[0], text=phrase, verbatim=True
            )
    finally:
        with connect() as connection:
            connection.exec_driver_sql("DELETE FROM setting")


def default_models() -> tuple[str, str]:
    """The default model of SQL functions: any, and with texts."""
    with connect() as connection:
        sql = "SELECT search_internal.find_model(NULL), search_internal.find_model(NULL, 'text')"
        return tuple(connection.exec_driver_sql(sql).one())


@given(
    sku=st.sampled_from(SKUS),
    filters=FILTERS,
    min_match=MIN_MATCH,
    group_variants=st.booleans(),
    using=st.sampled_from([("text", "image"), ("text",), ("image",)]),
)
def test_similar_returns_the_storefronts_results(
    analyst: Analyst,
    sku: str,
    filters: dict[str, Any],
    min_match: float | None,
    group_variants: bool,
    using: tuple[str, ...],
) -> None:
    named, values = arguments(min_match=min_match, group_variants=group_variants, **filters)
    flags = f", using_texts => {'text' in using}, using_images => {'image' in using}"
    has_picture = int(sku[1:]) % 13 != 0
    if using == ("image",) and not has_picture:
        with pytest.raises(psycopg.errors.NoDataFound, match="has no such embedding"):
            analyst.rows(f"SELECT sku FROM search.similar(%s{flags}{named})", sku, *values)
        return
    rows = analyst.rows(f"SELECT sku, variants FROM search.similar(%s{flags}{named})", sku, *values)
    spec = {
        "like": sku,
        "filters": as_filters(filters),
        "min_match": min_match,
        "group_variants": group_variants,
    }
    assert_same_page(rows, storefront(signals=using, **spec))


@given(
    sku=st.sampled_from(SKUS),
    phrase=st.sampled_from(PHRASES),
    weight=st.integers(0, 20).map(lambda step: step / 20),
    filters=FILTERS,
    min_match=MIN_MATCH,
)
def test_blend_returns_the_storefronts_results(
    analyst: Analyst,
    sku: str,
    phrase: str,
    weight: float,
    filters: dict[str, Any],
    min_match: float | None,
) -> None:
    named, values = arguments(weight=weight, min_match=min_match, **filters)
    rows = analyst.rows(
        f"SELECT sku, variants FROM search.blend(%s, %s{named})", sku, phrase, *values
    )
    spec = {"like": sku, "text": phrase, "blend": weight, "min_match": min_match, "verbatim": True}
    assert_same_page(rows, storefront(filters=as_filters(filters), **spec))


def test_hit_contains_the_match_of_each_signal(analyst: Analyst) -> None:
    rows = analyst.rows("SELECT * FROM search.products('linen red shirt')")
    assert [row["place"] for row in rows] == list(range(1, len(rows) + 1))
    row = next(row for row in rows if row["image_path"])
    for name in ("match", "text_match", "image_match", "lexical_match"):
        assert row[name] > 0
    assert (row["category"], row["product_type"]) == ("Things", "shirts")


def test_order_by_embedding_uses_the_index(analyst: Analyst) -> None:
    statement = (
        "SELECT sku, fashion_image <=> search.embedding('linen red shirt', 'fashion') AS distance"
        " FROM search.product_vectors WHERE fashion_image IS NOT NULL"
        " ORDER BY fashion_image <=> search.embedding('linen red shirt', 'fashion') LIMIT 10"
    )
    analyst.run("SET enable_seqscan = off")
    try:
        plan = "\n".join(row["QUERY PLAN"] for row in analyst.rows(f"EXPLAIN {statement}"))
        rows = analyst.rows(statement)
    finally:
        analyst.run("RESET enable_seqscan")
    assert "fashion_image_embedding_hnsw" in plan
    distances = [row["distance"] for row in rows]
    assert len(rows) == 10
    assert distances == sorted(distances)


def test_unknown_phrase_has_a_hint(analyst: Analyst) -> None:
    for call in ("search.embedding('unheard phrase')", "search.products('unheard phrase')"):
        with pytest.raises(psycopg.errors.NoDataFound) as caught:
            analyst.rows(f"SELECT * FROM {call}")
        assert "not embedded" in str(caught.value)
        assert caught.value.diag.message_hint == "CALL search.embed('unheard phrase', 'fashion');"


def test_phrase_is_embedded_on_request(analyst: Analyst) -> None:
    with running(Worker(lambda name: ENCODER, poll=5.0)):
        analyst.run("CALL search.embed('  warm   white coat ', 'fashion')")
        analyst.run("CALL search.embed('warm white coat')")
    (row,) = analyst.rows("SELECT search.embedding('warm white coat') AS vector")
    expected = ENCODER.encode_texts(["warm white coat"])[0]
    np.testing.assert_allclose(_floats(row), expected, atol=1e-3)


def _floats(row: dict[str, Any]) -> np.ndarray:
    return np.array([float(part) for part in str(row["vector"]).strip("[]").split(",")])


def test_embed_times_out_without_a_worker(analyst: Analyst) -> None:
    with pytest.raises(psycopg.errors.QueryCanceled) as caught:
        analyst.run("CALL search.embed('nobody hears this', timeout => '100 ms')")
    assert "embedding_worker" in str(caught.value.diag.message_hint)


class Poisoned:
    """An encoder that fails on one phrase."""

    spec = ENCODER.spec

    def encode_texts(self, texts: list[str]) -> np.ndarray:
        if any("poison" in words for words in texts):
            raise ValueError("these words break me")
        return ENCODER.encode_texts(texts)

    def encode_images(self, images: list[object]) -> np.ndarray:
        raise NotImplementedError


def test_failing_phrase_is_skipped_after_three_attempts(analyst: Analyst) -> None:
    analyst.run("SELECT search.request('poison')")
    analyst.run("SELECT search.request('harmless')")
    worker = Worker(lambda name: Poisoned())  # type: ignore[return-value, arg-type]
    tries = 0
    while worker.answer_requests():
        tries += 1
    assert tries == 3
    analyst.rows("SELECT search.embedding('harmless')")
    with (
        pytest.raises(psycopg.errors.RaiseException, match="these words break me"),
        running(worker),
    ):
        analyst.run("CALL search.embed('poison')")
    (row,) = analyst.rows(
        "SELECT failed FROM search.coverage WHERE model = 'fashion' AND modality = 'query'"
    )
    assert row["failed"] == 1


def test_workers_share_requests_and_retry_abandoned_ones(analyst: Analyst) -> None:
    for number in range(200):
        analyst.run("SELECT search.request(%s)", f"shared {number}")
    analyst.run("SELECT search.request('abandoned')")
    with connect() as connection:  # like a worker that was killed a minute ago
        connection.exec_driver_sql(
            "UPDATE query_embedding SET attempts = 1, claimed_at = now() - interval '1 min'"
            " WHERE text = 'abandoned'"
        )
    before = len(ENCODER.texts)
    with running(Worker(lambda name: ENCODER)), running(Worker(lambda name: ENCODER)):
        analyst.run("CALL search.embed('shared 199')")
        analyst.run("CALL search.embed('abandoned')")
        for number in range(200):
            analyst.run("CALL search.embed(%s)", f"shared {number}")
    encoded = [text for text in ENCODER.texts[before:] if text.startswith(("shared", "aband"))]
    assert len(encoded) == len(set(encoded)) == 201


WRONG = {
    "SELECT * FROM search.products('')": "empty",
    "SELECT * FROM search.products('   ')": "empty",
    "SELECT * FROM search.products(NULL)": "empty",
    "SELECT * FROM search.products('x', model => 'nothing')": "no model 'nothing'",
    "SELECT * FROM search.products('x', model => 'imagenet')": "has no text embeddings",
    "SELECT * FROM search.products(repeat('x', 600))": "500 characters",
    "SELECT * FROM search.products('linen red shirt', min_match => 2)": "between 0 and 1",
    "SELECT * FROM search.similar('S1', attributes => '[1]')": "must be a JSON object",
    """SELECT * FROM search.similar('S1', attributes => '{"a": 1}')""": "no facet 'a'",
    "SELECT * FROM search.similar('nothing')": "no product with the SKU 'nothing'",
    "SELECT * FROM search.similar(NULL)": "no product with the SKU",
    "SELECT * FROM search.similar('S1', using_images => false, using_texts => false)": "be true",
    "SELECT * FROM search.blend('S1', 'linen red shirt', weight => 1.5)": "between 0 and 1",
    "SELECT * FROM search.recall('fashion', 'image', k => 0)": "between 1 and 1000",
    "SELECT * FROM search.recall('fashion', 'image', sample => 0)": "between 1 and 10000",
    "SELECT * FROM search.recall('fashion', 'sound')": "no modality 'sound'",
    "SELECT * FROM search.recall('imagenet', 'text')": "has no text embeddings",
    "SELECT * FROM search.duplicates('fashion', threshold => -1)": "between 0 and 1",
    "SELECT * FROM search.price_outliers(neighbours => 0)": "between 3 and 100",
    "SELECT * FROM search.misfiled(neighbours => 1000)": "between 3 and 100",
    "SELECT * FROM search.misfiled(sample => 0)": "at least 1, not 0",
    "CALL search.embed('', 'fashion')": "empty",
    "CALL search.embed('x', 'imagenet')": "has no text embeddings",
}


@pytest.mark.parametrize("sql", WRONG)
def test_invalid_argument_has_a_one_line_message(analyst: Analyst, sql: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        analyst.run(sql)
    message = caught.value.diag.message_primary or ""
    assert WRONG[sql] in message
    assert "\n" not in message


def test_hint_lists_known_models(analyst: Analyst) -> None:
    with pytest.raises(psycopg.Error) as caught:
        analyst.run("SELECT search.embedding('x', 'nothing')")
    hint = caught.value.diag.message_hint or ""
    assert "fashion" in hint
    assert "imagenet" not in hint


INJECTIONS = (
    "'; DROP TABLE product; --",
    "$$; DROP TABLE product; $$",
    "fashion_text; DROP TABLE product",
    'fashion"; DROP TABLE product; --',
    "{conditions}",
    "%(words)s $1 %s",
    "x' OR '1'='1",
    "\\'; SELECT pg_sleep(10); --",
)
CALLS = (
    "SELECT * FROM search.products(%s)",
    "SELECT * FROM search.products('linen red shirt', %s)",
    *(
        f"SELECT * FROM search.products('linen red shirt', {name} => %s)"
        for name in ("category", "product_type", "gender", "colour", "brand")
    ),
    "SELECT * FROM search.products('linen red shirt', excluded => ARRAY[%s])",
    "SELECT * FROM search.similar(%s)",
    "SELECT * FROM search.similar('S1', %s)",
    "SELECT * FROM search.similar('S1', colour => %s)",
    "SELECT * FROM search.blend(%s, 'linen red shirt')",
    "SELECT * FROM search.blend('S1', %s)",
    "SELECT * FROM search.recall(%s)",
    "SELECT * FROM search.similar('S1', attributes => jsonb_build_object('size', %s::text))",
    "SELECT * FROM search.similar('S1', attributes => jsonb_build_object(%s::text, 'L'))",
    "SELECT * FROM search.recall('fashion', %s)",
    "SELECT * FROM search.duplicates(%s)",
    "SELECT * FROM search.price_outliers(%s)",
    "SELECT * FROM search.misfiled(%s)",
    *(
        f"SELECT * FROM search.{name}(category => %s)"
        for name in ("duplicates", "price_outliers", "misfiled")
    ),
    "SELECT * FROM search.gaps(ARRAY[%s])",
    "SELECT search.request(%s)",
    "SELECT search.request('x', %s)",
)


REASONS = psycopg.errors.InvalidParameterValue, psycopg.errors.NoDataFound
"""Expected errors. A syntax error would mean that an argument was executed as SQL."""


@pytest.mark.parametrize("call", CALLS)
def test_arguments_are_not_executed_as_sql(analyst: Analyst, call: str) -> None:
    for injection in INJECTIONS:
        with suppress(*REASONS):
            analyst.run(call, injection)
    (row,) = analyst.rows("SELECT count(*) AS products FROM product")
    assert row["products"] == 600


ALLOWED = (
    "SELECT * FROM product LIMIT 1",
    "SELECT * FROM product_image LIMIT 1",
    "SELECT * FROM fashion_text LIMIT 1",
    "SELECT * FROM clip_image LIMIT 1",
    "SELECT * FROM search.product_vectors LIMIT 1",
    "SELECT * FROM search.coverage",
    "SELECT * FROM search.popular_queries",
    "SELECT * FROM search.unanswered_queries",
    "SELECT * FROM search.vocabulary LIMIT 1",
    "SELECT * FROM search.models",
    "SELECT search.request('allowed')",
)
REFUSED = (
    "INSERT INTO product (sku, title) VALUES ('x', 'x')",
    "UPDATE product SET price = 0",
    "DELETE FROM product",
    "TRUNCATE product",
    "UPDATE fashion_text SET source_md5 = ''",
    "INSERT INTO query_embedding (text, model) VALUES ('x', 'fashion')",
    "UPDATE query_log SET searches = 0",
    "INSERT INTO query_log (text) VALUES ('x')",
    "DELETE FROM query_embedding",
    "SELECT * FROM auth_user",
    "SELECT * FROM django_session",
    "SELECT * FROM alembic_version",
    "CREATE TABLE mine (x int)",
    "CREATE TABLE search.mine (x int)",
    "CREATE FUNCTION search.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "REFRESH MATERIALIZED VIEW search.vocabulary",
    "DROP FUNCTION search_internal.tidy(text)",
)


@pytest.mark.parametrize("sql", ALLOWED)
def test_analyst_is_allowed(analyst: Analyst, sql: str) -> None:
    analyst.run(sql)


@pytest.mark.parametrize("sql", REFUSED)
def test_analyst_is_not_allowed(analyst: Analyst, sql: str) -> None:
    with connect() as connection:  # this database has no tables of Django
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS auth_user (id int)")
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS django_session (id int)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        analyst.run(sql)


def test_other_roles_cannot_use_the_schema(analyst: Analyst) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as other:
        other.execute("DROP ROLE IF EXISTS stranger")
        other.execute("CREATE ROLE stranger")
        try:
            other.execute("SET ROLE stranger")
            for sql in ("SELECT search.request('x')", "SELECT * FROM search.models"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    other.execute(sql)
        finally:
            other.execute("RESET ROLE")
            other.execute("DROP ROLE stranger")


def test_role_has_limits(analyst: Analyst) -> None:
    (row,) = analyst.rows(
        "SELECT rolcanlogin, setconfig FROM pg_roles LEFT JOIN pg_db_role_setting"
        " ON setrole = pg_roles.oid WHERE rolname = 'analyst'"
    )
    assert not row["rolcanlogin"]
    names = {setting.split("=")[0] for setting in row["setconfig"]}
    assert {"statement_timeout", "hnsw.ef_search", "hnsw.max_scan_tuples"} <= names


def test_all_objects_have_comments(analyst: Analyst) -> None:
    rows = analyst.rows(
        "SELECT oid::regprocedure::text AS name, obj_description(oid, 'pg_proc') AS comment"
        " FROM pg_proc"
        " WHERE pronamespace IN ('search'::regnamespace, 'search_internal'::regnamespace)"
        " UNION ALL SELECT oid::regclass::text, obj_description(oid, 'pg_class') FROM pg_class"
        " WHERE relnamespace IN ('search'::regnamespace, 'search_internal'::regnamespace)"
        " AND relkind IN ('v', 'm')"
    )
    assert len(rows) >= len(OBJECTS)
    assert [row["name"] for row in rows if not row["comment"]] == []


def test_all_tables_and_columns_have_comments(analyst: Analyst) -> None:
    rows = analyst.rows(
        "SELECT oid::regclass::text AS name, attname, col_description(oid, attnum) AS comment"
        "  FROM pg_class JOIN pg_attribute ON attrelid = oid AND attnum >= 0 AND NOT attisdropped"
        " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        " UNION ALL SELECT oid::regclass::text, NULL, obj_description(oid, 'pg_class')"
        " FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    )
    others = ("auth_", "django_", "alembic_", "axes_", "api_", "otp_")
    own = [row for row in rows if not row["name"].startswith(others)]
    assert {"product", "fashion_image", "query_log"} <= {row["name"] for row in own}
    assert [row for row in own if not row["comment"]] == []


def test_the_schema_has_only_what_analysts_use(analyst: Analyst) -> None:
    """`\\df search.*` lists these; helpers are in `search_internal`."""
    rows = analyst.rows(
        "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'search'::regnamespace"
    )
    page = (config.PROJECT / "docs" / "sql.md").read_text()
    names = {row["proname"] for row in rows}
    assert names - set(re.findall(r"search\.(\w+)", page)) == set()
    assert {"products", "understand", "parse", "recall"} <= names


def test_functions_set_search_path(analyst: Analyst) -> None:
    rows = analyst.rows(
        "SELECT proname, proconfig, prosecdef FROM pg_proc"
        " WHERE pronamespace IN ('search'::regnamespace, 'search_internal'::regnamespace)"
        " AND prolang <>"
        " (SELECT oid FROM pg_language WHERE lanname = 'internal')"
    )
    unpinned = {
        row["proname"]
        for row in rows
        if not any(setting.startswith("search_path=") for setting in row["proconfig"] or ())
    }
    # `match` is an expression of built-in operators; a procedure that commits can have no setting.
    assert unpinned == {"match", "embed"}
    assert {row["proname"] for row in rows if row["prosecdef"]} == {"request"}


def test_coverage_counts_rows_by_state(analyst: Analyst) -> None:
    rows = {
        (row["model"], row["modality"]): row
        for row in analyst.rows("SELECT * FROM search.coverage")
    }
    assert {model for model, _ in rows} == set(config.settings().models)
    texts = rows["fashion", "text"]
    assert (texts["total"], texts["embedded"], texts["stale"], texts["missing"]) == (600, 600, 0, 0)
    assert texts["oldest"] <= texts["newest"]
    with connect() as connection:
        connection.exec_driver_sql("UPDATE product SET title = title || ' ' WHERE sku = 'S5'")
    (row,) = analyst.rows(
        "SELECT embedded, stale FROM search.coverage WHERE model = 'fashion' AND modality = 'text'"
    )
    assert (row["embedded"], row["stale"]) == (599, 1)
    Worker(lambda name: ENCODER).embed_products()
    (row,) = analyst.rows(
        "SELECT embedded, stale FROM search.coverage WHERE model = 'fashion' AND modality = 'text'"
    )
    assert (row["embedded"], row["stale"]) == (600, 0)


def test_recall_compares_the_index_with_exact_results(analyst: Analyst) -> None:
    (row,) = analyst.rows("SELECT * FROM search.recall('fashion', 'text', k => 10, sample => 50)")
    assert row["queries"] == 50
    assert row["recall"] >= 0.95
    assert row["index_ms"] > 0
    assert row["exact_ms"] > 0


def test_duplicates_have_the_same_picture(analyst: Analyst) -> None:
    rows = analyst.rows("SELECT * FROM search.duplicates('fashion', threshold => 0.999)")
    assert rows
    assert all(row["similarity"] >= 0.999 and row["sku"] != row["other_sku"] for row in rows)
    pairs = {frozenset((row["sku"], row["other_sku"])) for row in rows}
    assert len(pairs) == len(rows)


def test_the_three_analyses(analyst: Analyst) -> None:
    (dear, *_) = analyst.rows("SELECT * FROM search.price_outliers('fashion', neighbours => 20)")
    assert float(dear["price"] / dear["usual_price"]) == pytest.approx(
        float(dear["factor"]), abs=0.006
    )
    for row in analyst.rows("SELECT * FROM search.misfiled('fashion')"):
        assert row["looks_like"] != row["product_type"]
    remember("telescope", [("fashion", ENCODER.encode_texts(["telescope"])[0])], 0, True)
    rows = analyst.rows(
        "SELECT * FROM search.gaps(ARRAY['linen red shirt', 'telescope'], 'fashion')"
    )
    assert [row["wish"] for row in rows] == ["telescope", "linen red shirt"]
    assert rows[1]["found"] > 0


def test_popular_and_unanswered_queries(analyst: Analyst) -> None:
    remember("purple unicorn", [("fashion", None)], 0, is_filtered=False)
    remember("purple unicorn", [("fashion", None)], 0, is_filtered=True)
    (row,) = analyst.rows("SELECT * FROM search.unanswered_queries WHERE query = 'purple unicorn'")
    assert (row["unanswered"], row["searches"]) == (1, 2)
    rows = analyst.rows("SELECT * FROM search.popular_queries LIMIT 5")
    assert [row["searches"] for row in rows] == sorted(
        (row["searches"] for row in rows), reverse=True
    )


def test_changed_weights_are_at_work_for_pages_and_sql(analyst: Analyst) -> None:
    phrases = PHRASES[:8]
    usual = [storefront(text=phrase, verbatim=True) for phrase in phrases]
    weights = default_weights() | {"words": Weights(0.1, 0.05, 0.0, 0.9, min_match=0.1)}
    narrow = {kind: replace(each, products=30) for kind, each in default_weights().items()}
    tried = [storefront(text=it, verbatim=True, weights=weights) for it in phrases]
    assert tried != usual
    assert [storefront(text=phrase, verbatim=True) for phrase in phrases] == usual
    with connect() as connection:
        store_weights(connection, weights)
    try:
        for phrase, expected in zip(phrases, tried, strict=True):
            assert storefront(text=phrase, verbatim=True) == expected
            rows = analyst.rows("SELECT sku, variants FROM search.products(%s)", phrase)
            assert_same_page(rows, expected)
        assert len(analyst.rows("SELECT * FROM search.weights")) == 4
        with connect() as connection:
            store_weights(connection, narrow)
        for phrase in phrases:
            rows = analyst.rows("SELECT sku, variants FROM search.products(%s)", phrase)
            assert sum(row["variants"] for row in rows) <= 30
            assert_same_page(rows, storefront(text=phrase, verbatim=True))
        assert {row["products"] for row in analyst.rows("SELECT * FROM search.weights")} == {30}
    finally:
        with connect() as connection:
            store_weights(connection, default_weights())
            left = connection.exec_driver_sql("SELECT count(*) FROM search_weights").scalar()
    assert left == 0
    assert [storefront(text=phrase, verbatim=True) for phrase in phrases] == usual


@pytest.mark.parametrize(
    "wrong",
    [
        Weights(),
        Weights(text=2.0),
        Weights(text=1, min_match=-0.1),
        Weights(text=1, products=0),
        Weights(text=1, products=1001),
    ],
)
def test_impossible_weights_are_rejected(analyst: Analyst, wrong: Weights) -> None:
    with pytest.raises(IntegrityError), connect() as connection:
        store_weights(connection, {"words": wrong})
