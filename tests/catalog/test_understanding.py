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
from catalog.search.filters import Filters
from catalog.search.pipeline import SearchSpec, search
from catalog.search.spelling import correct
from catalog.search.understanding import Parsed, parse
from catalog.search.vocabulary import get_vocabulary, refresh_vocabulary
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
    ("Jeans", "Men", "Blue", "7 For All Mankind", 65),
    ("Jeans", "Men", "Black", "Levi's", 55),
    ("Tops", "Women", "White", "H&M", 25),
]


ATTRIBUTES: dict[int, dict[str, object]] = {
    0: {"size": ["M", "9"], "pattern": "Striped"},
    4: {"heel height": "2.5 inch"},
    6: {"heel height": "1 in"},
    8: {"heel height": "4 inches"},
    13: {"waist": 32},
    12: {"waist": 36},
}

PIECES = (
    *("not", "without", "or", "and", "for", "under", "between", "to", "max", "€", "50", "2k", "9"),
    *("size", "year", "old", "red", "shoes", "-puma", ",", '"', "men", "unter", "schuhe"),
)


@pytest.fixture(scope="module")
def catalogue(template_with_synonyms: str) -> Iterator[str]:
    """A few products, one of them with sizes, and the starter synonyms."""
    with fresh_database(template_with_synonyms) as url:
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
                        "attributes": ATTRIBUTES.get(number, {}),
                    },
                )
            connection.exec_driver_sql(
                "INSERT INTO facet (name, label, kind, position, source)"
                " VALUES ('size', 'Size', 'size', 8, 'admin'),"
                " ('pattern', 'Pattern', 'pattern', 9, 'admin'),"
                " ('heel height', 'Heel height', 'other', 10, 'admin'),"
                " ('waist', 'Waist', 'other', 11, 'admin') ON CONFLICT DO NOTHING"
            )
            refresh_vocabulary(connection)
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
        ("children's dress", [("person", "Boys or Girls"), ("type", "Dresses")]),
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
        ("denim", [("type", "Jeans")]),
        # cotton is close to denim, but not to the trousers with that name
        ("cotton t-shirt", [("type", "Tshirts")]),
        ("Hemd aus Baumwolle", [("type", "Shirts")]),
        ("Damenschuhe", [("person", "Women"), ("type", "Footwear")]),
        # as in a chat
        ("hey do u have black shoes", [("colour", "Black"), ("type", "Footwear")]),
        ("heels vs flip flops", [("type", "Heels"), ("type", "Flip Flops")]),
        ("t-shirt 6 lat", [("type", "Tshirts"), ("person", "Boys or Girls")]),
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
        # names with numbers, small words and signs
        ("H&M tops", [("brand", "H&M"), ("type", "Tops")]),
        ("h & m tops", [("brand", "H&M"), ("type", "Tops")]),
        ("tops from HM", [("type", "Tops"), ("brand", "H&M")]),
        ("tops not H&M", [("type", "Tops"), ("brand", "H&M", "not")]),
        ("M&S tops", [("type", "Tops")]),
        ("L&T", []),
        # a word for a type that no product has, nor what it accepts: what that accepts is close
        ("house slippers for kids", [("type", "Flip Flops"), ("person", "Boys or Girls")]),
        ("Hausschuhe Kinder", [("type", "Flip Flops"), ("person", "Boys or Girls")]),
        ("chaussures enfant", [("type", "Footwear"), ("person", "Boys or Girls")]),
        ("zapatos ni\u00f1a", [("type", "Footwear"), ("person", "Girls")]),
        ("scarpe bambino", [("type", "Footwear"), ("person", "Boys")]),
        ("schoenen kind", [("type", "Footwear"), ("person", "Boys or Girls")]),
        ("buty dziecko", [("type", "Footwear"), ("person", "Boys or Girls")]),
        ("sapatos menina", [("type", "Footwear"), ("person", "Girls")]),
        ("baby shoes", [("person", "Boys or Girls"), ("type", "Footwear")]),
        ("7 for all mankind jeans", [("brand", "7 For All Mankind"), ("type", "Jeans")]),
        ("levis 501 jeans", [("brand", "Levi's"), ("number", "501"), ("type", "Jeans")]),
        ("Levi\u2019s 501", [("brand", "Levi's"), ("number", "501")]),
        ("tshirt size S & M", [("type", "Tshirts"), ("size", "S"), ("size", "M")]),
        ("Damentop", [("person", "Women"), ("type", "Tops")]),
        # ages and sizes
        (
            "shirt for a 4 year old boy",
            [("type", "Shirts"), ("person", "Boys or Girls"), ("person", "Boys")],
        ),
        (
            "jurk voor dochter van 6",
            [("type", "Dresses"), ("person", "Girls"), ("person", "Boys or Girls")],
        ),
        ("dress 3-5 years", [("type", "Dresses"), ("person", "Boys or Girls")]),
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
        ("shoes 1,500/-", None, 1500),
        ("shoes Rs.1500/-", None, 1500),
        ("shoes 1500/- only", None, 1500),
        ("shoes 500/- to 1500/-", 500, 1500),
        ("shoes above 1500 /=", 1500, None),
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


@pytest.mark.parametrize(
    ("text", "certainty"),
    [
        ("jeans zzyx wwvu", 1),  # a type: shown without the words that nobody knows
        ("zzyx for men in red", 1),  # two kinds
        ("zzyx red", 0.5),
        ("how do heels zzyx wwvu", 0.2),  # a question is about something else
        ("warum zzyx Schuhe", 1 / 3),
        ("what is good for a zzyx boy", 0.25),
        ("why is the sky blue", 0),  # names neither what products are nor whom they are for
        ("who won the cup in Paris", 0),
        ("best time to rote zzyx", 0),  # beside English words, "rote" is not the German red
        ("rote zzyx", 0.5),
        ("Regenschirm rot", 1),  # a type, although no product is an umbrella
        ("buy rote", 1),
    ],
)
def test_unknown_words_do_not_doubt_a_type(
    connection: Connection, text: str, certainty: float
) -> None:
    assert parse(connection, text).certainty == pytest.approx(certainty)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("jeans 31 waist", [("type", "Jeans"), ("measure", "31 waist")]),
        ("jeans waist 31 inches", [("type", "Jeans"), ("measure", "waist 31 inches")]),
        ("tops under 500 ml", [("type", "Tops"), ("measure", "under 500 ml")]),
        ("7 inch heels", [("measure", "7 inch"), ("type", "Heels")]),
        ("heels 20cm", [("type", "Heels"), ("measure", "20cm")]),
        ("32x34 jeans", [("measure", "32x34"), ("type", "Jeans")]),
        ("Kleid 90 cm", [("type", "Dresses"), ("measure", "90 cm")]),
        ("zapatos de 20 cm", [("type", "Footwear"), ("measure", "de 20 cm")]),
        ("XL tshirt", [("size", "XL"), ("type", "Tshirts")]),
        ("t-shirt 3XL", [("type", "Tshirts"), ("size", "3XL")]),
        ("L tshirt", [("size", "L"), ("type", "Tshirts")]),
        ("shoes in size 44", [("type", "Footwear"), ("size", "44")]),
    ],
)
def test_sizes_and_measures_that_no_product_has_are_told(
    connection: Connection, text: str, parts: list[tuple[str, ...]]
) -> None:
    assert understood(connection, text) == parts
    ignored = [p for p in parse(connection, text).understood if p.kind in ("size", "measure")]
    assert [part.why for part in ignored] == ["ignored"]
    assert parse(connection, text).share == 1


@pytest.mark.parametrize(
    "text",
    [
        *("t-shirt no 7", "T-Shirt Nr. 7", "air max 90", "501 jeans", "RS500 puma", "puma rs500"),
        *("sku 4577", "ref 12-33", "art. nr. 4577", "référence 4577", "item code 9000"),
        *("tent for 4", "jeans 32 waist", "2 piece dress", "pack of 3 shirts"),
    ],
)
def test_numbers_that_are_no_prices(connection: Connection, text: str) -> None:
    parsed = parse(connection, text)
    assert (parsed.min_price, parsed.max_price, parsed.excluded) == (None, None, ())


@pytest.mark.parametrize(
    ("text", "high"),
    [
        ("shoes under 2 thousand", 2000),
        ("shoes below two thousand", 2000),
        ("shoes under a thousand", 1000),
        ("shoes under 1 lakh", 100_000),
        ("shoes up to 2.5 lakhs", 250_000),
        ("shoes under 5 hundred", 500),
        ("shoes under five hundred rupees", 500),
        ("Schuhe unter zweitausend", 2000),
        ("Schuhe bis 2 Tausend Euro", 2000),
        ("chaussures à moins de deux mille", 2000),
        ("zapatos por menos de quinientos", 500),
        ("scarpe sotto i mille", 1000),
        ("schoenen tot duizend", 1000),
        ("buty do tysiąca", 1000),
        ("sapatos até 2 mil", 2000),
        ("1000 TL altı ayakkabı", 1000),
        # of a price: what a shopper would pay at most
        ("vestido de 500", 500),
        ("abito da 500", 500),
        ("Kleid für 500", 500),
        ("robe à 500", 500),
        ("jurk van 500 euro", 500),
        ("sukienka za 500", 500),
        ("dress at 500", 500),
        ("vestido de 500 euros", 500),
    ],
)
def test_prices_in_words_and_at_a_price(connection: Connection, text: str, high: float) -> None:
    parsed = parse(connection, text)
    assert (parsed.min_price, parsed.max_price) == (None, high)


@pytest.mark.parametrize(
    ("text", "sort"),
    [
        ("cheapest jeans", "price"),
        ("lowest price heels", "price"),
        ("billigste Schuhe", "price"),
        ("les chaussures les moins chères", "price"),
        ("zapatos más baratos", "price"),
        ("goedkoopste jurken", "price"),
        ("en ucuz ayakkabı", "price"),
        ("most expensive shoes", "-price"),
        ("teuerste Schuhe", "-price"),
        ("scarpe più costose", "-price"),
        ("najdroższe buty", "-price"),
        ("newest sneakers", "newest"),
        ("sapatos mais recentes", "newest"),
        ("new shoes", ""),
        ("cheap shoes", ""),
        ("not the cheapest shoes", ""),
        ("shoes more expensive than 30", ""),
        ("zapatos más baratos que 50", ""),
    ],
)
def test_orders(connection: Connection, text: str, sort: str) -> None:
    assert parse(connection, text).sort == sort


@pytest.mark.parametrize(
    ("text", "unwanted", "wanted"),
    [
        ("no heels, flip flops only", ["Heels"], ["Flip Flops"]),
        ("not red, blue shoes", ["Red"], ["Blue", "Footwear"]),
        ("not red, blue or yellow shoes", ["Red", "Blue", "Yellow"], ["Footwear"]),
        ("shoes, not red, blue", ["Red", "Blue"], ["Footwear"]),
        ("shoes without heels or laces", ["Heels", "laces"], ["Footwear"]),
        ("no black or white shoes", ["Black", "White"], ["Footwear"]),
        ("neither black nor white shoes", ["Black", "White"], ["Footwear"]),
        ("weder schwarze noch weiße Schuhe", ["Black", "White"], ["Footwear"]),
        ("habt ihr noch rote Schuhe", [], ["Red", "Footwear"]),
        ("chaussures ni noires ni blanches", ["Black", "White"], ["Footwear"]),
        ("scarpe né nere né bianche", ["Black", "White"], ["Footwear"]),
        ("buty ani czarne ani białe", ["Black", "White"], ["Footwear"]),
        ("pas de chaussures noires", ["Black"], ["Footwear"]),
        ("Kleider außer rot, blau und schwarz", ["Red", "Blue", "Black"], ["Dresses"]),
        ("siyah olmayan ayakkabı", ["Black"], ["Footwear"]),
        ("siyah veya beyaz olmayan ayakkabı", ["Black", "White"], ["Footwear"]),
        ("non-black shoes", ["Black"], ["Footwear"]),
        ("un-black shoes", ["Black"], ["Footwear"]),
        ("nicht-schwarze Schuhe", ["Black"], ["Footwear"]),
        ("black-free shoes", ["Black"], ["Footwear"]),
        ("non-slip shoes", [], None),
        ("sugar-free dress", [], None),
        ("wrinkle-free shirt", [], None),
        ("why no red heels?", [], ["Red", "Heels"]),
        ("warum keine roten Schuhe", [], ["Red", "Footwear"]),
        ("heels except wedges and stilettos", ["wedges", "stilettos"], ["Heels"]),
    ],
)
def test_lists_and_compounds_that_are_not_wanted(
    connection: Connection, text: str, unwanted: list[str], wanted: list[str] | None
) -> None:
    parts = parse(connection, text).understood
    refused = [part.value if part.keys else part.words for part in parts if not part.wanted]
    assert refused == unwanted
    if wanted is not None:
        assert [part.value for part in parts if part.wanted] == wanted


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "sneakers for my nephew who just turned 12",
            [("type", "Casual Shoes"), ("person", "Boys"), ("person", "Boys or Girls")],
        ),
        (
            "shirt for my son, 5",
            [("type", "Shirts"), ("person", "Boys"), ("person", "Boys or Girls")],
        ),
        (
            "Hemd für meinen Sohn, wird 6",
            [("type", "Shirts"), ("person", "Boys"), ("person", "Boys or Girls")],
        ),
        ("shoes men 9", [("type", "Footwear"), ("person", "Men"), ("size", "9")]),
        ("red red red shoes", [("colour", "Red"), ("type", "Footwear")]),
        (
            "\uff32\uff25\uff24 \uff28\uff45\uff45\uff4c\uff53",
            [("colour", "Red"), ("type", "Heels")],
        ),
        ("kırmızı elbise", [("colour", "Red"), ("type", "Dresses")]),
        ("KIRMIZI ELBİSE", [("colour", "Red"), ("type", "Dresses")]),
        (
            "kadın siyah topuklu ayakkabıları",
            [("person", "Women"), ("colour", "Black"), ("type", "Heels")],
        ),
    ],
)
def test_more_parts_of_a_query(
    connection: Connection, text: str, parts: list[tuple[str, ...]]
) -> None:
    assert understood(connection, text) == parts


def test_an_identifier_is_looked_up_without_its_name(connection: Connection) -> None:
    assert parse(connection, "SKU S3").typed == "S3"
    assert parse(connection, "Artikelnummer: S3").words == "S3"


@pytest.mark.parametrize(
    "text", ["röda skor för kvinnor", "sorte sko", "černé boty", "красные туфли"]
)
def test_other_languages_are_only_words(connection: Connection, text: str) -> None:
    assert parse(connection, text).words


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
        ("Schuhe Kinder", "Footwear Boys Girls", "", []),
        ("for a 5 year old", "Boys Girls", "", []),
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

    insert = "INSERT INTO synonym (phrase, meaning) VALUES ('zapzops', 'heels'), ('zops', 'heels')"
    disable = "UPDATE synonym SET enabled = false WHERE phrase = 'zapzops'"
    delete = "DELETE FROM synonym WHERE phrase IN ('zapzops', 'zops')"
    assert after("SELECT", "zapzops") == []
    assert after(insert, "zap-zops") == [("type", "Heels")]
    assert after(disable, "zapzops") == []
    assert after("SELECT", "zops") == [("type", "Heels")]
    assert after(delete, "zops") == []


def test_equal_values_of_the_catalogue_are_one_meaning(template: str) -> None:
    colours = ("Black", "Schwarz", "noir")
    with fresh_database(template):
        with connect() as connection:
            connection.execute(
                PRODUCT.insert(),
                [{"sku": f"S-{it}", "title": "Thing", "colour": it} for it in colours],
            )
            connection.exec_driver_sql("DELETE FROM synonym")
            connection.exec_driver_sql(
                "INSERT INTO synonym (phrase, meaning, language)"
                " VALUES ('schwarz', 'black', 'de'), ('noir', 'black', 'fr')"
            )
            refresh_vocabulary(connection)
        with connect() as connection:
            for query in (*colours, "not black", "things not noir"):
                [part] = [it for it in parse(connection, query).understood if it.kind == "colour"]
                assert part.keys == ("colour=black", "colour=noir", "colour=schwarz"), query


VALUES = {
    "English": ("Shoes", "Men", "Black"),
    "German": ("Schuhe", "Herren", "Schwarz"),
    "French": ("Chaussures", "male", "noir"),
    "another": ("Shoes", "Women", "Red"),
}


def test_values_that_mean_the_same_answer_a_query_together(template_with_synonyms: str) -> None:
    """Decision 32. A chosen facet value is only this value."""
    with fresh_database(template_with_synonyms):
        with connect() as connection:
            for sku, (kind, gender, colour) in VALUES.items():
                values = {"product_type": kind, "gender": gender, "colour": colour}
                row = {"sku": sku, "title": f"Model {len(sku)}", **values}
                connection.execute(PRODUCT.insert(), row)
            refresh_vocabulary(connection)
        with connect() as connection:

            def found(text: str, **chosen: tuple[str, ...]) -> set[str]:
                spec = SearchSpec(
                    text=text, signals=("structure", "lexical"), filters=Filters(values=chosen)
                )
                return {hit.sku for hit in search(connection, spec).hits}

            same = {"English", "German", "French"}
            assert found("black shoes for men") == same
            assert found("schwarze Herrenschuhe") == same
            assert found("chaussures noires homme") == same
            assert found("shoes not black") == {"another"}
            assert found("shoes", colour=("Schwarz",)) == {"German"}


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


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("dress or jeans", ["Dresses", "Jeans"]),
        ("jeans and tops", ["Jeans", "Tops"]),
        ("black casual shoes or red heels", ["Casual Shoes", "Heels"]),
        ("heels, jeans or tops", ["Heels", "Jeans", "Tops"]),
        ("heels, jeans", ["Heels", "Jeans"]),
        ("jeans/tops", ["Jeans", "Tops"]),
        ("jeans & tops", ["Jeans", "Tops"]),
        ("jeans + tops", ["Jeans", "Tops"]),
        ("Kleid oder Jeans", ["Dresses", "Jeans"]),
        ("robes ou chemises noires", ["Dresses", "Shirts"]),
        ("sukienka lub spodnie jeansowe", ["Dresses", "Jeans"]),
        ("dress or tops jeans", ["Dresses", "Jeans"]),  # each alternative has a head of its own
        ("shoes, heels", ["Heels"]),  # the narrower one
    ],
)
def test_types_that_are_alternatives(connection: Connection, text: str, types: list[str]) -> None:
    assert [part.value for part in parse(connection, text).kinds["type"]] == types


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("blue jeans or maroon tops", {"S10", "S11", "S12", "S13"}),
        ("white tops and black jeans", {"S13", "S14"}),
        ("jeans in black or tops in white", {"S13", "S14"}),
        ("jeans noirs ou tops blancs", {"S13", "S14"}),
        ("black jeans/white tops", {"S13", "S14"}),
        # black heels are shoes, but the narrower type counts
        ("red shoes or white heels or blue tshirt", {"S0", "S3"}),
        ("tops for women or jeans for men", {"S11", "S12", "S13", "S14"}),
        ("black jeans, white tops or black heels", {"S8", "S13", "S14"}),
        ("blaue Jeans oder weiße Tops", {"S10", "S12", "S14"}),
        ("vaqueros negros o tops blancos", {"S13", "S14"}),
        # what is said once is said of all
        ("black jeans or heels", {"S8", "S13"}),
        ("black or blue jeans", {"S10", "S12", "S13"}),
        ("schwarze oder blaue Jeans", {"S10", "S12", "S13"}),
        ("maroon, white or blue jeans and tops", {"S10", "S11", "S12", "S14"}),
        ("jeans or tops but not white", {"S10", "S11", "S12", "S13"}),
        ("jeans or tops for women under 60", {"S10", "S11", "S14"}),
        ("jeans or maroon tops", {"S10", "S11", "S12", "S13"}),
    ],
)
def test_alternatives_have_their_own_colours(
    connection: Connection, text: str, found: set[str]
) -> None:
    results = search(connection, SearchSpec(text=text, signals=("structure", "lexical")))
    assert {hit.sku for hit in results.hits} == found


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("under 3 inch heels", {"2.5 inch", "1 in"}),
        ("heels up to 6 cm", {"1 in"}),
        ("heels over 3 inches", {"4 inches"}),
        ("heels not over 3 inches", {"2.5 inch", "1 in"}),
        ("heels 2 inch or more", {"2.5 inch", "4 inches"}),
        ("heels between 2 and 3 inch", {"2.5 inch"}),
        ("heels 2-3 inch", {"2.5 inch"}),
        ("heels about 4 inch", {"4 inches"}),
        ("4 inch heels", {"4 inches"}),
        ("heels 10cm", {"4 inches"}),  # 4 inches are 10.16 cm
        ("Schuhe mit Absatzhöhe unter 6 cm", {"1 in"}),
        ("talons de moins de 6 cm", {"1 in"}),
        ("jeans 32 waist", {"32"}),
        ("jeans 34 inch waist or less", {"32"}),
        ("jeans waist over 33", {"36"}),
        ("heels over 9 inch", set()),
    ],
)
def test_measures_are_compared(connection: Connection, text: str, values: set[str]) -> None:
    parts = parse(connection, text).understood
    measured = [part for part in parts if part.kind in ("other", "measure")]
    assert len(measured) == 1
    assert {key.partition("=")[2] for key in measured[0].keys} == values
    assert measured[0].why == ("name" if values else "ignored")
    assert (measured[0].stop, measured[0].wanted) >= (measured[0].start + 4, True)


@pytest.mark.parametrize(
    ("text", "unwanted", "wanted"),
    [
        ("tshirt not size 9", ["9"], ["Tshirts"]),
        ("tshirt except size 9", ["9"], ["Tshirts"]),
        ("T-Shirt ohne Größe 9", ["9"], ["Tshirts"]),
        ("tshirt not size 9 or M", ["9", "M"], ["Tshirts"]),
        # a phrase for all jeans, divided
        ("not blue jeans", ["Blue"], ["Jeans"]),
        ("non-blue jeans", ["Blue"], ["Jeans"]),
        ("no printed tshirts", ["printed"], ["Tshirts"]),
        ("no long dress", ["long"], ["Dresses"]),
        ("not high heels", ["high"], ["Heels"]),
        ("shoes not high heels", ["Heels"], ["Footwear"]),
        # lists
        ("heels not in black and not in brown", ["Black", "Brown"], ["Heels"]),
        ("heels not in black or in brown", ["Black", "Brown"], ["Heels"]),
        ("heels neither black, brown nor white", ["Black", "Brown", "White"], ["Heels"]),
        ("heels not from Puma or from Vans", ["Puma", "Vans"], ["Heels"]),
        ("buty nie czarne, białe ani czerwone", ["Black", "White", "Red"], ["Footwear"]),
        ("heels not black, or brown", ["Black", "Brown"], ["Heels"]),
        ("heels not black, white, or brown", ["Black", "White", "Brown"], ["Heels"]),
        ("heels not black/brown", ["Black", "Brown"], ["Heels"]),
        ("heels not black & brown", ["Black", "Brown"], ["Heels"]),
        ("heels not black + brown", ["Black", "Brown"], ["Heels"]),
        ("heels not zzyx or wwvu", ["zzyx", "wwvu"], ["Heels"]),
        ("heels not black and zzyx", ["Black"], ["Heels", "zzyx"]),
        ("women shoes, heels not included", ["Heels"], ["Women", "Footwear"]),
        ("heels, black, white excluded", ["Black", "White"], ["Heels"]),
        # whom it is not for
        ("tshirts not for 5 year olds", ["Boys or Girls"], ["Tshirts"]),
        # other wordings
        ("heels in any colour but black", ["Black"], ["Heels"]),
        ("heels in other colours than black", ["Black"], ["Heels"]),
        ("Schuhe in anderen Farben als Schwarz", ["Black"], ["Footwear"]),
        ("shoes minus heels", ["Heels"], ["Footwear"]),
        ("w/o zzyx shoes", ["zzyx"], ["Footwear"]),
        ("heels for someone who hates red", ["Red"], ["Heels"]),
        ("tops, don't show me red", ["Red"], ["Tops"]),
        # other signs
        ("heels !red", ["Red"], ["Heels"]),
        ('heels -"red', ["Red"], ["Heels"]),
        # no product is called "faux leather"
        ("non leather heels", ["leather"], ["Heels"]),
        ("anti-jeans tops", [], ["anti-jeans", "Tops"]),
        ("jeans resistant tops", [], ["jeans resistant", "Tops"]),
    ],
)
def test_all_that_is_not_wanted(
    connection: Connection, text: str, unwanted: list[str], wanted: list[str]
) -> None:
    parts = parse(connection, text).understood
    refused = [
        it.value if it.keys or it.accepted or it.kind == "size" else it.words
        for it in parts
        if not it.wanted
    ]
    assert refused == unwanted
    assert [part.value for part in parts if part.wanted] == wanted


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("shoes 50+", 50, None),
        ("shoes $50+", 50, None),
        ("shoes ~50", 40, 60),
        ("shoes 100~200", 100, 200),
        ("shoes 100..200", 100, 200),
        ("shoes price range 100 200", 100, 200),
        ("chaussures à moins de 1 500 €", None, 1500),
        ("chaussures à moins de 1\u202f500\u00a0€", None, 1500),
        ("buty do 1 500 zł", None, 1500),
        ("chaussures entre 1 000 et 2 000", 1000, 2000),
        ("shoes size 9 500 rs", None, 500),  # no thousands
        ("shoes max 2000 min 1500", 1500, 2000),
        ("shoes up to 2000 at least 1500", 1500, 2000),
        ("shoes under 1000 or over 3000", None, 1000),
        ("shoes not around 1000", None, None),
        ("shoes not between 1000 and 2000", None, None),
        ("shoes not 1000 to 2000", None, None),
        ("shoes under two thousand five hundred", None, 2500),
        ("chaussures à moins de mille cinq cents", None, 1500),
        ("zapatos por menos de mil quinientos", None, 1500),
        ("buty do tysiąc pięćset", None, 1500),
        ("Schuhe unter tausendfünfhundert", None, 1500),
        ("Schuhe bis zweihundertfünfzig Euro", None, 250),
        ("scarpe sotto millecinquecento", None, 1500),
        ("schoenen onder vijftienhonderd", None, 1500),
        ("sapatos até mil e quinhentos", None, 1500),
        ("shoes under one thousand two hundred and fifty", None, 1250),
        ("shoes under twelve hundred", None, 1200),
        ("shoes between two hundred and three hundred", 200, 300),
        ("bin beş yüz TL altı ayakkabı", None, 1500),
    ],
)
def test_more_prices(
    connection: Connection, text: str, low: float | None, high: float | None
) -> None:
    parsed = parse(connection, text)
    assert (parsed.min_price, parsed.max_price) == (low, high)


@pytest.mark.parametrize(
    "text", ["shoes not around 1000", "shoes not 1000 to 2000", "heels under 3 kg"]
)
def test_limits_that_cannot_be_set_are_told(connection: Connection, text: str) -> None:
    assert [part.why for part in parse(connection, text).understood][1:] == ["ignored"]


@pytest.mark.parametrize(
    "text",
    [
        "tshirt 7yr",
        "tshirt 6-7y",
        "tshirt for 5yo",
        "tshirt 7 yr",
        "T-Shirt 3jahre",
        "koszulka dla 7latka",
    ],
)
def test_ages_are_written_with_their_unit(connection: Connection, text: str) -> None:
    [age] = [part for part in parse(connection, text).understood if part.why == "age"]
    assert {*age.keys, *age.accepted} == {"gender=boys", "gender=girls"}


@pytest.mark.parametrize("text", ["tshirt size9", "tshirt uk9", "T-Shirt gr9", "tshirt maat9"])
def test_sizes_are_written_with_their_system(connection: Connection, text: str) -> None:
    assert understood(connection, text) == [("type", "Tshirts"), ("size", "9")]


def test_names_with_numbers_are_one_word(connection: Connection) -> None:
    parts = parse(connection, "uk9x tshirt").understood
    assert [part.phrase for part in parts if part.kind == "word"] == ["uk9x"]


@pytest.mark.parametrize("text", ["tops pas de chaussures", "Tops keine Schuhe", "tops no shoes"])
def test_the_last_word_may_be_unwanted(connection: Connection, text: str) -> None:
    assert [part.wanted for part in parse(connection, text).understood] == [True, False]


def test_a_tie_of_foreign_languages_has_one_winner(connection: Connection) -> None:
    # "basen" is a swimming pool in Polish and a cue for sizes in Turkish.
    assert [part.kind for part in parse(connection, "basen").understood] != []


def test_a_word_of_another_language_is_doubtful(connection: Connection) -> None:
    vocabulary = get_vocabulary(connection)
    assert correct("red jins", vocabulary, {"jins"}) is None  # two letters
    assert correct("red jeens", vocabulary) == "red jeans"
    assert correct("red heel", vocabulary, {"heel"}) == "red heels"  # one letter, and a type


def test_a_letter_is_no_longer_word(connection: Connection) -> None:
    assert understood(connection, "ß") == []  # "ss" is short-sleeved


def test_letters_are_not_joined_with_cues(connection: Connection) -> None:
    assert understood(connection, "tshirt M or L") == [
        *(("type", "Tshirts"), ("size", "M"), ("size", "L"))
    ]


@pytest.mark.parametrize("text", ["<", "?", "/", "€", "%s {}", "<b>", "x", "show me the best", "-"])
def test_signs_and_fillers_are_no_words(connection: Connection, text: str) -> None:
    assert parse(connection, text).words == ""
