"""The fragment with suggestions, and the samples of the pages."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from catalog.db.connection import connect
from catalog.query_log import prune, remember
from catalog.search.departments import MAX_DEPARTMENTS, forget_departments
from catalog.search.samples import forget_samples
from shop.matched_words import split_matched
from tests.conftest import demo_database

CLIENT = Client(headers={"host": "localhost"})


@pytest.fixture(scope="module")
def shop(
    template_with_synonyms: str, demo_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    forget_samples()
    with demo_database(
        template_with_synonyms, demo_folder, tmp_path_factory.mktemp("media")
    ) as url:
        yield url
    forget_samples()


def get(text: str) -> Any:
    response = CLIENT.get("/suggest/", {"q": text})
    assert response.status_code == 200
    return response


def addresses(text: str) -> list[str]:
    """The address of each option."""
    page = get(text).content.decode()
    return [unescape(it) for it in re.findall(r'<a role="option"[^>]*? href="([^"]*)"', page)]


@pytest.mark.slow
@pytest.mark.usefixtures("shop")
def test_options_lead_to_queries_filters_and_products() -> None:
    found = addresses("sneak")
    assert found[:2] == ["/?q=sneakers", "/?product_type=Sneakers"]
    assert all(address.startswith("/product/") for address in found[2:])
    assert CLIENT.get(found[2]).status_code == 200
    assert "/?q=red&product_type=Sneakers" in addresses("red snea")


@pytest.mark.slow
@pytest.mark.usefixtures("shop")
def test_matched_words_are_bold_and_markup_is_text() -> None:
    page = get("sneak").content.decode()
    assert "<b>sneak</b>ers" in page
    assert "<script" not in get("<script>sneak").content.decode()


@pytest.mark.slow
@pytest.mark.usefixtures("shop")
def test_answers_are_kept_for_a_minute() -> None:
    assert get("sneak").headers["Cache-Control"] == "public, max-age=60"


@pytest.mark.slow
@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("text", ["", "\x00", "\ud800", "x" * 10_000, "':*", "%", "zzzzqqq"])
def test_hostile_texts_give_an_empty_list(text: str) -> None:
    address = "/suggest/?q=%ED%A0%80" if text == "\ud800" else None
    response = CLIENT.get(address) if address else get(text)
    assert response.status_code == 200
    assert "option" not in response.content.decode()


@pytest.mark.slow
@pytest.mark.usefixtures("shop")
def test_only_reading_is_possible() -> None:
    assert CLIENT.post("/suggest/", {"q": "sneak"}).status_code == 405
    assert CLIENT.get("/suggest/").status_code == 200


@pytest.mark.slow
@pytest.mark.usefixtures("shop")
def test_samples_find_something_and_show_pictures() -> None:
    page = CLIENT.get("/").content.decode()
    samples = page[page.index('class="samples"') : page.index("</section>")]
    queries = re.findall(r'class="chip" rel="nofollow" href="([^"]+)"', samples)
    pictures = re.findall(r'href="(/\?like=[^"]+)"', samples)
    assert len(queries) == 5
    assert 4 <= len(pictures) <= 6
    for address in (*queries, *pictures):
        assert 'class="card' in CLIENT.get(address).content.decode()
    assert 'class="samples"' not in CLIENT.get(queries[0]).content.decode()
    assert 'class="samples"' in CLIENT.get("/?q=sneakers&min_match=100").content.decode()
    assert samples in CLIENT.get("/").content.decode()


@pytest.mark.slow
@pytest.mark.usefixtures("shop")
def test_popular_queries_are_samples_too() -> None:
    for _ in range(5):
        remember("sneakers for women", [], 3, is_filtered=False)
    prune()
    forget_samples()
    html = CLIENT.get("/").content.decode()
    others = html[html.index('id="popular-queries"') :]
    assert "/?q=sneakers+for+women" in others[: others.index("</ul>")]
    with connect() as connection:
        connection.exec_driver_sql("DELETE FROM query_log")
    prune()
    forget_samples()


@pytest.mark.slow
@pytest.mark.usefixtures("shop")
def test_departments_lead_to_their_products_and_show_different_pictures() -> None:
    forget_departments()
    html = CLIENT.get("/").content.decode()
    shown = html[html.index('class="departments"') : html.index("</nav>")]
    links = re.findall(r'<a rel="nofollow" href="([^"]+)"', shown)
    pictures = re.findall(r'<img src="([^"]+)"', shown)
    assert 2 <= len(links) <= MAX_DEPARTMENTS
    assert len(set(pictures)) == len(links)
    for link in links:
        page = CLIENT.get(unescape(link)).content.decode()
        assert "Remove the filter" in page
        assert 'class="card' in page
        assert 'class="departments"' not in page


def test_an_empty_catalogue_has_no_samples(database: str) -> None:
    forget_samples()
    forget_departments()
    html = CLIENT.get("/").content.decode()
    assert 'class="samples"' not in html
    assert 'class="departments"' not in html
    assert "option" not in get("s").content.decode()


@pytest.mark.parametrize(
    ("text", "matched", "bold"),
    [
        ("Red Sneakers", "red sne", ["Red", "Sne"]),
        ("Crème brûlée", "crem bru", ["Crèm", "brû"]),
        ("Weißes Hemd", "weiss", ["Weiß"]),
        ("cre\u0300me", "cre", ["cre"]),
        ("T-Shirt", "t shi", ["T", "Shi"]),
        ("shirt", "hir", []),
        ("", "red", []),
        ("Red", "", []),
    ],
)
def test_the_beginnings_of_words_are_marked(text: str, matched: str, bold: list[str]) -> None:
    assert [part for part, is_marked in split_matched(text, matched) if is_marked] == bold


@given(st.text(), st.text())
def test_no_letter_is_lost(text: str, matched: str) -> None:
    assert "".join(part for part, _ in split_matched(text, matched)) == text
