"""Queries for what a catalogue lacks, and queries with an order: nothing that is wanted is lost."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import Connection

from catalog.db.connection import connect
from catalog.search.pipeline import SearchSpec, search
from catalog.search.results import Results
from catalog.search.understanding import parse
from catalog.search.vocabulary import refresh_vocabulary
from catalog.tables import PRODUCT
from tests.conftest import fresh_database

pytestmark = pytest.mark.slow

SHOES = [
    ("Puma red sneakers", "Shoes", "Red", "Canvas"),
    ("Red Tape black dress shoes", "Shoes", "Black", "Leather"),
    ("Classic gold shoes", "Shoes", "Gold", "Leather"),
    ("Puma shoes with a velvet bow", "Shoes", "Blue", "Canvas"),
    ("Blue sandals", "Sandals", "Blue", "Leather"),
    ("Strappy party sandals in blue", "Shoes", "Blue", "Leather"),
    ("A watch with a gold strap", "", "Gold", ""),
    ("Sports watch", "Gadgets", "Black", ""),
]
"""Title, product type, colour and material."""

UNTYPED = [("Gold watch",), ("Red sneakers",), ("Blue dress",)]


def fill(products: Sequence[Sequence[str]]) -> None:
    with connect() as connection:
        for number, values in enumerate(products):
            title, kind, colour, material = (*values, "", "", "")[:4]
            row: dict[str, Any] = {"sku": f"S{number}", "title": title, "product_type": kind}
            attributes = {"material": material} if material else {}
            connection.execute(PRODUCT.insert(), row | {"colour": colour, "attributes": attributes})
        refresh_vocabulary(connection)


@pytest.fixture(scope="module")
def shoes(template_with_synonyms: str) -> Iterator[str]:
    """A shop for shoes, with two watches that are not among its known types."""
    with fresh_database(template_with_synonyms) as url:
        fill(SHOES)
        yield url


@pytest.fixture
def connection(shoes: str) -> Iterator[Connection]:
    with connect() as connection:
        yield connection


def found(connection: Connection, text: str) -> Results:
    return search(connection, SearchSpec(text=text, signals=("structure", "lexical")))


def titles(results: Results) -> set[str]:
    return {hit.title for hit in results.hits}


@pytest.mark.parametrize(
    "text",
    [
        *("red dress", "rotes Kleid", "robe rouge", "vestido rojo", "vestito rosso"),
        *("rode jurk", "czerwona sukienka", "vestido vermelho"),
    ],
)
def test_a_type_that_the_shop_lacks_is_wanted(connection: Connection, text: str) -> None:
    """In all languages of the lexicon; neither red shoes nor dress shoes are a red dress."""
    part = next(part for part in parse(connection, text).understood if part.kind == "type")
    assert (part.why, part.wanted, part.keys, part.accepted) == ("absent", True, (), ())
    results = found(connection, text)
    assert (results.total, results.given_up) == (0, ("type",))
    assert "Puma red sneakers" in {hit.title for hit in results.close}


def test_titles_say_what_products_of_no_known_type_are(connection: Connection) -> None:
    results = found(connection, "gold watch")
    assert titles(results) == {"A watch with a gold strap"}
    assert results.given_up == ()
    assert titles(found(connection, "montre")) == {"A watch with a gold strap", "Sports watch"}


def test_a_wider_type_is_close(connection: Connection) -> None:
    """There is no type for sneakers; titles that say it come first."""
    results = found(connection, "sneakers")
    assert results.hits[0].title == "Puma red sneakers"
    assert {hit.product_type for hit in (*results.hits, *results.close)} == {"Shoes"}
    results = found(connection, "loafers")
    assert {hit.product_type for hit in results.hits} == {"Shoes"}
    assert results.hits[0].fulfilled == (0.5,)


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("sandals with a belt", {"Sandals"}),  # no belts
        ("Sandalen mit Gürtel", {"Sandals"}),
        ("sandal bag", {"Sandals"}),
    ],
)
def test_another_type_that_the_shop_has_is_the_head(
    connection: Connection, text: str, types: set[str]
) -> None:
    assert {hit.product_type for hit in found(connection, text).hits} == types


def test_a_bag_for_sandals_is_no_sandal(connection: Connection) -> None:
    assert found(connection, "sandal bag").hits[0].fulfilled == (0.5,)
    assert found(connection, "sandals with a bag").hits[0].fulfilled == (1.0,)


@pytest.mark.parametrize("text", ["shoe rack", "Schuhregal", "meuble à chaussures", "Damenuhr"])
def test_a_phrase_with_a_type_may_be_another_type(connection: Connection, text: str) -> None:
    assert {hit.product_type for hit in found(connection, text).hits} <= {"", "Gadgets"}


def test_colours_and_materials_that_no_product_has(connection: Connection) -> None:
    results = found(connection, "green sandals")
    assert (titles(results), results.given_up) == ({"Blue sandals"}, ("colour",))
    results = found(connection, "velvet shoes")
    assert (titles(results), results.given_up) == ({"Puma shoes with a velvet bow"}, ())
    results = found(connection, "wool sandals")
    assert (titles(results), results.given_up) == ({"Blue sandals"}, ("material",))


def test_what_is_not_wanted_needs_no_product(connection: Connection) -> None:
    assert titles(found(connection, "sandals without dresses")) == {"Blue sandals"}


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("latest puma shoes", ["Puma shoes with a velvet bow", "Puma red sneakers"]),
        ("neueste Puma Schuhe", ["Puma shoes with a velvet bow", "Puma red sneakers"]),
        ("new arrivals puma", ["Puma shoes with a velvet bow", "Puma red sneakers"]),
        ("latest velvet bow puma shoes for the zzyx", ["Puma shoes with a velvet bow"]),
        # no sandals are classic
        ("latest classic sandals", ["Blue sandals"]),
        ("latest leather dress shoes", ["Red Tape black dress shoes"]),
    ],
)
def test_an_order_drops_no_word(connection: Connection, text: str, first: list[str]) -> None:
    results = found(connection, text)
    assert results.sort == "newest"
    assert [hit.title for hit in results.hits] == first


def test_a_title_with_all_words_is_wanted_whatever_its_type(connection: Connection) -> None:
    """Of the products that lack some of the words, none comes before it, not even with an error."""
    for text in ("Classic gold sandals", "Classic qwxyz gold sandals"):
        assert found(connection, text).hits[0].title == "Blue sandals", (
            text
        )  # no title has them all
    for text in ("Strappy blue sandals", "Strappy blue sandals qwxyz", "sandals blue strappy"):
        results = found(connection, text)
        assert results.hits[0].title == "Strappy party sandals in blue"
        assert results.hits[0].fulfilled == (0.9, 1.0)


def test_a_description_is_no_title(connection: Connection) -> None:
    """All of these words mean values, so the types of products decide."""
    results = found(connection, "sandals blue")
    assert titles(results) == {"Blue sandals"}


def test_titles_alone(template_with_synonyms: str) -> None:
    """A catalogue without product types has no type to lack."""
    with fresh_database(template_with_synonyms):
        fill(UNTYPED)
        with connect() as connection:
            assert titles(found(connection, "watch")) == {"Gold watch"}
            assert found(connection, "gold watches").hits[0].title == "Gold watch"
            assert parse(connection, "watch").kinds == {}
