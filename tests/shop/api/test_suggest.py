"""Suggestions by the API are those of the page."""

import pytest

from catalog.db.connection import connect
from catalog.search.suggestions import suggest
from tests.shop.api.conftest import ApiClient

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("typed", ["red sn", "dre", "nord", "zzzz", ""])
def test_suggestions_are_those_of_the_page(api: ApiClient, typed: str) -> None:
    with connect() as connection:
        expected = suggest(connection, typed)
    found = api.read(f"suggest?q={typed}")
    assert [it["text"] for it in found["queries"]] == [it.text for it in expected.queries]
    assert [(it["parameter"], it["value"], it["words"]) for it in found["values"]] == [
        (it.facet, it.value, it.words) for it in expected.values
    ]
    assert [it["value"] for it in found["brands"]] == [it.value for it in expected.brands]
    assert [it["sku"] for it in found["products"]] == [it.sku for it in expected.products]
    for product in found["products"]:
        assert api.get(product["url"].removeprefix("http://localhost")).status_code == 200


def test_limit_of_suggestions(api: ApiClient) -> None:
    found = api.read("suggest?q=s&limit=2")
    assert all(len(found[kind]) <= 2 for kind in ("queries", "values", "brands", "products"))
    assert api.read("suggest?q=s&limit=21", status=422)
    assert api.read("suggest?q=s&colour=Red", status=422)
