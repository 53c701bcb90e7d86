"""Triggers keep the time at which a product changed, whatever changes it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import call_command

from catalog.db.connection import connect
from catalog.importing import import_catalog
from catalog.indexing import Coverage, fill
from catalog.tables import FILLED_BY_TRIGGER, PRODUCT
from tests.catalog.test_indexing import execute, scalar, state
from tests.fakes import WordsAndColours

EVERY = {str(number) for number in range(1, 21)}
BEFORE = datetime(2020, 1, 1, tzinfo=UTC)


def changed() -> set[str]:
    """The SKUs of the products that have changed since `BEFORE`."""
    with connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT sku FROM product WHERE updated_at > %(before)s", {"before": BEFORE}
        )
        return set(rows.scalars())


@pytest.fixture
def old(database: str) -> None:
    """Twenty products, of which three have a picture."""
    execute(
        "INSERT INTO product (sku, title) SELECT n, 'Shirt ' || n FROM generate_series(1, 20) AS n"
    )
    execute(
        "INSERT INTO product_image (product_id, position, path, sha256, width, height)"
        " SELECT id, 0, 'a.png', 'a', 1, 1 FROM product WHERE sku IN ('1', '2', '3')"
    )
    execute("UPDATE product SET updated_at = '2020-01-01+00'")
    assert changed() == set()


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE product SET title = 'Blouse' WHERE sku = '4'", {"4"}),
        ("UPDATE product SET price = 5 WHERE sku IN ('4', '5')", {"4", "5"}),
        ("UPDATE product SET attributes = '{\"a\": 1}' WHERE sku = '4'", {"4"}),
        ("UPDATE product SET price = NULL, title = title", set()),
        ("UPDATE product SET lexemes = NULL", set()),
        (
            "UPDATE product SET title = 'A', updated_at = '2019-01-01'",
            {str(n) for n in range(1, 21)},
        ),
        ("UPDATE product_image SET sha256 = 'b' WHERE product_id = 2", {"2"}),
        ("DELETE FROM product_image WHERE product_id = 3", {"3"}),
        (
            "INSERT INTO product_image (product_id, position, path, sha256, width, height)"
            " VALUES (4, 0, 'a.png', 'a', 1, 1)",
            {"4"},
        ),
        ("DELETE FROM product WHERE sku = '3'", set()),
    ],
)
def test_edits_in_sql_keep_the_time_of_the_last_change(
    old: None, statement: str, expected: set[str]
) -> None:
    execute(statement)
    assert changed() == expected


def test_a_time_that_a_statement_sets_stays(old: None) -> None:
    execute("UPDATE product SET title = 'A', updated_at = '2021-01-01+00' WHERE sku = '4'")
    assert scalar("SELECT updated_at FROM product WHERE sku = '4'") == datetime(
        2021, 1, 1, tzinfo=UTC
    )


def test_every_column_of_a_products_content_counts(database: str) -> None:
    definition = str(
        scalar("SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = 'keep_updated_at'")
    )
    others = {"id", "created_at", "updated_at", *FILLED_BY_TRIGGER}
    for column in PRODUCT.columns:
        if column.name not in others and not column.computed:
            assert f"new.{column.name}" in definition.lower(), (
                f"{column.name}: create the trigger keep_updated_at again, as migration 0028 does"
            )


def test_products_edited_in_sql_are_embedded_with_since(old: None) -> None:
    fill(WordsAndColours(), "text", limit=19)
    execute("UPDATE product SET title = 'Blouse' WHERE sku = '4'")
    call_command(
        "embed_catalog", "--since", "2021-06-01", model=["fashion"], modality="text", verbosity=0
    )
    assert state("text") == Coverage(20, 19, 0, 1, 0)


def test_an_import_changes_the_time_of_changed_products_only(old: None, tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    file.write_text("sku,title\n4,Shirt 4\n5,Blouse\n")
    import_catalog(file)
    assert changed() == {"5"}
