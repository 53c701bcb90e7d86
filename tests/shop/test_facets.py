"""Facets in the filter panel and in addresses: any attribute, in any spelling."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from django.test import Client, override_settings

from catalog.db.connection import connect
from catalog.importing import import_catalog
from catalog.search.facets import Facet, forget_facets
from catalog.search.filters import FacetValue, Filters
from shop import filter_panel
from shop.api.parameters import ApiForm, PictureForm
from shop.forms import CompareForm
from shop.search_params import OWN_PARAMETERS, SearchParams, parameter
from tests.shop.test_pictures import PLAIN_STORAGE

CLIENT = Client(headers={"host": "localhost"})

CATALOGUE = """\
sku,title,brand,colour,gender,category,price,Heel Height,page,Size
A-1,Facet one,Acme,Red,Women,Shoes,10,5 cm,1,S;M
A-2,Facet two,ACME,red,women,shoes,10,5 CM,2,m
A-3,Facet three,Acme ,RED,WOMEN,Shoes ,10,7 cm,1,M
A-4,Facet four,Café,Navy  Blue,Men,Shoes,10,7 cm,2,L
A-5,Facet five,Cafe\u0301,Red,Women,Shoes,10,5 cm,1,L
A-6,Facet six,CAFÉ,Réd,Women,Shoes,10,9 cm,2,S
"""


@pytest.fixture
def shop(database: str, tmp_path: Path) -> Iterator[None]:
    (tmp_path / "c.csv").write_text(CATALOGUE, "utf-8")
    import_catalog(tmp_path / "c.csv")
    with override_settings(STORAGES=PLAIN_STORAGE):
        yield


def get(address: str) -> str:
    response = CLIENT.get(address)
    assert response.status_code == 200
    return " ".join(unescape(response.content.decode()).split())


def options(page: str) -> dict[str, list[tuple[str, str]]]:
    """The values of the panel and their numbers, by the name of the parameter."""
    found: dict[str, list[tuple[str, str]]] = {}
    for label in re.findall(r'<label class="option[^"]*">.*?</label>', page):
        if value := re.search(r'name="([^"]+)" value="([^"]*)" form', label):
            number = re.search(r'class="number">(\d+)<', label)
            found.setdefault(value[1], []).append((value[2], number[1] if number else ""))
    return found


def legends(page: str) -> list[str]:
    return re.findall(r"<legend>([^<]+)</legend>", page)


def test_spellings_are_one_value_and_single_values_are_hidden(shop: None) -> None:
    page = get("/")
    panel = options(page)
    assert panel["colour"] == [("Red", "5"), ("Navy Blue", "1")]
    assert panel["brand"] == [("Acme", "3"), ("Café", "3")]
    assert panel["gender"] == [("Women", "5"), ("Men", "1")]
    assert panel["heel height"] == [("5 cm", "3"), ("7 cm", "2"), ("9 cm", "1")]
    assert panel["size"] == [("M", "3"), ("L", "2"), ("S", "2")]
    assert "category" not in panel
    assert legends(page)[:4] == ["Price", "For", "Colour", "Brand"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("colour=RED", 5),
        ("colour=r%C3%A9d&colour=Red", 5),
        ("brand=cafe", 3),
        ("brand=Cafe%CC%81", 3),
        ("heel+height=5+CM", 3),
        ("size=m", 3),
        ("size=S&size=L", 4),
        ("size=M&heel+height=7+cm", 1),
        ("facet_page=1", 3),
        ("nothing=1&SIZE=L", 6),
    ],
)
def test_an_address_names_a_facet_and_its_values_in_any_spelling(
    shop: None, query: str, found: int
) -> None:
    page = get(f"/?{query}")
    assert re.search(rf"\b{found} products?\b", page)
    assert "ignored" not in page
    searched = get(f"/?q=facet&min_match=0&{query}")
    assert len(re.findall(r'class="card', searched)) == len(re.findall(r'class="card', page))


def test_the_page_shows_the_most_frequent_spelling_of_a_chosen_value(shop: None) -> None:
    page = get("/?colour=RED&heel+height=5+CM")
    chips = re.findall(r"Remove the filter</span> ([^<]*?) <", page)
    assert chips == ["Red", "Heel Height: 5 cm"]
    assert re.search(r'name="colour" value="Red"[^>]* checked', page)
    assert options(page)["colour"] == [("Red", "3")]
    assert options(page)["heel height"] == [("5 cm", "3"), ("7 cm", "1"), ("9 cm", "1")]


def test_a_value_that_is_newer_than_the_counted_ones_can_be_chosen(shop: None) -> None:
    with connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO product (sku, title, colour) VALUES ('N', 'New', 'Mauve')"
        )
    page = get("/?colour=Mauve&in_stock=1")
    assert "1 product" in page
    assert ("mauve", "1") in options(page)["colour"]


def test_a_full_window_has_no_numbers_and_keeps_chosen_values(
    shop: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = options(get("/?q=facet&min_match=0&limit=12"))
    assert whole["size"] == [("M", "3"), ("L", "2"), ("S", "2")]
    monkeypatch.setenv("SEARCH_WINDOW", "3")
    monkeypatch.setattr("shop.search_params.LIMITS", (3,))
    monkeypatch.setattr("shop.search_params.DEFAULT_LIMIT", 3)
    from shop import forms

    monkeypatch.setattr(forms, "DEFAULT_LIMIT", 3)
    page = get("/?q=facet&min_match=0&colour=Navy+Blue")
    cut = options(page)["colour"]
    assert {value for value, _ in cut} == {"Red", "Navy Blue"}
    assert {number for _, number in cut} == {""}
    assert re.search(r'name="colour" value="Navy Blue"[^>]* checked', page)


def test_numbers_are_left_out_where_many_products_match_a_filter(
    shop: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.search.filters.MAX_COUNTED", 3)
    panel = options(get("/?size=M"))
    assert panel["heel height"] == [("5 cm", "2"), ("7 cm", "1")]
    panel = options(get("/?colour=Red"))
    assert {number for _, number in panel["size"]} == {""}
    assert panel["colour"] == [("Red", "5"), ("Navy Blue", "1")]


def test_a_disabled_facet_is_no_filter(shop: None) -> None:
    with connect() as connection:
        connection.exec_driver_sql("UPDATE facet SET enabled = false WHERE name = 'size'")
    forget_facets()
    page = get("/?size=M")
    assert "6 products" in page
    assert "size" not in options(page)


def test_parameters_of_facets_differ_from_all_others() -> None:
    forms = CompareForm, ApiForm, PictureForm
    fields = {name for form in forms for name in form.base_fields}
    assert fields | {"refused", "file"} == OWN_PARAMETERS
    names = [*OWN_PARAMETERS, *(f"facet_{name}" for name in OWN_PARAMETERS), "size", "facet_size"]
    parameters = {parameter(name) for name in names}
    assert len(parameters) == len(names)
    assert not parameters & OWN_PARAMETERS


def counts(facet: str, number: int) -> list[FacetValue]:
    return [FacetValue(f"{facet} {value}", number - value) for value in range(number)]


def test_the_panel_is_limited() -> None:
    facets = [Facet(f"f{number}", f"F{number}") for number in range(20)]
    state = SearchParams(filters=Filters({"f15": ("f15 150",), "f16": ("f16 0",)}))
    listed = {facet.name: counts(facet.name, 200) for facet in facets}
    panel = filter_panel.facet_panel(state, facets, listed)
    assert [group.facet.name for group in panel.shown] == [
        *(f"f{n}" for n in range(8)),
        "f15",
        "f16",
    ]
    assert len(panel.rest) == 10
    groups = [*panel.shown, *panel.rest]
    assert len(groups[0].shown) == filter_panel.VALUES_SHOWN
    assert len(groups[0].rest) == filter_panel.MAX_VALUES_LISTED - filter_panel.VALUES_SHOWN
    assert "f15 150" in [option.value for option in panel.shown[8].shown]
    total = sum(len(group.shown) + len(group.rest) for group in groups)
    assert total <= filter_panel.MAX_OPTIONS + 20 * filter_panel.VALUES_SHOWN + 1


def test_a_facet_with_one_value_is_shown_only_if_it_is_chosen() -> None:
    facets = [Facet("colour", "Colour", "colour")]
    found = {"colour": counts("colour", 1)}
    assert filter_panel.facet_panel(SearchParams(), facets, found).shown == []
    chosen = SearchParams(filters=Filters({"colour": ("colour 0",)}))
    assert len(filter_panel.facet_panel(chosen, facets, found).shown) == 1
