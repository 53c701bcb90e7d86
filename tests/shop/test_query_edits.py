"""A changed query asks for the rest as before, whatever else it contains."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.db.connection import connect
from catalog.importing import import_catalog
from catalog.search.understanding import Part, parse
from shop import query_edits
from tests.conftest import fresh_database

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("catalogue")]

CATALOGUE = """sku,title,product_type,gender,colour,brand
A,Stavanger,Boots,Boys,Red,Nordvik
B,Tromso,Sneakers,Girls,Blue,Nordvik
C,Bergen,Boots,Men,Brown,Oak & Co
D,Oslo,Sneakers,Women,Navy Blue,Oak & Co
"""


@pytest.fixture(scope="module")
def catalogue(
    template_with_synonyms: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    file: Path = tmp_path_factory.mktemp("edits") / "c.csv"
    file.write_text(CATALOGUE)
    with fresh_database(template_with_synonyms):
        import_catalog(file)
        yield


def understood(text: str) -> tuple[Part, ...]:
    with connect() as connection:
        return parse(connection, text).understood


def meanings(parts: tuple[Part, ...] | list[Part]) -> list[tuple[object, ...]]:
    """Repeated parts are one: "red" and "red" beside each other."""
    return [
        key for key, _ in groupby((it.kind, it.value, it.wanted, it.low, it.high) for it in parts)
    ]


# In one language and without lists: a removal can change the language of a mixed text, and what a
# list of unwanted things contains.
PIECES = (
    *("red", "not blue", "-brown", "boots", "for boys", "for women", "Nordvik"),
    *("under 1,500", "between 20 and 50", "red or brown", "-laces", "linen"),
    *(
        "not red or blue",
        "not red, blue and brown",
        "navy blue",
        "cheap",
        '"red shoe"',
    ),
)
TEXTS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map(" ".join)


@given(text=TEXTS, data=st.data())
def test_the_other_parts_stay_as_they_are(text: str, data: st.DataObject) -> None:
    parts = understood(text)
    part = data.draw(st.sampled_from(parts))
    others = meanings([it for it in parts if it is not part])
    assert meanings(understood(query_edits.without(text, parts, part, understood))) == others


@pytest.mark.parametrize(
    ("text", "phrase", "rest"),
    [
        ("boots not red or blue", "not red", "boots not blue"),
        ("boots that are not red, not blue", "that are not red", "boots that are not blue"),
        ("not red, brown or blue boots", "brown", "not red, or blue boots"),
        ("boots -red -blue", "-red", "boots -blue"),
        ("red or blue boots", "red", "blue boots"),
        ("boots for men under 50", "for men", "boots under 50"),
        ("do you have boots", "boots", ""),
    ],
)
def test_words_of_a_list_stay_with_the_rest(text: str, phrase: str, rest: str) -> None:
    parts = understood(text)
    part = next(it for it in parts if phrase in it.phrase)
    assert query_edits.without(text, parts, part, understood) == rest


@pytest.mark.parametrize(
    ("text", "kind", "value", "changed"),
    [
        ("boots not red", "colour", "Blue", "boots not Blue"),
        ("-red boots", "colour", "Blue", "-Blue boots"),
        ("red boots for boys", "colour", "Navy Blue", "Navy Blue boots for boys"),
        ("red boots", "type", "Sneakers", "red Sneakers"),
        ("boots Nordvik", "brand", "Oak & Co", "boots Oak & Co"),
    ],
)
def test_another_value_is_as_wanted_as_the_first(
    text: str, kind: str, value: str, changed: str
) -> None:
    parts = understood(text)
    part = next(it for it in parts if it.kind == kind)
    assert query_edits.replaced(text, part, value) == changed
    other = next(it for it in understood(changed) if it.kind == kind)
    assert (other.value, other.wanted) == (value, part.wanted)


@pytest.mark.parametrize(
    ("text", "kind", "changed"),
    [
        ("red boots", "colour", '"red" boots'),
        ("boots not red", "colour", 'boots not "red"'),
        ("boots -red", "colour", 'boots -"red"'),
        ("boots under 50", "price", 'boots "under 50"'),
        ("boots für Jungen", "person", 'boots "für Jungen"'),
    ],
)
def test_quoted_words_are_not_understood(text: str, kind: str, changed: str) -> None:
    part = next(it for it in understood(text) if it.kind == kind)
    assert query_edits.quoted(text, part) == changed
    parts = understood(changed)
    assert kind not in {it.kind for it in parts}
    assert [it.wanted for it in parts if it.kind == "quoted"] == [part.wanted]
