"""The vocabulary of the catalogue, and query terms weighted by it."""

import math
from pathlib import Path
from threading import Barrier, Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from catalog.db import ttl_cache
from catalog.db.connection import connect
from catalog.importing import import_catalog
from catalog.search.vocabulary import forget_vocabulary, get_vocabulary, refresh_vocabulary
from catalog.tables import PRODUCT
from tests.conftest import fresh_database

pytestmark = pytest.mark.slow

Terms = list[tuple[str, str, float]]

PRODUCTS = [
    {"sku": "A-1", "title": "Red Sneakers", "brand": "Gini & Jony", "description": "A soft sole"},
    {"sku": "A-2", "title": "Blue T-Shirt", "brand": "Nord", "description": "A soft colar"},
    {"sku": "A-3", "title": "Sneaker", "brand": "Nord", "description": "the"},
]


def fill(products: list[dict[str, str]]) -> None:
    """Insert the products directly, and refresh what an import refreshes."""
    with connect() as connection:
        connection.execute(PRODUCT.insert(), products)
        connection.exec_driver_sql("ANALYZE product")
        refresh_vocabulary(connection)


def rows() -> dict[str, tuple[str | None, int]]:
    with connect() as connection:
        found = connection.exec_driver_sql("SELECT word, lexeme, products FROM search.vocabulary")
        return {word: (lexeme, products) for word, lexeme, products in found}


def terms(query: str) -> Terms:
    with connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT term::text, title_term::text, weight FROM search.terms(%s)", (query,)
        )
        return [(term, title_term, weight) for term, title_term, weight in found]


def matches(query: str) -> set[str]:
    with connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT sku FROM product, search.terms(%s) WHERE lexemes @@ term", (query,)
        )
        return set(found.scalars())


@pytest.fixture(autouse=True)
def _anew(database: str) -> None:
    forget_vocabulary()


def test_an_empty_catalogue_has_no_words() -> None:
    assert rows() == {}
    with connect() as connection:
        refresh_vocabulary(connection)
        assert not get_vocabulary(connection).products
    assert terms("red shoes") == [
        ("'red'", "'red':AD", pytest.approx(math.log(2))),
        ("'ʷshoes':* | 'shoe'", "'ʷshoes':*AD | 'shoe':AD", pytest.approx(math.log(2))),
    ]


def test_words_are_counted_with_their_lexemes() -> None:
    fill(PRODUCTS)
    found = rows()
    assert found["sneakers"] == ("sneaker", 1)
    assert found["nord"] == ("nord", 2)
    assert found["tshirt"] == ("tshirt", 1)
    assert found["shirt"] == ("shirt", 1)
    assert found["soft"] == ("soft", 2)
    assert found["a"] == (None, 2)
    # not words that occur in a single description only
    assert not {"sole", "colar", "the"} & set(found)


def test_an_unpopulated_vocabulary_is_refreshed() -> None:
    with connect() as connection:
        connection.exec_driver_sql("REFRESH MATERIALIZED VIEW search.vocabulary WITH NO DATA")
    fill(PRODUCTS)
    assert "sneakers" in rows()


def test_an_import_that_changes_something_refreshes_the_vocabulary(tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    file.write_text("sku,title\nA,Green wellies\n")
    import_catalog(file)
    assert set(rows()) == {"green", "wellies"}
    with connect() as connection:
        connection.execute(PRODUCT.delete())
    import_catalog(file, dry_run=True)
    assert set(rows()) == {"green", "wellies"}


def test_searches_are_not_blocked_by_a_refresh() -> None:
    fill(PRODUCTS)
    with connect() as refreshing:
        refresh_vocabulary(refreshing)
        with connect() as reading:
            reading.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
            assert get_vocabulary(reading).products["nord"] == 2


def test_the_vocabulary_is_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ttl_cache, "SECONDS", 3600.0)
    fill(PRODUCTS[:1])
    with connect() as connection:
        before = get_vocabulary(connection)
        connection.execute(PRODUCT.insert(), PRODUCTS[1:])
        connection.exec_driver_sql("REFRESH MATERIALIZED VIEW search.vocabulary")
        assert get_vocabulary(connection) is before
        monkeypatch.setattr(ttl_cache, "SECONDS", 0.0)
        after = get_vocabulary(connection)
    assert "nord" not in before.products
    assert after.products["nord"] == 2
    assert "sneaker" in after.stems


def test_each_database_has_its_own_vocabulary(template: str) -> None:
    fill(PRODUCTS)
    with connect() as connection:
        assert get_vocabulary(connection).products
    with fresh_database(template), connect() as connection:
        assert not get_vocabulary(connection).products


def test_concurrent_threads_load_a_value_once() -> None:
    reads = []

    def load(connection: Connection, key: str) -> int:
        reads.append(key)
        return len(reads)

    cache = ttl_cache.TtlCache(load)
    barrier = Barrier(4)

    def use() -> None:
        with connect() as connection:
            barrier.wait()
            cache.get(connection)

    threads = [Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reads) == 1


def test_each_word_gets_a_term_weighted_by_rarity() -> None:
    fill(PRODUCTS)
    (nord, sneakers, blue) = terms("Nord sneakers for the blu")
    assert nord == ("'nord'", "'nord':AD", pytest.approx(math.log(1 + 3 / (1 + 2))))
    # matches both forms of the word
    assert sneakers == ("'sneaker'", "'sneaker':AD", pytest.approx(math.log(1 + 3 / (1 + 2))))
    # counts the products that contain any word with this prefix
    assert blue == ("'ʷblu':* | 'blu'", "'ʷblu':*AD | 'blu':AD", pytest.approx(math.log(1 + 3 / 2)))
    assert terms("wellies x")[0][2] == pytest.approx(math.log(1 + 3))


def test_duplicate_words_give_one_term() -> None:
    found = [term for term, *_ in terms("sneaker red Sneakers red x")]
    assert found == ["'sneaker'", "'red'", "'x'"]
    # the last one, which may be a prefix, is used
    assert terms("shoe red shoes") == terms("red shoes")


def test_the_key_of_a_phrase_with_a_frequent_word_is_its_rarest_word() -> None:
    fill([{"sku": f"{n}", "title": f"Kind{n} T-Shirt"} for n in range(1, 51)])
    with connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT term::text, key::text, products FROM search.terms('kind42 t-shirt sole')"
        ).all()
        kind, shirt, sole = found
        assert kind == ("'kind' <-> '42'", "'42'", 1)
        assert shirt.term == shirt.key
        assert shirt.products == 100  # as one word, and as two
        assert sole.term == sole.key == "'ʷsole':* | 'sole'"
        for query in ("kind42 t-shirt", "kind4", "t-shirt kind 7", "tshirt"):
            rows = connection.exec_driver_sql(
                "SELECT count(*) FILTER (WHERE lexemes @@ term) AS found,"
                " count(*) FILTER (WHERE lexemes @@ term AND NOT lexemes @@ key) AS lost"
                " FROM product, search.terms(%s)",
                (query,),
            ).one()
            assert rows.found > 0
            assert rows.lost == 0


def test_the_last_word_matches_as_a_prefix() -> None:
    fill(PRODUCTS)
    assert matches("snea") == {"A-1", "A-3"}
    assert matches("sn") == set()
    assert matches("snea x") == set()


@pytest.mark.parametrize("query", ["t-shirt x", "tshirt x", "T-Shirts x", "t shirts x"])
def test_a_compound_is_one_term(query: str) -> None:
    fill(
        [
            {"sku": "hyphenated", "title": "T-Shirt"},
            {"sku": "joined", "title": "Tshirt"},
            {"sku": "apart", "title": "T shirt"},
            {"sku": "other", "title": "Shirt"},
        ]
    )
    assert len(terms(query)) == 2
    assert matches(query) == {"hyphenated", "joined", "apart"}


def test_a_hyphenated_word_is_a_phrase() -> None:
    fill([{"sku": "apart", "title": "Dark blue"}, {"sku": "other", "title": "Blue, not dark"}])
    assert matches("dark-blue x") == {"apart"}


@pytest.mark.parametrize("query", ["", " ", "-", "''", "👟", "&|!():*<->", "<>"])
def test_a_query_without_words_has_no_terms(query: str) -> None:
    assert terms(query) == []


def test_stop_words_count_only_where_there_are_no_others() -> None:
    fill([{"sku": "who", "title": "The Who vinyl"}, {"sku": "other", "title": "Vinyl"}])
    assert [term for term, *_ in terms("the vinyl of x")] == ["'vinyl'", "'x'"]
    assert matches("the who") == {"who"}


@pytest.mark.parametrize(
    "query",
    [
        "a" * 10_000,
        "shoe " * 2_000,
        " ".join(f"word{number}" for number in range(2_000)),
        "'" * 10_000,
        "it's \\ \\' '' \" % %s %% :* a:* b:A !c (d | e) & f <-> g",
        "http://localhost/x.png?q='\\:* file:///etc/passwd ../../x user@example.com",
        "http://a.b/'\\':*",
        "כפכפים אדומים \u202e\u200f نعل أحمر 👟👟 naïve Füße",
        "é" * 1_500,
        "1e5 -0.5 3/4 DR-0001 -x --y",
    ],
)
def test_long_and_unusual_queries_are_accepted(query: str) -> None:
    assert len(terms(query)) <= 32


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
    | st.text("ab'\\:*&|!()<->-/.@\"% éא", max_size=60)
)
def test_any_text_is_accepted(query: str) -> None:
    terms(query)


def test_the_search_path_does_not_affect_search_terms() -> None:
    with connect() as connection:
        connection.exec_driver_sql("CREATE TEMP TABLE product (id int)")
        connection.exec_driver_sql("SET LOCAL search_path = pg_temp")
        assert connection.exec_driver_sql("SELECT count(*) FROM search.terms('red')").scalar() == 1
