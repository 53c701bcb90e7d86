"""The query log counts a typed query once, even if filters or sorting change afterwards."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from catalog.db.connection import connect
from tests.shop.test_hostile_queries import shop

pytestmark = pytest.mark.slow

HOME = "http://localhost/"
CLIENT = Client(headers={"host": "localhost"})
__all__ = ["shop"]


@pytest.fixture(autouse=True)
def nothing_noted(shop: Any) -> Iterator[None]:
    yield
    with connect() as connection:
        connection.exec_driver_sql("DELETE FROM query_log")


def visit(query: str, before: str | None = None, method: str = "get") -> None:
    headers = {} if before is None else {"referer": HOME + before}
    response = getattr(CLIENT, method)("/" + query, headers=headers)
    assert response.status_code in (200, 404)


def noted() -> dict[str, tuple[int, int]]:
    """The number of searches and of unanswered searches of each text."""
    with connect() as connection:
        rows = connection.exec_driver_sql("SELECT text, searches, unanswered FROM query_log")
        return {text: (searches, unanswered) for text, searches, unanswered in rows}


CHANGES = [
    "min_match=10",
    "sort=price",
    "limit=48",
    "in_stock=1",
    "colour=Red",
    "page=2",
    "group_variants=0",
]


@pytest.mark.parametrize("before", [None, "?q=red+shirt", "?q=red+shirt&min_match=20"])
def test_changed_options_are_not_a_new_search(before: str | None) -> None:
    visit("?q=red+shirt", "")
    for change in CHANGES:
        visit(f"?q=red+shirt&{change}", before)
    visit("?q=red+shirt", before, "head")
    visit("?q=red+shirt", "?q=red+shirt&in_stock=1")
    assert noted() == {"red shirt": (1, 0)}


def test_other_words_are_a_new_search() -> None:
    visit("?q=red+shirt", "")
    visit("?q=blue+shirt&min_match=40&sort=price", "?q=red+shirt&min_match=40")
    visit("?q=red+shirt&min_match=40&sort=price&in_stock=1", "?q=blue+shirt&sort=price&in_stock=1")
    assert noted() == {"red shirt": (2, 0), "blue shirt": (1, 0)}


def test_link_with_only_words_is_a_search() -> None:
    for before in ("product/R", "http://[", "admin/"):
        visit("?q=red+shirt", before)
    CLIENT.get("/?q=red+shirt", headers={"referer": "https://search.example/?q=red+shirt"})
    CLIENT.get("/?q=red+shirt&sort=price", headers={"referer": "http://[::1"})
    assert noted() == {"red shirt": (4, 0)}


def test_verbatim_words_are_a_new_search() -> None:
    visit("?q=red+shrit", "")
    visit("?q=red+shrit&verbatim=red+shrit", "?q=red+shrit")
    assert set(noted()) == {"red shirt", "red shrit"}
    with connect() as connection:
        rows = connection.exec_driver_sql("SELECT query, misspelt FROM search.popular_queries")
        assert dict(map(tuple, rows)) == {"red shirt": ["red shrit"], "red shrit": []}


@pytest.mark.parametrize(
    ("query", "unanswered"),
    [
        ("q=asdfghjkl", 1),
        ("q=asdfghjkl&min_match=40", 1),  # the slider's default
        ("q=asdfghjkl&min_match=35", 1),
        ("q=red+shirt&min_match=100&colour=Mauve", 0),
        ("q=asdfghjkl&min_match=95", 0),
        ("q=asdfghjkl&in_stock=1", 0),
    ],
)
def test_filtered_search_does_not_count_as_unanswered(query: str, unanswered: int) -> None:
    visit("?" + query, "?q=hat")
    [(_, in_vain)] = noted().values()
    assert in_vain == unanswered


def test_failed_upload_is_not_a_search() -> None:
    assert "refused=" in CLIENT.post("/picture/", {"state": "q=red+shirt"})["Location"]
    assert noted() == {}
