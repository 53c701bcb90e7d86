"""What the search page says about a query, on the drawn catalogue and with the real model."""

import re
from collections.abc import Iterator
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from django.test import Client
from django.test.utils import setup_test_environment, teardown_test_environment
from PIL import Image, ImageDraw

from catalog.db.connection import connect
from catalog.search.pipeline import SearchSpec, search
from catalog.search.ranking_sql import MAX_CLOSE
from tests.conftest import DRAWN, demo_database

pytestmark = pytest.mark.slow

CLIENT = Client(headers={"host": "localhost"})


@pytest.fixture(scope="module", autouse=True)
def shop(
    template_with_synonyms: str, demo_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    with demo_database(template_with_synonyms, demo_folder, tmp_path_factory.mktemp("media")):
        setup_test_environment(debug=False)  # responses keep the context of their templates
        yield
        teardown_test_environment()


def get(address: str) -> Any:
    response = CLIENT.get(address)
    assert response.status_code == 200
    return response


def text(response: Any) -> str:
    """The words of the page."""
    plain = re.sub(r"<(style|script|title).*?</\1>|<[^>]*>", " ", response.content.decode())
    return " ".join(unescape(plain).split())


def heading(response: Any) -> str:
    """The words of the results' heading, or of the only one that is seen."""
    found = re.findall(r"<h[12][^>]*>.*?</h[12]>", response.content.decode(), re.DOTALL)
    seen = [it for it in found if "visually-hidden" not in it and "filters-heading" not in it]
    return " ".join(unescape(re.sub("<[^>]*>", " ", seen[0])).split())


def labels(response: Any) -> list[str]:
    return [chip.label for chip in response.context["query_chips"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("red sneakers for boys under 60", ["red", "sneakers", "for boys", "under €60"]),
        ("dress not blue", ["dress", "not blue"]),
        ("dress that are not blue or red", ["dress", "not blue", "not red"]),
        ("boots without zip", ["boots", "without zip"]),
        ("boots between 20 and 90", ["boots", "€20 to €90"]),
        ("nordvik hoodies over 30", ["Nordvik", "hoodies", "from €30"]),
        ("kleid ab 20 Euro", ["dress", "from €20"]),
        ("dress under 500 TL", ["dress", "under €500 (“TL” ignored)"]),
        ("dress $20 - $60", ["dress", "€20 to €60 (“$” ignored)"]),
        ("robe pour fille de 6 ans", ["dress", "for girls", "for 6-year-olds"]),
        ("linen", []),
        ('"red" dress', ["dress"]),
    ],
)
def test_chips_name_what_was_understood(query: str, expected: list[str]) -> None:
    found = [label.lower() for label in labels(get(f"/?q={query}"))]
    singular = [re.sub(r"e?s$", "", label) for label in found]
    assert singular == [re.sub(r"e?s$", "", label.lower()) for label in expected]


def test_chip_leads_to_the_search_without_it() -> None:
    page = get("/?q=red sneakers for boys&sort=price&gender=Boys")
    address = page.context["query_chips"][-1].without.url()
    assert address == "/?q=red+sneakers&gender=Boys&sort=price"
    assert address in unescape(page.content.decode())


def test_corrected_text_is_what_a_chip_changes() -> None:
    chips = get("/?q=red drses under 60").context["query_chips"]
    assert chips[-1].without.text == "red dress"


def test_alternatives_are_other_values_of_the_facet() -> None:
    chip = get("/?q=dress in red").context["query_chips"][-1]
    assert 1 < len(chip.alternatives) <= 6
    assert "red" not in {other.value for other in chip.alternatives}
    with connect() as connection:
        colours = connection.exec_driver_sql("SELECT lower(colour) FROM product").scalars().all()
    assert {other.value for other in chip.alternatives} <= set(colours)
    page = get(chip.alternatives[0].url)
    assert labels(page)[-1] == chip.alternatives[0].value


def test_what_was_given_up_is_said() -> None:
    page = get("/?q=sneakers for women")
    said = page.context["given_up"]
    assert said.missing == "No sneakers for women."
    assert {hit.product_type for hit in page.context["results"]} == {"Sneakers"}
    assert re.fullmatch("Sneakers( for (men|boys|men and boys|boys and men))?:", said.instead)
    assert "No sneakers for women." in text(page)
    assert not re.search(r"\d+ match", text(page))


def test_a_type_that_the_shop_lacks_is_said() -> None:
    page = get("/?q=red lipstick for women")
    results = page.context["results"]
    assert (results.total, results.hits) == (0, ())
    assert {"red", "lipstick", "for women"} == set(labels(page))
    assert heading(page) == "We have no lipstick in our range. These come closest:"
    shown = text(page)
    places = [shown.index(it) for it in (heading(page), results.close[0].title, "For example")]
    assert places == sorted(places)
    assert len(results.close) == MAX_CLOSE
    assert not re.search("Nothing matches|Try other words|The nearest products", shown)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("q=watch or lipstick", "We have no watch or lipstick in our range."),
        ("q=damenuhr oder parfum", "We have no damenuhr or parfum in our range."),
        ("q=ladies wacth", "We have no watch in our range."),
        ("q=red watch under 90 not blue", "No watch under €90 (not blue)."),
        ("q=watch&gender=Women", "No watch with these filters."),
        ("q=red watch&like={sku}", "We have no watch in our range."),
    ],
)
def test_one_sentence_says_what_the_shop_lacks(address: str, said: str) -> None:
    sku = get("/?q=red dress").context["results"].hits[0].sku
    page = get(f"/?{address.format(sku=sku)}")
    assert page.context["results"].close
    assert heading(page) == f"{said} These come closest:"
    assert "Nothing matches" not in text(page)


def test_a_lacking_type_behind_filters_that_leave_nothing() -> None:
    page = get("/?q=watch&colour=Red&max_price=0.01")
    assert not page.context["results"].close
    assert heading(page) == "No watch with these filters."
    assert "Try other words or fewer filters." in text(page)
    assert "Nothing matches" not in text(page)


def test_a_type_that_filters_leave_out_is_said_once() -> None:
    page = get("/?q=sneakers&colour=Mint&in_stock=1&max_price=500")
    assert "Nothing matches “sneakers” with these filters" in text(page)
    assert "No sneakers" not in text(page)


def closest(query: str) -> tuple[list[int], list[float]]:
    """The ids and prices of the products in place of a lacking type."""
    close = get(f"/?{query}").context["results"].close
    return [hit.id for hit in close], [float(hit.price) for hit in close]


def test_products_in_place_of_a_lacking_type_are_sorted() -> None:
    ids, prices = closest("q=watch")
    assert prices not in (sorted(prices), sorted(prices, reverse=True))
    assert closest("q=watch&sort=price")[1] == sorted(prices)
    assert closest("q=watch&sort=-price")[1] == sorted(prices, reverse=True)
    assert closest("q=watch&sort=newest")[0] == sorted(ids, reverse=True)
    asked = closest("q=cheapest watch")[1]
    assert asked == sorted(asked)


def test_past_the_last_page_nothing_is_lacking() -> None:
    page = get("/?q=red dress&page=9")
    assert "There is no page 9" in text(page)
    assert page.context["given_up"] is None


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", "Nicht im Sortiment: watch. Diese Produkte kommen dem am nächsten:"),
        ("fr", "Pas dans notre assortiment\u00a0: watch. Les produits les plus proches\u00a0:"),
        ("es", "No hay watch en la tienda. Lo más parecido:"),
    ],
)
def test_what_the_shop_lacks_in_other_languages(language: str, said: str) -> None:
    page = CLIENT.get("/?q=watch", headers={"accept-language": language})
    assert heading(page) == " ".join(said.split())


@pytest.mark.parametrize("query", ["sneakers for boys", "dress", "red sneakers", "linen"])
def test_nothing_is_said_where_all_can_be_had(query: str) -> None:
    assert get(f"/?q={query}").context["given_up"] is None


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("XXL sneakers", "No sneakers in size XXL. Sneakers"),
        ("sneakers for boys size XXL", "No sneakers in size XXL for boys. Sneakers"),
        ("4 inch sneakers", "No product says “4 inch”."),
        ("zzyx sneakers", "No product says “zzyx”."),
    ],
)
def test_what_no_product_says_is_said(query: str, said: str) -> None:
    page = get(f"/?q={query}")
    assert page.context["results"].hits
    assert said in text(page)


def test_a_query_sorts() -> None:
    page = get("/?q=cheapest dress")
    found = [hit.price for hit in page.context["results"]]
    assert labels(page) == ["lowest price first", "dress"]
    assert "As asked: lowest price first" in text(page)
    assert found == sorted(found)
    without = page.context["query_chips"][0].without
    assert without.text == "dress"
    assert "As asked" not in text(get(without.url()))


def test_the_tool_bar_outweighs_the_order_of_the_query() -> None:
    page = get("/?q=cheapest dress&sort=-price")
    found = [hit.price for hit in page.context["results"]]
    assert found == sorted(found, reverse=True)


def test_sentence_has_the_conditions_of_the_search() -> None:
    said = get("/?q=sneakers for women not black under 500&in_stock=1").context["given_up"]
    assert said.missing == "No sneakers for women under €500 (not black) with these filters."


def test_a_price_that_is_ignored_is_not_looked_for_in_products() -> None:
    page = get("/?q=heels not around 1000")
    assert [chip.label for chip in page.context["query_chips"]][1:] == ["not €800 to €1,200"]
    assert "€1,200 ignored" in text(page)
    assert "No product says" not in text(page)


@pytest.mark.parametrize(
    "query",
    [
        *("-", "without", "not", "- -", "?!", "show me the best"),
        *("%25t {}", "size 99", "less than 5 cm"),
    ],
)
def test_text_without_words_shows_the_catalogue(query: str) -> None:
    page = get(f"/?q={query}")
    shown = unquote(query)
    assert f"“{shown}” has no words to search for, so all products are shown." in text(page)
    assert "72 products" in text(page)
    assert "manage.py" not in text(page)
    assert 'name="min_match"' not in page.content.decode()


@pytest.mark.parametrize(("query", "label"), [("-red", "not red"), ("under 40", "under €40")])
def test_text_with_only_conditions_shows_the_catalogue_with_them(query: str, label: str) -> None:
    page = get(f"/?q={query}")
    assert labels(page) == [label]
    assert 0 < page.context["results"].total < 72
    assert "has no words" not in text(page)
    if query == "-red":
        assert "Red" not in {hit.colour for hit in page.context["results"]}


def test_condition_that_leaves_nothing_is_named() -> None:
    page = get("/?q=dress under 1")
    assert "Nothing matches “dress under 1”" in text(page)
    [way] = page.context["ways_out"]
    assert (way.label, way.total) == ("under €1", get("/?q=dress").context["results"].total)
    assert "manage.py" not in text(page)


def test_words_that_were_not_understood_are_named() -> None:
    page = get("/?q=how qwxyz vbnmk zxcvb dress")
    assert "Nothing matches" in text(page)
    [way] = page.context["ways_out"]
    assert way.label == "how qwxyz vbnmk zxcvb"
    assert (
        way.total
        == get(way.url).context["results"].total
        == get("/?q=dress").context["results"].total
    )
    assert not get("/?q=qwxyz vbnmk zxcvb red").context["ways_out"]


def test_filters_of_the_last_search_are_named() -> None:
    page = get("/?q=sneakers&colour=Mint&in_stock=1&max_price=500")
    assert not page.context["results"].hits
    assert "Nothing matches “sneakers” with these filters" in text(page)
    [way] = page.context["ways_out"]
    assert way.label == "Mint"
    assert get(way.url).context["results"].total == way.total > 0


def test_filters_that_leave_nothing_together_are_removed_together() -> None:
    page = get("/?q=sneakers&colour=Mint&gender=Girls")
    [way] = page.context["ways_out"]
    assert way.label == "all filters"
    assert get(way.url).context["results"].total == way.total > 0


def test_nonsense_matches_nothing() -> None:
    page = get("/?q=blorptuna")
    assert "Nothing matches “blorptuna”" in text(page)
    assert "The nearest products" in text(page)
    assert not re.search(r"(at least|as close as) \d+ ?%", text(page))


@pytest.mark.parametrize("words", ["\u725b\u4ed4\u88e4", "asdfghjkl"])
def test_unreadable_words_do_not_claim_that_embeddings_are_missing(words: str) -> None:
    page = get(f"/?q={words}")
    assert "cannot read" in text(page)
    assert "Nothing matches" in text(page)
    assert "embed_catalog" not in text(page)


def test_close_products_stand_apart() -> None:
    page = get("/?q=navy blue sneakers")
    results = page.context["results"]
    assert results.hits
    assert results.close
    assert "Close to what you asked for" in text(page)


def test_slider_that_nobody_moved_is_not_in_the_address() -> None:
    page = get("/?q=dress")
    shown = re.search(r'name="default_min_match" value="(\d+)"', page.content.decode())
    assert shown
    same = CLIENT.get(f"/?q=dress&min_match={shown[1]}&default_min_match={shown[1]}&sort=price")
    assert (same.status_code, same.headers["Location"]) == (302, "/?q=dress&sort=price")
    moved = CLIENT.get(f"/?q=dress&min_match=60&default_min_match={shown[1]}")
    assert moved.headers["Location"] == "/?q=dress&min_match=60"
    assert 'name="default_min_match"' not in get("/?q=dress&min_match=60").content.decode()


def test_address_of_a_swapped_page_has_no_value_that_nobody_moved() -> None:
    address = "/?q=dress&min_match=40&default_min_match=40"
    response = CLIENT.get(address, headers={"HX-Request": "true"})
    assert response.headers["HX-Push-Url"] == "/?q=dress"


def test_pages_reach_every_match(monkeypatch: pytest.MonkeyPatch) -> None:
    every = {hit.sku for hit in get("/?q=for women&limit=96").context["results"]}
    monkeypatch.setenv("SEARCH_WINDOW", "12")
    found: list[str] = []
    address = "/?q=for women&limit=12"
    pages = 0
    while address:
        page = get(address)
        results = page.context["results"]
        assert results.hits
        found += [hit.sku for hit in results]
        assert results.total >= len(found)
        pagination = page.context["pagination"]
        address = pagination.next if pagination else ""
        assert ("At least" in text(page)) == results.truncated
        pages += 1
    assert pages > 2
    assert len(found) == len(set(found)) == results.total
    assert set(found) == every


def drawn(kind: str) -> bytes:
    """A picture of no product."""
    random = np.random.default_rng(1)
    image = Image.fromarray(random.integers(0, 256, (300, 300, 3), dtype=np.uint8))
    if kind == "flat":
        image = Image.new("RGB", (300, 300), (90, 140, 210))
    if kind == "text":
        image = Image.new("RGB", (600, 400), "white")
        for line in range(12):
            words = "quarterly report, total amount, page and chapter"
            ImageDraw.Draw(image).text((20, 20 + 30 * line), words, fill="black", font_size=22)
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("kind", ["noise", "flat", "text"])
def test_picture_of_no_product_matches_nothing(kind: str) -> None:
    with connect() as connection:
        results = search(connection, SearchSpec(images=(drawn(kind),)))
    assert not results.hits
    assert results.close


def test_picture_of_a_product_matches(demo_folder: Path) -> None:
    pictures = sorted((demo_folder / "images").iterdir())[:: DRAWN // 6]
    with connect() as connection:
        for picture in pictures:
            assert search(connection, SearchSpec(images=(picture.read_bytes(),))).hits


def test_log_has_the_words_that_were_searched_for() -> None:
    with connect() as connection:
        connection.exec_driver_sql("DELETE FROM query_log")
    for query in ("red sneakers not blue under 60", "under 5", "-", "dress under 1"):
        get(f"/?q={query}")
    with connect() as connection:
        rows = connection.exec_driver_sql("SELECT text, unanswered FROM query_log")
        assert dict(map(tuple, rows)) == {"red sneakers": 0, "dress": 0}
