"""Attributes with few values become facets after an import."""

from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.db.connection import connect
from catalog.importing import import_catalog
from catalog.importing.database import automatic_facets
from catalog.importing.database.automatic_facets import guess_kind
from catalog.search.facets import Facet, enabled_facets
from catalog.search.filters import Filters, count_facets

COLUMNS = ("Heel_Height", "Shoe Fabrics", "EAN", "Note", "Same", "Rare")
PRODUCTS = 40

Import = Callable[..., None]


@pytest.fixture
def imported(database: str, tmp_path: Path) -> Import:
    def run(count: int = PRODUCTS, first: int = 0, **cells: str) -> None:
        rows = [",".join(["sku", "title", *COLUMNS])]
        for number in range(first, first + count):
            usual = {
                "Heel_Height": f"{number % 3} cm",
                "Shoe Fabrics": ("Wool", "wool", "Silk")[number % 3],
                "EAN": f"40{number:011}",
                "Note": "a long text " * 5 + str(number % 2),
                "Same": "yes",
                "Rare": "" if number else "once",
            } | cells
            rows.append(",".join([f"S{number}", f"Product {number}", *usual.values()]))
        (tmp_path / "c.csv").write_text("\n".join(rows))
        import_catalog(tmp_path / "c.csv")

    return run


def automatic() -> list[Facet]:
    with connect() as connection:
        names = connection.exec_driver_sql(
            "SELECT name FROM facet WHERE source = 'automatic'"
        ).scalars()
        known = set(names)
        return [facet for facet in enabled_facets(connection) if facet.name in known]


def test_attributes_with_few_short_values_become_facets(imported: Import) -> None:
    imported()
    assert automatic() == [
        Facet("heel_height", "Heel Height", "other"),
        Facet("shoe fabrics", "Shoe Fabrics", "material"),
    ]
    with connect() as connection:
        counts = count_facets(connection, Filters())
    assert [(value.value, value.count) for value in counts["shoe fabrics"]] == [
        ("Wool", 27),
        ("Silk", 13),
    ]


def test_an_admins_facet_stays_as_it_is(imported: Import) -> None:
    imported()
    with connect() as connection:
        connection.exec_driver_sql(
            "UPDATE facet SET source = 'admin', enabled = false, label = 'Cloth'"
            " WHERE name = 'shoe fabrics'"
        )
    imported(count=50)
    with connect() as connection:
        assert [facet.label for facet in enabled_facets(connection)][-1] == "Heel Height"
        row = connection.exec_driver_sql(
            "SELECT enabled, label, source FROM facet WHERE name = 'shoe fabrics'"
        ).one()
    assert tuple(row) == (False, "Cloth", "admin")


def test_an_automatic_facet_goes_with_its_values_or_when_it_has_many(
    imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported()
    imported(**{"Shoe Fabrics": ""})  # an import keeps attributes that are empty in the file
    with connect() as connection:
        connection.exec_driver_sql("UPDATE product SET attributes = attributes - 'Shoe Fabrics'")
    imported(count=1, first=99, **{"Shoe Fabrics": ""})
    assert [facet.name for facet in automatic()] == ["heel_height"]
    for number in range(4):
        imported(count=1, first=number, Heel_Height=f"{number} inch", **{"Shoe Fabrics": ""})
    assert [facet.name for facet in automatic()] == ["heel_height"]
    monkeypatch.setattr(
        automatic_facets, "ATTRIBUTES", automatic_facets.ATTRIBUTES.replace("50", "3")
    )
    imported(count=1, first=5, Heel_Height="5 inch", **{"Shoe Fabrics": ""})
    assert automatic() == []


def test_an_import_without_changes_chooses_the_facets_of_an_older_catalogue(
    imported: Import,
) -> None:
    imported()
    with connect() as connection:
        connection.exec_driver_sql("DELETE FROM facet WHERE source = 'automatic'")
    imported()
    assert len(automatic()) == 2


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("shoe size", "size"),
        ("grosse", "size"),
        ("size_eu", "size"),
        ("upper material", "material"),
        ("print", "pattern"),
        ("age group", "person"),
        ("season", "occasion"),
        ("color", "colour"),
        ("heel height", "other"),
        ("oversized", "other"),
    ],
)
def test_the_kind_of_a_facet_is_guessed_from_its_name(name: str, kind: str) -> None:
    assert guess_kind(name) == kind
