"""Words of titles and queries: every part and spelling finds its product, and excludes it.

The catalogues are the cases `search`, `parser`, `nfc_nfd` and `attributes_search` of public bug
reports, as far as their words are concerned.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.db.connection import connect
from catalog.search.filters import Filters
from catalog.search.pipeline import run_statements
from catalog.search.ranking_sql import Ranking, ranking_statement
from catalog.search.vocabulary import forget_vocabulary
from catalog.tables import PRODUCT
from tests.conftest import fresh_database

pytestmark = pytest.mark.slow

TITLES = {
    "AC-1": "Crème brûlée dish",
    "AC-3": "Décolleté gown",
    "AC-7": "Pa\u0302tisserie ring",
    "AC-8": "Müller milk frother",
    "AC-10": "Smørrebrød board",
    "HY-1": "Basic T-Shirt",
    "HY-2": "Basic Tshirt slim",
    "HY-4": "Basic T Shirt loose",
    "HY-5": "V-neck sweater",
    "HY-6": "Wi-Fi repeater",
    "HY-7": "E-bike lamp",
    "HY-9": "Off-white paint",
    "HY-11": "Eyeshadow palette",
    "HY-12": "Anti-aging serum",
    "HY-13": "Rain coat yellow",
    "AP-1": "Levi's trucker jacket",
    "AP-3": "L'Oréal mascara",
    "AP-4": "Women\u2019s rain boots",
    "AP-5": "D'Addario strings",
    "SZ-1": "Shampoo 500ml",
    "SZ-2": "Shampoo 250 ml",
    "SZ-3": "Memory stick 32GB",
    "SZ-4": "Memory stick 64 GB",
    "SZ-11": "Lamp 9,5W E27",
    "SZ-15": "3/4 sleeve blouse",
    "SZ-23": "H&M socks",
    "EM-2": "The Who vinyl record",
    "EM-6": "No. 7 lotion",
    "PL-1": "Child seat",
    "PL-2": "Knife block",
    "PL-3": "Mouse pad",
    "PA-1": "Zebrano loafer black/white",
    "PA-2": "Zebrano clog cotton/linen",
    "PA-3": "U.S.Polo Assn. belt",
    "PA-4": "Dr.Martens polish",
    "PA-5": "St.Tropez tanner",
    "PA-6": "Krypton-5000 welder",
    "PA-7": "Krypton 6000 welder",
    "PA-10": "Zebrano scarf (navy)/(cream)",
    "PA-11": "Pantone:Coral vase",
    "PA-12": "Vase coral_pink",
    "PA-13": "Zebrano A/W24 coat",
    "PA-15": "Zebrano hat+scarf set",
    "PA-17": "Tumbler 0.5l",
    "PA-19": "Zebrano #hashtag tee",
    "PA-20": "Ladder 1.5m/2m",
    "LA-6": "Красное платье",
    "LA-9": "Κόκκινο φόρεμα",
}
CODES = {
    "KT-INS114-DRE": {},
    "NOR.0707-60": {},
    "AB/12_3": {},
    "MT-1023": {},
    "MT1022535AB": {},
    "W9-#5+6": {},
    "Ä-100": {},
    "0042": {},
    "00042": {},
    "AS-10": {"gtin": "4012345678901", "MPN": "QX-77-B", "material": "Merino"},
    "AS-11": {"Model Number": ["QX-78-B", "QX-79"], "ean": 4012345678918, "shape": "Round"},
}


def fill(products: list[dict[str, Any]]) -> None:
    with connect() as connection:
        connection.execute(PRODUCT.insert(), products)
        connection.exec_driver_sql("ANALYZE product")
        connection.exec_driver_sql("REFRESH MATERIALIZED VIEW search.vocabulary")
    forget_vocabulary()


CASES: list[Callable[[str], str]] = [str, str.lower, str.upper]


def found(query: str, *excluded: str) -> list[str]:
    """The SKUs that full-text search alone finds, best first."""
    ranking = Ranking(
        (),
        typed=query,
        words=query,
        lexical_weight=1.0,
        filters=Filters(excluded=excluded),
        limit=100,
    )
    with connect() as connection:
        (rows,) = run_statements(connection, [ranking_statement(ranking)])
    return [
        row["sku"] for row in rows if (row["sku"] is not None and row["score"] > 0) or row["exact"]
    ]


def exact(query: str) -> set[str]:
    with connect() as connection:
        (rows,) = run_statements(
            connection,
            [ranking_statement(Ranking((), typed=query, words=query, lexical_weight=1.0))],
        )
    return {row["sku"] for row in rows if row["exact"]}


@pytest.fixture(scope="module")
def catalogue(template: str) -> Iterator[None]:
    with fresh_database(template):
        fill(
            [{"sku": sku, "title": title, "attributes": {}} for sku, title in TITLES.items()]
            + [
                {"sku": sku, "title": f"Thing of {n}", "attributes": attributes}
                for n, (sku, attributes) in enumerate(CODES.items())
            ]
        )
        yield


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("creme", {"AC-1"}),
        ("muller", {"AC-8"}),
        ("MÜLLER", {"AC-8"}),
        ("decollete", {"AC-3"}),
        ("smorrebrod", {"AC-10"}),
        ("pâtisserie", {"AC-7"}),
        ("красное", {"LA-6"}),
        ("κοκκινο", {"LA-9"}),
        ("tshirt", {"HY-1", "HY-2", "HY-4"}),
        ("t shirts", {"HY-1", "HY-2", "HY-4"}),
        ("T-SHIRT", {"HY-1", "HY-2", "HY-4"}),
        ("vneck sweater", {"HY-5"}),
        ("wifi", {"HY-6"}),
        ("wi fi", {"HY-6"}),
        ("ebike lamp", {"HY-7"}),
        ("offwhite", {"HY-9"}),
        ("antiaging", {"HY-12"}),
        ("anti aging", {"HY-12"}),
        ("eye shadow", {"HY-11"}),
        ("eye shadows", {"HY-11"}),
        ("raincoat", {"HY-13"}),
        ("levis", {"AP-1"}),
        ("levi\u2019s", {"AP-1"}),
        ("loreal", {"AP-3"}),
        ("daddario strings", {"AP-5"}),
        ("womens boots", {"AP-4"}),
        ("500 ml", {"SZ-1"}),
        ("shampoo 500 ml", {"SZ-1"}),
        ("memory stick 32 gb", {"SZ-3"}),
        ("64gb", {"SZ-4"}),
        ("9.5 w lamp", {"SZ-11"}),
        ("3/4 sleeves", {"SZ-15"}),
        ("h & m", {"SZ-23"}),
        ("hm socks", {"SZ-23"}),
        ("the who", {"EM-2"}),
        ("no7", {"EM-6"}),
        ("children", {"PL-1"}),
        ("knives", {"PL-2"}),
        ("mice", {"PL-3"}),
        ("white loafer", {"PA-1"}),
        ("linen", {"PA-2"}),
        ("polo", {"PA-3"}),
        ("us polo", {"PA-3"}),
        ("martens", {"PA-4"}),
        ("dr martens", {"PA-4"}),
        ("tropez", {"PA-5"}),
        ("5000", {"PA-6"}),
        ("krypton5000", {"PA-6"}),
        ("cream scarf", {"PA-10"}),
        ("pink", {"PA-12"}),
        ("w24", {"PA-13"}),
        ("hashtag", {"PA-19"}),
        ("0,5 l", {"PA-17"}),
        ("1023", {"MT-1023"}),
        ("0707-60", {"NOR.0707-60"}),
        ("merino", {"AS-10"}),
    ],
)
def test_words_are_found_however_they_are_written(
    catalogue: None, query: str, first: set[str]
) -> None:
    assert set(found(query)[: len(first)]) == first


def test_attributes_are_searched_by_their_role(catalogue: None) -> None:
    assert found("round") == []
    assert "AS-10" in found("merino thing")[:1]


@pytest.mark.parametrize(
    ("query", "sku"),
    [(form(sku), sku) for sku in CODES for form in (str, str.lower, str.upper)]
    + [
        ("ab 12 3", "AB/12_3"),
        ("AB12_3", "AB/12_3"),
        ("mt1023", "MT-1023"),
        ("MT 1023", "MT-1023"),
        ("KTINS114DRE", "KT-INS114-DRE"),
        ("4012345678901", "AS-10"),
        ("4 012345 678901", "AS-10"),
        ("qx77b", "AS-10"),
        ("qx-78-b", "AS-11"),
        ("QX79", "AS-11"),
        ("4012345678918", "AS-11"),
        ("creme brulee dish", "AC-1"),
        ("WIFI REPEATER", "HY-6"),
    ],
)
def test_identifiers_and_titles_are_found_first_in_any_form(
    catalogue: None, query: str, sku: str
) -> None:
    assert exact(query) == {sku}
    assert found(query)[0] == sku


@pytest.mark.parametrize(
    ("query", "excluded", "gone"),
    [
        ("loafer", "white", "PA-1"),
        ("welder", "5000", "PA-6"),
        ("tshirt", "t-shirts", "HY-1"),
        ("basic", "tshirt", "HY-4"),
        ("paint", "offwhite", "HY-9"),
        ("coat", "raincoat", "HY-13"),
        ("seat", "children", "PL-1"),
        ("ring", "PATISSERIE", "AC-7"),
        ("lamp", "9.5w", "SZ-11"),
    ],
)
def test_an_excluded_word_excludes_all_its_forms(
    catalogue: None, query: str, excluded: str, gone: str
) -> None:
    assert gone in found(query)
    assert gone not in found(query, excluded)


def test_an_excluded_phrase_keeps_its_order(catalogue: None) -> None:
    assert "AC-1" in found("dish", "brulee creme")
    assert "AC-1" not in found("dish", "crème brûlée")
    assert "EM-2" not in found("vinyl", "the who")


LETTERS = "abcdefgortzABÉÜßøœжщяλω红色"
WORD = st.text(LETTERS + "0123456789", min_size=1, max_size=8)
SEPARATOR = st.sampled_from(
    [" ", "-", "/", ".", "_", "+", "&", "'", "\u2019", ", ", " \u2013 ", "(", ":", "#"]
)


@st.composite
def titles(draw: st.DrawFn) -> str:
    words = draw(st.lists(WORD, min_size=1, max_size=6))
    return words[0] + "".join(draw(SEPARATOR) + word for word in words[1:])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(titles(), st.data())
def test_every_run_of_a_title_finds_and_excludes_its_product(
    database: str, title: str, data: st.DataObject
) -> None:
    run = data.draw(st.sampled_from(re.findall(r"[^\W_]+", title)))
    change: Callable[[str], str] = data.draw(st.sampled_from(CASES))
    form = change(run)
    with connect() as connection:
        connection.execute(PRODUCT.delete())
    fill([{"sku": "\u2603", "title": title}])
    assert found(form) == ["\u2603"]
    assert found(form, form) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.lists(st.text(LETTERS + "0123456789", min_size=1, max_size=5), min_size=1, max_size=4),
    st.data(),
)
def test_every_identifier_is_found_in_any_form(
    database: str, parts: list[str], data: st.DataObject
) -> None:
    separators = st.sampled_from(["-", "/", ".", " ", "_", "+", ""])
    code = parts[0] + "".join(data.draw(separators) + part for part in parts[1:])
    typed = parts[0] + "".join(data.draw(separators) + part for part in parts[1:])
    form: Callable[[str], str] = data.draw(st.sampled_from(CASES))
    column = data.draw(st.sampled_from(["sku", "gtin", "EAN", "Mpn", "model_number"]))
    with connect() as connection:
        connection.execute(PRODUCT.delete())
    product = {"sku": "S", "title": "\u2603", "attributes": {}}
    if column == "sku":
        product["sku"] = code
    else:
        product["attributes"] = {column: code}
    fill([product, {"sku": "\u2604", "title": f"{typed} {typed}", "attributes": {}}])
    assert found(form(typed))[0] == product["sku"]
