"""Search texts are parsed as documented, and no text raises an error."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.search.query_syntax import ParsedText, parse_text


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("red shoes", ParsedText("red shoes")),
        ("  red\t\nshoes\x00 \u2003now ", ParsedText("red shoes now")),
        ('"red shoes" now', ParsedText('"red shoes" now')),
        ("", ParsedText()),
        # a hyphen before a word excludes it
        ("shoes -red", ParsedText("shoes", ("red",))),
        ("-red shoes -t-shirt", ParsedText("shoes", ("red", "t-shirt"))),
        ("-red -blue", ParsedText("", ("red", "blue"))),
        ("shoes -Red -red", ParsedText("shoes", ("Red",))),
        ('shoes -"dark blue" red', ParsedText("shoes red", ("dark blue",))),
        ("shoes --red", ParsedText("shoes", ("red",))),
        ("shoes -men's, cheap", ParsedText("shoes , cheap", ("men's",))),
        ("shoes -נעליים", ParsedText("shoes", ("נעליים",))),
        ("shirt -2xl", ParsedText("shirt", ("2xl",))),
        # other hyphens exclude nothing
        ("t-shirt", ParsedText("t-shirt")),
        ("DR-0001", ParsedText("DR-0001")),
        ("size -5", ParsedText("size -5")),
        ("-", ParsedText()),
        ("--", ParsedText()),
        ("red - blue", ParsedText("red blue")),
        ('shoes -"red', ParsedText('shoes -"red')),
        # what to avoid
        ("dress without sleeves", ParsedText("dress", (), "sleeves")),
        ("dress but not red", ParsedText("dress", (), "red")),
        ("dress WITHOUT long sleeves, red", ParsedText("dress red", (), "long sleeves")),
        ("dress without lace without belt", ParsedText("dress", (), "lace belt")),
        ("dress without lace -red", ParsedText("dress", ("red",), "lace")),
        ("without lace", ParsedText("", (), "lace")),
        ("dress without", ParsedText("dress")),
        ("without", ParsedText()),
        ("dress without, red", ParsedText("dress red")),
        ("dress withoutlace, not red", ParsedText("dress withoutlace, not red")),
    ],
)
def test_search_texts_are_parsed_as_documented(text: str, query: ParsedText) -> None:
    assert parse_text(text) == query


@given(st.text() | st.text(alphabet=" -\"',\x00\ud800aé5\u200fא👟", max_size=200))
def test_any_text_is_parsed_to_normalized_parts(text: str) -> None:
    query = parse_text(text)
    for part in (query.words, query.without, *query.excluded):
        assert part == " ".join(part.split())
        assert not re.search(r"[\x00\ud800-\udfff]", part)
    assert all(query.excluded)


@pytest.mark.parametrize("piece", ["-", '-"', "-a", "without ", "a" * 10, "-a-", '-"a', " -"])
def test_long_texts_are_parsed(piece: str) -> None:
    parse_text(piece * (10_000 // len(piece)))
