"""What is typed in the search box comes apart as documented, and nothing raises."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.search.query_syntax import Query, parse_query


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("red shoes", Query("red shoes")),
        ("  red\t\nshoes\x00 \u2003now ", Query("red shoes now")),
        ('"red shoes" now', Query('"red shoes" now')),
        ("", Query()),
        # a hyphen before a word excludes it
        ("shoes -red", Query("shoes", ("red",))),
        ("-red shoes -t-shirt", Query("shoes", ("red", "t-shirt"))),
        ("-red -blue", Query("", ("red", "blue"))),
        ("shoes -Red -red", Query("shoes", ("Red",))),
        ('shoes -"dark blue" red', Query("shoes red", ("dark blue",))),
        ("shoes --red", Query("shoes", ("red",))),
        ("shoes -men's, cheap", Query("shoes , cheap", ("men's",))),
        ("shoes -נעליים", Query("shoes", ("נעליים",))),
        ("shirt -2xl", Query("shirt", ("2xl",))),
        # any other does not
        ("t-shirt", Query("t-shirt")),
        ("DR-0001", Query("DR-0001")),
        ("size -5", Query("size -5")),
        ("-", Query()),
        ("--", Query()),
        ("red - blue", Query("red blue")),
        ('shoes -"red', Query('shoes -"red')),
        # what to push away
        ("dress without sleeves", Query("dress", (), "sleeves")),
        ("dress but not red", Query("dress", (), "red")),
        ("dress WITHOUT long sleeves, red", Query("dress red", (), "long sleeves")),
        ("dress without lace without belt", Query("dress", (), "lace belt")),
        ("dress without lace -red", Query("dress", ("red",), "lace")),
        ("without lace", Query("", (), "lace")),
        ("dress without", Query("dress")),
        ("without", Query()),
        ("dress without, red", Query("dress red")),
        ("dress withoutlace, not red", Query("dress withoutlace, not red")),
    ],
)
def test_a_text_comes_apart(text: str, query: Query) -> None:
    assert parse_query(text) == query


@given(st.text() | st.text(alphabet=" -\"',\x00\ud800aé5\u200fא👟", max_size=200))
def test_any_text_does(text: str) -> None:
    query = parse_query(text)
    for part in (query.words, query.without, *query.excluded):
        assert part == " ".join(part.split())
        assert not re.search(r"[\x00\ud800-\udfff]", part)
    assert all(query.excluded)


@pytest.mark.parametrize("piece", ["-", '-"', "-a", "without ", "a" * 10, "-a-", '-"a', " -"])
def test_a_long_text_does(piece: str) -> None:
    parse_query(piece * (10_000 // len(piece)))
