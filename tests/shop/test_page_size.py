"""The size of a page is limited, even if its address is long."""

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from django.test import Client, override_settings

from catalog.db.connection import connect
from catalog.importing.cells.texts import DEFAULT_MAX_LENGTH
from catalog.search.filters import Filters, known_values
from catalog.search.vocabulary import refresh_vocabulary
from shop.filter_panel import MAX_CHIPS
from shop.forms import MAX_VALUES
from tests.shop.test_pictures import PLAIN_STORAGE

FACETS = ("category", "product_type", "gender", "colour", "brand")
CLIENT = Client(headers={"host": "localhost"})


def values(facet: str, count: int = MAX_VALUES) -> list[str]:
    return [f"{facet} {number} ".ljust(DEFAULT_MAX_LENGTH, "x") for number in range(count)]


@pytest.fixture
def shop(database: str) -> Iterator[None]:
    """A catalogue in which each product has a different value in every facet."""
    with connect() as connection:
        for number in range(MAX_VALUES + 5):
            row = {facet: values(facet, number + 1)[-1] for facet in FACETS}
            connection.exec_driver_sql(
                "INSERT INTO product (sku, title, category, product_type, gender, colour, brand)"
                " VALUES (%(sku)s, 'shirt', %(category)s, %(product_type)s, %(gender)s, %(colour)s,"
                " %(brand)s)",
                row | {"sku": f"S{number}"},
            )
        refresh_vocabulary(connection)
    with override_settings(STORAGES=PLAIN_STORAGE):
        yield


def get(address: str) -> str:
    response = CLIENT.get(address)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


@pytest.mark.parametrize("more", ["", "&q=shirt&min_match=0&limit=12"])
def test_number_of_links_with_the_whole_search_is_limited(shop: None, more: str) -> None:
    query = urlencode([(facet, value) for facet in FACETS for value in values(facet)])
    page = get(f"/?{query}{more}")
    assert len(re.findall('class="chip"', page)) == MAX_CHIPS
    assert f"and {len(FACETS) * MAX_VALUES - MAX_CHIPS} more" in page
    assert len(re.findall(r'name="(?:category|brand)"[^>]* checked', page)) == 2 * MAX_VALUES
    assert len(page) < (MAX_CHIPS + 16) * len(query)


def test_only_20_of_500_values_are_used(shop: None) -> None:
    query = urlencode([("colour", value) for value in [*values("colour"), *map(str, range(480))]])
    page = get(f"/?{query}")
    assert "Only the first 20 values of a filter were used." in page
    assert len(re.findall('class="chip"', page)) == MAX_VALUES


def test_unknown_value_is_ignored_with_a_note(shop: None) -> None:
    [red] = values("colour", 1)
    page = get("/?" + urlencode([("colour", red), ("colour", "Mauve"), ("brand", "Nobody")]))
    assert "No product has “Mauve”, “Nobody”, so this filter was ignored." in page
    assert "1 product" in page
    assert 'value="Mauve"' not in page
    page = get("/?" + urlencode([("brand", f"brand {number}") for number in range(10)]))
    assert "“brand 2” and 7 more" in page
    # Both values exist, but no product has both.
    page = get("/?" + urlencode([("colour", red), ("brand", values("brand", 2)[1])]))
    assert "No product matches with these filters" in page
    assert "No product has" not in page


def test_known_values_exist_in_the_catalogue(shop: None) -> None:
    [red] = values("colour", 1)
    with connect() as connection:
        chosen = Filters({"colour": (red, "Mauve"), "brand": ("Nobody",)}, in_stock=True)
        known = Filters({"colour": (red,)}, in_stock=True)
        assert known_values(connection, chosen) == (known, ["Mauve", "Nobody"])
        assert known_values(connection, Filters()) == (Filters(), [])
