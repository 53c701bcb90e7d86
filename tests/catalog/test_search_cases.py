"""Catalogues and queries that went wrong for others, with what shoppers expect."""

from collections.abc import Iterator
from unicodedata import normalize

import pytest

from catalog.db.connection import connect
from catalog.importing import import_catalog
from catalog.indexing import fill
from catalog.search.pipeline import search
from catalog.search.results import Results
from catalog.search.search_spec import SearchSpec
from catalog.search.vocabulary import forget_vocabulary
from tests.conftest import fresh_database
from tests.data import CASES, needs_cases
from tests.fakes import WordsAndColours

pytestmark = [needs_cases, pytest.mark.slow]

ENCODER = WordsAndColours()
FOLDERS = ("search", "attributes_search", "parser")


@pytest.fixture(scope="module")
def catalogue(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The products of all these folders."""
    with fresh_database(template), pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDIA_ROOT", str(tmp_path_factory.mktemp("media")))
        for folder in FOLDERS:
            import_catalog(CASES / folder / "p.csv")
        fill(ENCODER, "text")
        forget_vocabulary()
        yield


def run(text: str, **options: object) -> Results:
    with connect() as connection:
        spec = SearchSpec(text=text, limit=30, **options)  # type: ignore[arg-type]
        return search(connection, spec, lambda name: ENCODER)


def skus(text: str) -> list[str]:
    return [hit.sku for hit in run(text).hits]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("500 ml", "SZ-1"),
        ("shampoo 500 ml", "SZ-1"),
        ("memory stick 32 gb", "SZ-3"),
        ("64gb", "SZ-4"),
        ("muller", "AC-8"),
        ("emile", "AC-1"),
        ("decollete", "AC-3"),
        ("smorrebrod", "AC-10"),
        ("pâtisserie", "AC-7"),
        ("wifi", "HY-6"),
        ("offwhite", "HY-9"),
        ("antiaging", "HY-12"),
        ("eye shadow", "HY-11"),
        ("loreal", "AP-3"),
        ("vneck sweater", "HY-5"),
        ("ebike lamp", "HY-7"),
        ("daddario strings", "AP-5"),
        ("the who", "EM-2"),
        ("all of it", "EM-7"),
        ("ab 12 3", "AB/12_3"),
        ("AB12_3", "AB/12_3"),
        ("mt1023", "MT-1023"),
        ("MT 1023", "MT-1023"),
        ("0707-60", "NOR.0707-60"),
        ("KTINS114DRE", "KT-INS114-DRE"),
        ("4012345678901", "AS-10"),
        ("qx-77-b", "AS-10"),
        ("qx77b", "AS-10"),
        ("merino sock", "AS-10"),
        ("5000", "PA-6"),
        ("martens", "PA-4"),
        ("tropez", "PA-5"),
        ("linen", "PA-2"),
    ],
)
def test_the_product_that_is_meant_comes_first(catalogue: None, query: str, expected: str) -> None:
    assert skus(query)[0] == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("creme", {"AC-1", "AC-2"}),
        ("cafe", {"AC-5", "AC-6"}),
        ("tshirt", {"HY-1", "HY-2", "HY-4"}),
        ("1023", {"MT-1023"}),
        ("women", {"PA-14"}),
        ("white", {"PA-1"}),
        ("orange", {"PA-16"}),
        ("polo", {"PA-3", "HY-10"}),
    ],
)
def test_all_products_that_are_meant_are_found(
    catalogue: None, query: str, expected: set[str]
) -> None:
    assert expected <= set(skus(query))


@pytest.mark.parametrize(
    ("query", "found", "not_found"),
    [
        ("wallet \N{EN DASH}luxury", "PC-1", "PC-2"),
        ("loafer -white", "", "PA-1"),
        ("welder -5000", "PA-7", "PA-6"),
        ("scarf -cream", "", "PA-10"),
    ],
)
def test_excluded_words_keep_their_products_away(
    catalogue: None, query: str, found: str, not_found: str
) -> None:
    hits = skus(query)
    assert not_found not in hits
    assert not found or found in hits


def test_spellings_of_one_value_are_one_facet(database: str) -> None:
    """Café in both Unicode forms; Red, red and RED."""
    for folder in ("nfc_nfd", "facets"):
        import_catalog(CASES / folder / "p.csv")
    forget_vocabulary()
    facets = run("").facets
    for values in facets.values():
        folded = [value.value.casefold() for value in values]
        assert len(set(folded)) == len(folded)
    assert "Red" in {value.value for value in facets["colour"]}
    for form in ("NFC", "NFD"):
        assert {"NF-1", "NF-2"} <= set(skus(normalize(form, "Café"))), form


def test_products_are_found_by_their_sku_in_any_case(catalogue: None) -> None:
    with connect() as connection:
        known = connection.exec_driver_sql("SELECT sku FROM product").scalars().all()
    for sku in known:
        for written in {sku.lower(), sku.upper()}:
            assert sku in skus(written)[:3], written
