"""What `search.suggest` suggests while a shopper types."""

import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.config import settings
from catalog.db.connection import connect
from catalog.query_log import prune, remember
from catalog.search.suggestions import MAX_TYPED, Suggestions, suggest
from catalog.search.vocabulary import refresh_vocabulary
from catalog.sqlapi.objects import create_objects
from catalog.tables import PRODUCT, SYNONYM
from tests.conftest import fresh_database, prepared_database

SNEAKERS = {"product_type": "Sneakers"}
DRESSES = {"product_type": "Dresses"}
SNOW = {"description": "Soft snow soles"}
PRODUCTS: list[dict[str, Any]] = [
    {"title": "Nike Runner", "brand": "Nike", "colour": "Red", **SNEAKERS},
    {"title": "Nike Runner Low", "brand": "Nike", "colour": "Navy Blue", **SNEAKERS},
    {"title": "Red Sneakers", "brand": "Adidas", "colour": "Red", **SNEAKERS},
    {"title": "Red Sneakers Sold", "colour": "Red", "in_stock": False, **SNEAKERS},
    {"title": "Red Dress", "brand": "Zara", "colour": "Red", **DRESSES},
    {"title": "Blue Dress", "brand": "Zara", "colour": "Navy Blue", **DRESSES},
    {"title": "Crème Robe d'été", "brand": "Séraphine", **DRESSES},
    {"title": "Women's T-Shirt", "product_type": "T-Shirts", "gender": "Women"},
    {"title": "Running Shoe", "product_type": "Running Shoes", **SNOW},
    {"title": "Plain Boot", "product_type": "Boots", **SNOW},
]


def build() -> None:
    rows = [
        {"brand": "", "product_type": "", "colour": "", "gender": "", "description": "",
         "in_stock": True, "sku": f"P{number}", **product}
        for number, product in enumerate(PRODUCTS)
    ]  # fmt: skip
    synonyms = [("zapatillas", "sneakers", "es"), ("sneeuwlaarzen", "boots", "nl")]
    with connect() as connection:
        connection.execute(PRODUCT.insert(), rows)
        connection.execute(
            SYNONYM.insert(),
            [
                {"phrase": phrase, "meaning": meaning, "language": language, "relation": "both"}
                for phrase, meaning, language in synonyms
            ],
        )
        connection.exec_driver_sql(
            "INSERT INTO product_image (product_id, position, path, sha256, width, height)"
            " SELECT id, 0, 'a/' || sku || '.jpg', sku, 1, 1 FROM product WHERE sku < 'P5'"
        )
        connection.exec_driver_sql("ANALYZE product")
        refresh_vocabulary(connection)


@pytest.fixture(scope="module")
def filled(template: str) -> Iterator[str]:
    with prepared_database(template, build) as name:
        yield name


@pytest.fixture(scope="module")
def shop(filled: str) -> Iterator[str]:
    """The products above, for tests that do not write."""
    with fresh_database(filled) as url:
        yield url


@pytest.fixture
def logged(filled: str) -> Iterator[str]:
    """The same for tests of the query log."""
    with fresh_database(filled) as url:
        yield url


def suggested(typed: str, limit: int = 4) -> Suggestions:
    with connect() as connection:
        return suggest(connection, typed, limit)


def queries(typed: str) -> list[str]:
    return [query.text for query in suggested(typed).queries]


def values(typed: str) -> list[tuple[str, str]]:
    return [(it.words, it.value) for it in suggested(typed).values]


def brands(typed: str) -> list[str]:
    return [it.value for it in suggested(typed).brands]


def titles(typed: str) -> list[str]:
    return [product.title for product in suggested(typed).products]


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("typed", ["s", "sn", "sneak", "SNEAK", "  sneak", "sneaker", "Sneak!"])
def test_a_prefix_is_completed_to_words_values_and_products(typed: str) -> None:
    assert "sneakers" in queries(typed)
    assert ("", "Sneakers") in values(typed)
    found = {product.title for product in suggested(typed, 10).products}
    assert {"Red Sneakers", "Nike Runner"} <= found


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("sneekers", "sneakers"),  # another letter
        ("sneek", "sneak"),  # unfinished
        ("snakers", "sneakers"),  # one letter less
        ("sneaakers", "sneakers"),  # one more
        ("snaekers", "sneakers"),  # two exchanged
        ("dneakers", "sneakers"),  # the first letter
    ],
)
def test_a_misspelt_prefix_is_corrected(typed: str, meant: str) -> None:
    found = suggested(typed)
    assert found.matched == meant
    assert "sneakers" in [query.text for query in found.queries]
    assert [value.value for value in found.values] == ["Sneakers"]


@pytest.mark.usefixtures("shop")
def test_a_misspelt_brand_is_found() -> None:
    assert brands("adids") == ["Adidas"]
    assert brands("zra") == []  # shorter words are too ambiguous to correct


@pytest.mark.usefixtures("shop")
def test_words_before_the_last_one_restrict_all_kinds() -> None:
    found = suggested("red sne")
    assert [query.text for query in found.queries] == ["red sneakers"]
    assert [(it.words, it.facet, it.value) for it in found.values] == [
        ("red", "product_type", "Sneakers")
    ]
    # All words are in the first title; the second is red, but only an attribute says so.
    assert titles("red sne") == ["Red Sneakers", "Nike Runner", "Red Sneakers Sold"]
    assert "Blue Dress" not in titles("red d")


@pytest.mark.usefixtures("shop")
def test_an_earlier_misspelt_word_is_corrected() -> None:
    assert queries("bleu dre") == ["blue dresses"]
    assert queries("rad sne") == []  # shorter words are too ambiguous


@pytest.mark.usefixtures("shop")
def test_a_query_that_no_product_fulfils_is_still_completed() -> None:
    found = suggested("plain sne")
    assert [query.text for query in found.queries] == ["plain sneakers"]
    assert not found.products
    assert not found.values
    assert not suggested("xyzzy sne")


@pytest.mark.usefixtures("shop")
def test_values_of_several_words_and_compounds() -> None:
    assert values("navy b") == [("", "Navy Blue")]
    assert values("blue")[0] == ("", "Navy Blue")
    assert values("running sh") == [("", "Running Shoes")]
    assert values("dress navy bl") == [("dress", "Navy Blue")]
    for typed in ("t-shi", "t shi", "tshi"):
        assert values(typed) == [("", "T-Shirts")]
    assert queries("t-shi") == ["t-shirt"]


@pytest.mark.usefixtures("shop")
def test_accents_and_case_do_not_matter_and_are_shown() -> None:
    for typed in ("crem", "CRÈ", "cre\u0300m"):
        assert titles(typed) == ["Crème Robe d'été"]
        assert queries(typed)[0] == "crème"
    assert brands("sera") == ["Séraphine"]


@pytest.mark.usefixtures("shop")
def test_stop_words_are_not_required() -> None:
    assert titles("t-shirt for wom") == ["Women's T-Shirt"]
    assert values("t-shirt for wom") == [("shirt", "Women")]


@pytest.mark.usefixtures("shop")
def test_synonyms_lead_to_values() -> None:
    assert values("zapat") == [("", "Sneakers")]
    assert "Nike Runner" in titles("zapat")
    assert "Nike Runner" not in titles("zapatillas dre")
    assert values("sneeuwlaarzen") == [("", "Boots")]
    assert values("snee") == [("", "Sneakers")]  # rather misspelt than Dutch


@pytest.mark.usefixtures("shop")
def test_descriptions_suggest_nothing() -> None:
    assert not suggested("snow")


@pytest.mark.usefixtures("shop")
def test_products_in_stock_come_first_with_their_pictures() -> None:
    found = suggested("sneakers").products
    assert found[-1].title == "Red Sneakers Sold"
    assert found[0].title == "Red Sneakers"
    assert (found[0].sku, found[0].image_path) == ("P2", "a/P2.jpg")
    assert suggested("women").products[0].image_path == ""


@pytest.mark.usefixtures("shop")
def test_at_most_as_many_of_each_kind_as_asked() -> None:
    for limit in (0, 1, 2):
        found = suggested("s", limit)
        assert len(found.queries) == len(found.values) == len(found.products) == limit


def test_variants_are_one_suggestion(logged: str) -> None:
    with connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO product_variant (product_id, leader_id, family, model)"
            " SELECT p.id, leader.id, '', '' FROM product p, product leader"
            "  WHERE p.sku IN ('P0', 'P1') AND leader.sku = 'P0'"
        )
    assert len(titles("nike")) == 1


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    "typed",
    ["", " ", "\x00", "\ud800", "'", "':*", "\\", "&|!", "\U0010ffff", "s" * 10_000, "½", "👟"],
)
def test_hostile_texts_have_no_suggestions(typed: str) -> None:
    assert not suggested(typed)


@pytest.mark.usefixtures("shop")
@given(st.text(max_size=MAX_TYPED + 10))
def test_any_text_is_possible(typed: str) -> None:
    suggested(typed)


@pytest.mark.usefixtures("shop")
def test_other_scripts_are_corrected_too(logged: str) -> None:
    with connect() as connection:
        row = {"sku": "R", "title": "Красные кроссовки"}
        connection.execute(PRODUCT.insert(), [row])
        refresh_vocabulary(connection)
    assert queries("кросовки") == ["кроссовки"]


def log(text: str, times: int, found: int = 3) -> None:
    for _ in range(times):
        remember(text, [], found, is_filtered=False)


def test_frequent_queries_come_first(logged: str) -> None:
    enough = settings().suggest_after
    log("red sneakers for women", enough)
    log("Red dress", enough + 1)
    prune()
    assert queries("red") == ["Red dress", "red sneakers for women"]
    assert queries("réd s")[0] == "red sneakers for women"
    assert suggested("red").queries[0].products == 3


def test_rare_queries_are_private(logged: str) -> None:
    log("red plain boot", settings().suggest_after - 1)
    prune()
    assert "red plain boot" not in queries("red")
    log("red plain boot", 1)
    prune()
    assert "red plain boot" in queries("red")


def test_queries_that_found_nothing_are_not_suggested(logged: str) -> None:
    log("red boot", settings().suggest_after, found=0)
    log("red robe", settings().suggest_after, found=0)
    log("red robe", 1, found=2)
    prune()
    assert not {"red boot", "red robe"} & set(queries("red"))


def test_only_words_of_the_catalogue_are_suggested_to_others(logged: str) -> None:
    for text in ("red anna schmidt", "red 0170 1234567", "red 12345", "red sneakers 42"):
        log(text, settings().suggest_after)
    prune()
    assert queries("red ")[0] == "red sneakers 42"
    with connect() as connection:
        found = connection.exec_driver_sql("SELECT query FROM search.suggested_query").scalars()
        assert list(found) == ["red sneakers 42"]


def test_no_queries_are_suggested_if_the_setting_is_zero(
    logged: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log("red plain boot", 100)
    monkeypatch.setenv("SUGGEST_AFTER", "0")
    with connect() as connection:
        create_objects(connection)
    assert "red plain boot" not in queries("red")


def test_analysts_may_use_it(shop: str) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute("SET ROLE analyst")
        rows = connection.execute("SELECT kind, text FROM search.suggest('red sne')").fetchall()
    assert ("query", "red sneakers") in rows


def test_frequent_words_are_found_without_the_index(logged: str) -> None:
    """In the order of the catalogue, and in the index if its first products have none."""
    with connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO product (sku, title)"
            " SELECT 'N' || n, CASE WHEN n < 300 THEN 'Old lamp' ELSE 'New plate' END"
            "   FROM generate_series(1, 6000) n"
        )
        connection.exec_driver_sql(
            "UPDATE product SET in_stock = sku = 'N290' WHERE title = 'Old lamp'"
        )
        connection.exec_driver_sql("ANALYZE product")
        refresh_vocabulary(connection)
    assert titles("pla")[0] == "New plate"
    assert titles("lam") == ["Old lamp"]
    assert suggested("lam").products[0].sku == "N290"
