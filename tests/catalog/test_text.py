"""Texts from files: HTML becomes text, placeholders become nothing, and words are folded."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from catalog.db.connection import connect
from catalog.importing.cells.attributes import parse_attributes
from catalog.importing.cells.texts import parse_value
from catalog.text import fold, html_to_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("Tent &amp; tarp", "Tent & tarp"),
        (
            "<p>Light <b>tent</b> for&nbsp;2.</p><script>alert('</p>')</script>"
            "<style>.x{color:red}</style><ul><li>1.2 kg</li></ul>",
            "Light tent for 2. 1.2 kg",
        ),
        ("<b>B</b>old<BR/>ottoman<!-- no -->", "Bold ottoman"),
        ("&lt;p&gt;twice &amp;amp; more&lt;/p&gt;", "twice & more"),
        ("<o:p>from a word processor</o:p>", "from a word processor"),
        ("x<y and <b>z</b>", "x<y and z"),
        # not HTML
        ("Ottoman 2<3 seater", "Ottoman 2<3 seater"),
        ("A & B, AT&T, R&B; size <medium>", "A & B, AT&T, R&B; size <medium>"),
        ("two\nlines", "two\nlines"),
        ("an open <b", "an open <b"),
    ],
)
def test_html_becomes_the_text_that_a_reader_sees(html: str, text: str) -> None:
    assert html_to_text(html) == text


@given(st.text() | st.text("<>/&;b! -pscript", max_size=60))
def test_any_text_is_accepted(text: str) -> None:
    html_to_text(text)


def test_only_titles_and_descriptions_have_html() -> None:
    assert parse_value("title", "<i>Vase</i>") == "Vase"
    assert parse_value("description", "Cafe&#x301;") == "Café"
    assert parse_value("brand", "A&B <i>") == "A&B <i>"


@pytest.mark.parametrize("value", ["nan", "NULL", "N/A", "None", "#N/A", " null ", float("nan")])
def test_placeholders_are_no_values(value: object) -> None:
    assert parse_value("colour", value) == ""
    if isinstance(value, str):
        assert parse_attributes("attributes", {"size": value, "fit": "wide"}) == {"fit": "wide"}


def test_names_may_be_placeholders() -> None:
    assert parse_value("sku", "NULL") == "NULL"
    assert parse_value("title", "None") == "None"


def test_texts_are_in_normal_form_c() -> None:
    assert parse_value("brand", "Cafe\u0301") == "Caf\u00e9"
    assert parse_attributes("attributes", {"e\u0301": "e\u0301"}) == {"\u00e9": "\u00e9"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(word="\u01fe")  # an O with a stroke and an accent
@given(word=st.text(st.characters(categories=["Lu", "Ll", "Nd"], max_codepoint=0x24F), max_size=20))
def test_words_are_folded_as_in_the_database(database: str, word: str) -> None:
    with connect() as connection:
        folded = connection.exec_driver_sql("SELECT public.fold_text(%s)", (word,)).scalar()
    assert fold(word) == folded
