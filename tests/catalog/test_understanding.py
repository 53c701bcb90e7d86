"""What queries ask for: `search.understand` and `search.parse`, with the starter synonyms."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from catalog.db.connection import connect
from catalog.search.cues import read_cues
from catalog.search.spelling import correct
from catalog.search.understanding import Parsed, parse
from catalog.search.vocabulary import get_vocabulary, refresh_vocabulary
from catalog.synonyms.store import load_starter
from catalog.tables import PRODUCT
from tests.conftest import fresh_database

pytestmark = pytest.mark.slow

PRODUCTS = [
    ("Tshirts", "Boys", "Blue", "Acme", 10),
    ("Tshirts", "Girls", "White", "Puma", 20),
    ("Shirts", "Men", "Navy Blue", "Red Tape", 30),
    ("Casual Shoes", "Men", "Red", "Vans", 40),
    ("Casual Shoes", "Women", "Black", "Puma", 50),
    ("Sports Shoes", "Men", "White", "Puma", 60),
    ("Formal Shoes", "Men", "Brown", "Red Tape", 70),
    ("Flip Flops", "Women", "Yellow", "Acme", 5),
    ("Heels", "Women", "Black", "Mr. Men", 80),
    ("Dresses", "Girls", "Red", "Acme", 45),
    ("Jeans", "Women", "Blue", "Acme", 55),
    ("Tops", "Women", "Maroon", "Acme", 25),
]


PIECES = (
    *("not", "without", "or", "and", "for", "under", "between", "to", "max", "€", "50", "2k", "9"),
    *("size", "year", "old", "red", "shoes", "-puma", ",", '"', "men", "unter", "schuhe"),
)


@pytest.fixture(scope="module")
def catalogue(template: str) -> Iterator[str]:
    """Twelve products, one of them with sizes, and the starter synonyms."""
    with fresh_database(template) as url:
        with connect() as connection:
            for number, (kind, gender, colour, brand, price) in enumerate(PRODUCTS):
                connection.execute(
                    PRODUCT.insert(),
                    {
                        "sku": f"S{number}",
                        "title": f"{brand} {gender} {colour} {kind}",
                        "category": "Footwear" if "Shoes" in kind or kind == "Heels" else "Clothes",
                        "product_type": kind,
                        "gender": gender,
                        "colour": colour,
                        "brand": brand,
                        "price": Decimal(price),
                        "attributes": {"size": ["M", "9"], "pattern": "Striped"}
                        if number == 0
                        else {},
                    },
                )
            connection.exec_driver_sql(
                "INSERT INTO facet (name, label, kind, position, source)"
                " VALUES ('size', 'Size', 'size', 8, 'admin'),"
                " ('pattern', 'Pattern', 'pattern', 9, 'admin') ON CONFLICT DO NOTHING"
            )
            refresh_vocabulary(connection)
            load_starter(connection)
        yield url


@pytest.fixture
def connection(catalogue: str) -> Iterator[Connection]:
    with connect() as connection:
        yield connection


def understood(connection: Connection, text: str) -> list[tuple[Any, ...]]:
    """The parts but plain words: kind, value, and "not" where it is unwanted."""
    return [
        (part.kind, part.value) if part.wanted else (part.kind, part.value, "not")
        for part in parse(connection, text).understood
        if part.kind != "word"
    ]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("red shoes", [("colour", "Red"), ("type", "Footwear")]),
        ("RED  T-Shirts", [("colour", "Red"), ("type", "Tshirts")]),
        ("tshirt", [("type", "Tshirts")]),
        ("t shirts men", [("type", "Tshirts"), ("person", "Men")]),
        ("flipflops", [("type", "Flip Flops")]),
        ("flip-flops", [("type", "Flip Flops")]),
        ("mens t-shirt", [("person", "Men"), ("type", "Tshirts")]),
        ("children's dress", [("person", "Girls"), ("type", "Dresses")]),
        ("navy shirt", [("colour", "Navy Blue"), ("type", "Shirts")]),
        ("red tape shoes", [("brand", "Red Tape"), ("type", "Footwear")]),
        ("vans", [("brand", "Vans")]),
        ("do you have red dresses", [("colour", "Red"), ("type", "Dresses")]),
        ("striped t-shirt", [("pattern", "Striped"), ("type", "Tshirts")]),
        # synonyms, in several languages
        (
            "rote Turnschuhe für Jungen",
            [("colour", "Red"), ("type", "Casual Shoes"), ("person", "Boys")],
        ),
        ("robe rouge", [("type", "Dresses"), ("colour", "Red")]),
        ("zapatos de tacón negros", [("type", "Heels"), ("colour", "Black")]),
        ("Damenschuhe", [("person", "Women"), ("type", "Footwear")]),
        # what is not wanted
        ("shirt not blue", [("type", "Shirts"), ("colour", "Blue", "not")]),
        ("not black shoes", [("colour", "Black", "not"), ("type", "Footwear")]),
        ("non white sports shoes", [("colour", "White", "not"), ("type", "Sports Shoes")]),
        (
            "heels that are not black or brown",
            [("type", "Heels"), ("colour", "Black", "not"), ("colour", "Brown", "not")],
        ),
        (
            "tops except red for men",
            [("type", "Tops"), ("colour", "Red", "not"), ("person", "Men")],
        ),
        (
            "black shoes no puma",
            [("colour", "Black"), ("type", "Footwear"), ("brand", "Puma", "not")],
        ),
        ("shoes -puma", [("type", "Footwear"), ("brand", "Puma", "not")]),
        ("shoes \u2013puma", [("type", "Footwear"), ("brand", "Puma", "not")]),
        ("Schuhe aber nicht schwarz", [("type", "Footwear"), ("colour", "Black", "not")]),
        (
            "shoes neither red nor white",
            [("type", "Footwear"), ("colour", "Red", "not"), ("colour", "White", "not")],
        ),
        ("everything but heels", [("type", "Heels", "not")]),
        (
            "black rather than red shoes",  # the noun belongs to both
            [("colour", "Black"), ("colour", "Red", "not"), ("type", "Footwear")],
        ),
        (
            "anything except red shoes",
            [("colour", "Red", "not"), ("type", "Footwear", "not")],
        ),
        # a "not" that negates nothing
        ("not only red shoes", [("colour", "Red"), ("type", "Footwear")]),
        ("nicht nur rote Schuhe", [("colour", "Red"), ("type", "Footwear")]),
        ("don't you have black heels", [("colour", "Black"), ("type", "Heels")]),
        # words of two phrases are not one
        ("shoes red | tape", [("type", "Footwear"), ("colour", "Red")]),
        ("Mr. Men heels", [("brand", "Mr. Men"), ("type", "Heels")]),
        ("tops red/white", [("type", "Tops"), ("colour", "Red"), ("colour", "White")]),
        ("women's tops", [("person", "Women"), ("type", "Tops")]),
        ("Damentop", [("person", "Women"), ("type", "Tops")]),
        # ages and sizes
        (
            "shirt for a 4 year old boy",
            [("type", "Shirts"), ("person", "Girls or Boys"), ("person", "Boys")],
        ),
        (
            "jurk voor dochter van 6",
            [("type", "Dresses"), ("person", "Girls"), ("person", "Girls or Boys")],
        ),
        ("dress 3-5 years", [("type", "Dresses"), ("person", "Girls or Boys")]),
        ("t-shirt size M", [("type", "Tshirts"), ("size", "M")]),
        ("shoes size 9", [("type", "Footwear"), ("size", "9")]),
        ('"red tape" shoes', [("quoted", "red tape"), ("type", "Footwear")]),
        ("best shoes 2026", [("type", "Footwear")]),
    ],
)
def test_parts_of_a_query(connection: Connection, text: str, parts: list[tuple[str, ...]]) -> None:
    assert understood(connection, text) == parts


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("shoes under 1500", None, 1500),
        ("shoes < 2,500", None, 2500),
        ("shoes up to 999 rs", None, 999),
        ("shoes max 1200", None, 1200),
        ("shoes 1500 or less", None, 1500),
        ("shoes ₹1,50,000", None, 150000),
        ("shoes for 49.90 euro", None, Decimal("49.90")),
        ("shoes under $2k", None, 2000),
        ("Schuhe unter 1.299,00 Euro", None, 1299),
        ("shoes over 3000", 3000, None),
        ("shoes not under 50", 50, None),
        ("shoes not over 50", None, 50),
        ("shoes between 1000 and 2000", 1000, 2000),
        ("shoes from 1000 to 2000 rs", 1000, 2000),
        ("shoes 2000-1000", 1000, 2000),
        ("shoes around 100", 80, 120),
        ("shoes under 2.5k", None, 2500),
        ("shoes 1-2k", 1000, 2000),
        ("shoes 1,5k - 2k", 1500, 2000),
        ("shoes £20 to £30", 20, 30),
        ("shoes $20-$30", 20, 30),
        ("shoes 20€ - 30€", 20, 30),
        ("Schuhe 20-30€", 20, 30),
        ("shoes between €20 and €30", 20, 30),
        ("shoes under 1500rs", None, 1500),
        ("shoes RS1,500", None, 1500),
        ("shoes under 500-900", 500, 900),
        ("shoes but not over 50", None, 50),
        ("shoes without laces and not over 50", None, 50),
        ("shoes without laces under 50", None, 50),
        ("shoes without laces and under 50", None, 50),
        ("shoes that don't cost more than 50", None, 50),
        ("more than 20 and less than 50", 20, 50),
        ("chaussures pas plus chères que 50", None, 50),
        ("501 shoes", None, None),
        ("shoes size 9", None, None),
    ],
)
def test_prices(connection: Connection, text: str, low: float | None, high: float | None) -> None:
    parsed = parse(connection, text)
    assert (parsed.min_price, parsed.max_price) == (low, high)


@pytest.mark.parametrize(
    ("text", "kind", "meant"),
    [
        ("tops jeans", "type", ["Jeans"]),  # the last of several types
        ("jeans trainers", "type", ["Jeans"]),  # one by its name before a synonym
        ("shirt for a 4 year old boy", "person", ["Boys"]),  # the narrower person
        ("black or red shoes", "colour", ["Black", "Red"]),
    ],
)
def test_parts_that_a_kind_combines(
    connection: Connection, text: str, kind: str, meant: list[str]
) -> None:
    assert [part.value for part in parse(connection, text).kinds[kind]] == meant


@pytest.mark.parametrize(
    ("text", "unwanted", "excluded"),
    [
        ("heels but not stilettos", [], ["stilettos"]),
        ("not stilettos", ["product_type=heels"], []),
        ("heels, no heels", ["product_type=heels"], []),
        ("blue but not navy jeans", ["colour=navy blue"], []),
        ("black shoes not white", ["colour=white"], []),
    ],
)
def test_what_is_wanted_is_not_excluded_by_a_narrower_phrase(
    connection: Connection, text: str, unwanted: list[str], excluded: list[str]
) -> None:
    parsed = parse(connection, text)
    assert (list(parsed.unwanted), list(parsed.excluded)) == (unwanted, excluded)


@pytest.mark.parametrize(
    ("text", "share"),
    [("shirt for 999", 1), ("jeans 32", 1), ("shirt zzyx 999", 0.5), ("zzyx 999", 0), ("999", 1)],
)
def test_numbers_are_no_unknown_words(connection: Connection, text: str, share: float) -> None:
    assert parse(connection, text).share == share


def test_no_cue_is_a_misspelling(connection: Connection) -> None:
    vocabulary = get_vocabulary(connection)
    texts = [f"red {phrase} shoes" for phrase in dict.fromkeys(cue.phrase for cue in read_cues())]
    assert {text: it for text in texts if (it := correct(text, vocabulary))} == {}
    assert correct("red snekers", vocabulary)


def test_cheap_is_the_lower_third_of_the_type(connection: Connection) -> None:
    assert parse(connection, "cheap casual shoes").max_price == 40
    assert parse(connection, "casual shoes").max_price is None


@pytest.mark.parametrize(
    ("text", "words", "avoided", "excluded"),
    [
        ("dress without buckles", "dress", "buckles", ["buckles"]),
        ("shoes -laces", "shoes", "", ["laces"]),
        ("shoes -wi-fi", "shoes", "", ["wi fi"]),
        ('shoes -"dark laces" red', "shoes red", "", ["dark laces"]),
        ("i need a pair of red shoes", "red shoes", "", []),
        ("shoes under 50", "shoes", "", []),
        ("rote Turnschuhe", "Red Casual Shoes", "", []),
        ("Puma Girls White Tshirts", "Puma Girls White Tshirts", "", []),  # a title
        ("-", "", "", []),
        ("without", "", "", []),
    ],
)
def test_words_to_search_for(
    connection: Connection, text: str, words: str, avoided: str, excluded: list[str]
) -> None:
    parsed = parse(connection, text)
    assert (parsed.words, parsed.avoided, list(parsed.excluded)) == (words, avoided, excluded)


def test_a_phrase_is_where_its_part_says(connection: Connection) -> None:
    text = "Red shoes, not for boys under 50 €"
    parts = parse(connection, text).understood
    assert [part.phrase for part in parts] == ["Red", "shoes", "not for boys", "under 50 €"]
    assert all(text[part.start : part.stop] == part.phrase for part in parts)


def test_a_synonym_works_when_its_transaction_ends(catalogue: str) -> None:
    def after(sql: str, text: str) -> list[tuple[Any, ...]]:
        with connect() as connection:
            connection.exec_driver_sql(sql)
        with connect() as connection:
            return understood(connection, text)

    insert = "INSERT INTO synonym (phrase, meaning) VALUES ('zapzops', 'heels'), ('zips', 'heels')"
    disable = "UPDATE synonym SET enabled = false WHERE phrase = 'zapzops'"
    delete = "DELETE FROM synonym WHERE phrase IN ('zapzops', 'zips')"
    assert after("SELECT", "zapzops") == []
    assert after(insert, "zap-zops") == [("type", "Heels")]
    assert after(disable, "zapzops") == []
    assert after("SELECT", "zips") == [("type", "Heels")]
    assert after(delete, "zips") == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text()
    | st.text(alphabet=" -\"',\x00\ud800aé5\u200fא👟<₹", max_size=200)
    | st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join)
)
def test_any_text_is_parsed(connection: Connection, text: str) -> None:
    text = re.sub(r"[\x00\ud800-\udfff]", " ", text)
    parsed: Parsed = parse(connection, text)
    assert parsed.min_price is None or parsed.min_price >= 0
    assert 0 <= parsed.share <= 1
    assert all(part.phrase for part in parsed.understood)
