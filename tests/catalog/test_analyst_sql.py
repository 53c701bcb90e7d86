"""What analysts meet in SQL: raw vectors that never come up short, prices of any type, hints for
values that no product has, and errors of one line."""

import os
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from benchmarks.synthetic import fill_synthetic
from catalog.db.connection import connect
from catalog.query_log import remember
from catalog.search.vocabulary import refresh_vocabulary
from catalog.sqlapi.objects import create_objects
from embedding.registry import get_spec
from tests.conftest import fresh_database, server_url

pytestmark = pytest.mark.slow

PRODUCTS = 3000
NAMED = """
    UPDATE product SET category = CASE WHEN mod(id, 50) = 0 THEN 'Footwear' ELSE 'Apparel' END,
           product_type = CASE WHEN mod(id, 50) = 0 THEN 'Sneakers' ELSE 'Dresses' END,
           colour = CASE WHEN mod(id, 3) = 0 THEN 'Navy Blue' ELSE 'Red' END, price = mod(id, 100);
    UPDATE product SET attributes = '{"Size": "XL"}' WHERE mod(id, 2) = 0;
    INSERT INTO facet (name, label, kind, position) VALUES ('size', 'Size', 'size', 99)
"""
VECTOR = "(SELECT embedding FROM fashion_image WHERE product_id = 1)"


@pytest.fixture(scope="module")
def catalogue(template: str) -> Iterator[str]:
    """Products with settings as after `migrate`: a clone of a database lacks those of its own."""
    with fresh_database(template) as url:
        with connect() as connection:
            fill_synthetic(connection, get_spec("fashion"), PRODUCTS)
            connection.exec_driver_sql(NAMED)
            refresh_vocabulary(connection)
            create_objects(connection)
            vector = connection.exec_driver_sql(f"SELECT {VECTOR}").scalar_one()
        remember("dresses", [("fashion", vector.to_numpy())], 1, is_filtered=True)
        yield url


@pytest.fixture(scope="module")
def ada(catalogue: str) -> Iterator[psycopg.Connection]:
    """A connection of a member of the role `analyst` with default settings."""
    name = f"ada_{os.getpid()}"
    with psycopg.connect(catalogue, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {name} LOGIN IN ROLE analyst".encode())
        owner.execute(b"VACUUM ANALYZE")
        with psycopg.connect(
            catalogue.replace("//postgres", f"//{name}", 1), autocommit=True
        ) as user:
            yield user
        owner.execute(f"DROP ROLE {name}".encode())


def rows(user: psycopg.Connection, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    return user.execute(sql.encode(), values or None).fetchall()


def ids(user: psycopg.Connection, sql: str, *values: Any) -> list[Any]:
    return [row[0] for row in rows(user, sql, *values)]


@pytest.mark.parametrize("condition", ["", "AND category = 'Footwear'", "AND price = 50"])
def test_raw_vectors_do_not_come_up_short(ada: psycopg.Connection, condition: str) -> None:
    matching = f"FROM search.product_vectors WHERE fashion_image IS NOT NULL {condition}"
    ((expected,),) = rows(ada, f"SELECT least(200, count(*)) {matching}")
    assert expected >= 30
    near = f"SELECT fashion_image <=> {VECTOR} {matching} ORDER BY fashion_image <=> {VECTOR}"
    with ada.transaction():
        ada.execute("SET LOCAL enable_sort = off")
        assert any("hnsw" in line for line in ids(ada, f"EXPLAIN {near} LIMIT 200"))
        found = ids(ada, f"{near} LIMIT 200")
    assert len(found) == expected
    assert found == pytest.approx(sorted(found), abs=1e-6)  # the index rounds


@pytest.mark.parametrize("modality", ["text", "image"])
@pytest.mark.parametrize("k", [1, 40, 200, 5000])
@pytest.mark.parametrize(
    ("named", "condition"),
    [
        ("", "true"),
        (", category => 'footwear'", "category = 'Footwear'"),
        (", product_type => 'Sneakers', max_price => 50.0", "mod(id, 50) = 0 AND price <= 50"),
        (""", attributes => '{"size": "xl"}', colour => 'Red'""", "mod(id, 6) IN (2, 4)"),
    ],
)
def test_nearest_returns_all_that_there_are(
    ada: psycopg.Connection, modality: str, k: int, named: str, condition: str
) -> None:
    found = rows(
        ada,
        f"SELECT place, product_id, distance FROM search.nearest({VECTOR}, %s,"
        f" modality => %s{named})",
        k,
        modality,
    )
    exact = ids(
        ada,
        f"SELECT e.embedding <=> {VECTOR} AS distance FROM fashion_{modality} e"
        f"  JOIN product p ON p.id = e.product_id WHERE {condition} ORDER BY distance LIMIT %s",
        k,
    )
    assert [place for place, _, _ in found] == list(range(1, len(exact) + 1))
    distances = [distance for _, _, distance in found]
    assert distances == sorted(distances)
    assert distances[0] == exact[0]
    hit = sum(distance <= exact[-1] for distance in distances)
    assert hit >= 0.95 * len(exact)


@pytest.mark.parametrize(
    ("call", "message", "hint"),
    [
        ("NULL", "the vector is NULL", None),
        (f"{VECTOR}, k => 0", "k must be at least 1, not 0", None),
        ("'[1,2]'", "2 dimensions, but the embeddings of the model fashion have 384", "models"),
        (f"{VECTOR}, model => 'x'", "there is no model 'x'", "fashion"),
        (f"{VECTOR}, modality => 'sound'", "no modality 'sound'", "text, image"),
        (f"{VECTOR}, modality => NULL", "no modality ''", "text, image"),
    ],
)
def test_nearest_says_what_is_wrong(
    ada: psycopg.Connection, call: str, message: str, hint: str | None
) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue) as caught:
        ada.execute(f"SELECT * FROM search.nearest({call})".encode())
    assert message in (caught.value.diag.message_primary or "")
    assert (hint or "") in (caught.value.diag.message_hint or "")


@pytest.mark.parametrize(
    "function", ["products('dresses'", "similar('S1'", "blend('S1', 'dresses'"]
)
@pytest.mark.parametrize(
    ("limit", "values"),
    [
        ("60", ()),
        ("60.5", ()),
        ("60.5::float8", ()),
        ("'60.5'::numeric", ()),
        ("'60.5'", ()),
        ("60::smallint", ()),
        ("60::bigint", ()),
        ("60.5::real", ()),
        ("%s", (60,)),
        ("%s", (60.5,)),
        ("%s", (Decimal("60.5"),)),
    ],
)
def test_prices_can_have_any_numeric_type(
    ada: psycopg.Connection, function: str, limit: str, values: tuple[Any, ...]
) -> None:
    found = ids(
        ada,
        f"SELECT price FROM search.{function}, max_price => {limit}, min_match => 0)",
        *values,
    )
    assert found
    assert max(found) <= 60
    unlimited = f"SELECT price FROM search.{function}, max_price => NULL, min_match => 0)"
    assert max(ids(ada, unlimited)) > 60


def test_a_float_price_is_the_decimal_that_it_shows(ada: psycopg.Connection) -> None:
    with connect() as connection:
        connection.exec_driver_sql("UPDATE product SET price = 0.1 WHERE sku = 'S7'")
    sql = "SELECT sku FROM search.products('dresses', min_price => %s, max_price => %s)"
    assert ids(ada, sql, 0.1, 0.1) == ["S7"]


def warnings(user: psycopg.Connection, sql: str) -> tuple[int, list[tuple[str, str]]]:
    """The number of rows, and the warnings with their hints."""
    found: list[tuple[str, str]] = []

    def note(notice: psycopg.errors.Diagnostic) -> None:
        found.append((notice.message_primary or "", notice.message_hint or ""))

    user.add_notice_handler(note)
    try:
        return len(rows(user, sql)), found
    finally:
        user.remove_notice_handler(note)


@pytest.mark.parametrize(
    ("named", "message", "hint"),
    [
        ("category => 'Footware'", "the category 'Footware'", "'Footwear'?"),
        ("product_type => 'sneaker'", "the product_type 'sneaker'", "'Sneakers'?"),
        ("category => 'Sneakers'", "the category 'Sneakers'", "product_type => 'Sneakers'?"),
        ("colour => 'Nvay Blue'", "the colour 'Nvay Blue'", "'Navy Blue'?"),
        ("colour => 'xyz'", "the colour 'xyz'", "WHERE facet = 'colour'"),
        ("""attributes => '{"size": "XXL"}'""", "the size 'XXL'", "'XL'?"),
    ],
)
@pytest.mark.parametrize(
    "function", ["products('dresses', ", "similar('S1', ", f"nearest({VECTOR}, "]
)
def test_a_value_that_no_product_has_is_reported(
    ada: psycopg.Connection, function: str, named: str, message: str, hint: str
) -> None:
    count, ((said, advice),) = warnings(ada, f"SELECT * FROM search.{function}{named})")
    assert count == 0
    assert said == f"no product has {message}"
    assert advice.endswith(hint) or hint in advice


@pytest.mark.parametrize("function", ["price_outliers", "misfiled", "duplicates"])
def test_categories_of_the_analyses_are_folded_and_checked(
    ada: psycopg.Connection, function: str
) -> None:
    every = "threshold => 0, " if function == "duplicates" else ""
    call = f"SELECT * FROM search.{function}({every}category => {{}})"
    count, said = warnings(ada, call.format("'FOOTWEAR'"))
    assert said == []
    if function != "misfiled":
        assert count > 0
    count, said = warnings(ada, call.format("'Footware'"))
    assert (count, said) == (
        0,
        [("no product has the category 'Footware'", "Did you mean 'Footwear'?")],
    )


def test_known_values_are_not_reported(ada: psycopg.Connection) -> None:
    count, said = warnings(
        ada, "SELECT * FROM search.products('dresses', colour => 'NAVY  blue', min_match => 0)"
    )
    assert said == []
    assert count > 0


TIMED_OUT = {
    "SELECT * FROM search.products('dresses')": "products",
    "SELECT * FROM search.similar('S1')": "similar",
    "SELECT * FROM search.blend('S1', 'dresses')": "blend",
    "SELECT * FROM search.nearest(array_fill(0.05, ARRAY[384])::halfvec, k => 3000)": "nearest",
    "SELECT * FROM search.duplicates()": "duplicates",
    "SELECT * FROM search.price_outliers(neighbours => 100)": "price_outliers",
    "SELECT * FROM search.misfiled(neighbours => 100)": "misfiled",
}


@pytest.mark.parametrize("sql", TIMED_OUT)
def test_a_time_out_has_a_short_message(catalogue: str, ada: psycopg.Connection, sql: str) -> None:
    ada.execute("SET statement_timeout = 500")
    try:
        with psycopg.connect(catalogue) as owner:
            owner.execute("LOCK fashion_text, fashion_image")  # so that it takes any time
            with pytest.raises(psycopg.errors.QueryCanceled) as caught:
                rows(ada, sql)
    finally:
        ada.execute("RESET statement_timeout")
    context = caught.value.diag.context or ""
    assert "statement timeout" in str(caught.value)
    assert TIMED_OUT[sql] in context
    assert len(context.splitlines()) <= 2
    assert len(context) < 400


def test_equally_near_neighbours_are_no_misses(catalogue: str, ada: psycopg.Connection) -> None:
    with connect() as connection:
        connection.exec_driver_sql(
            "UPDATE fashion_image e SET embedding = o.embedding FROM fashion_image o"
            " WHERE o.product_id = 1 AND e.product_id BETWEEN 2 AND 300"
        )
    ((recall,),) = rows(
        ada,
        "SELECT recall FROM search.recall('fashion', 'image', k => 5, sample => 300)",
    )
    assert recall >= 0.99


def test_a_setting_of_an_administrator_stays(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as owner:
        name = owner.info.dbname
        owner.execute(f"ALTER DATABASE {name} SET hnsw.ef_search = 321".encode())
    with connect() as connection:
        create_objects(connection)
    with psycopg.connect(database) as user:
        ((ef_search,),) = rows(user, "SELECT current_setting('hnsw.ef_search')")
        ((scan,),) = rows(user, "SELECT current_setting('hnsw.iterative_scan')")
    assert (ef_search, scan) == ("321", "strict_order")
    assert server_url(name) == database
