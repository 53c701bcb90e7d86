"""The values of all facets: `search.facet_value`."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection

from catalog.db.connection import connect
from catalog.search.vocabulary import refresh_vocabulary
from catalog.tables import PRODUCT


def add_facet(connection: Connection, name: str, **columns: Any) -> None:
    values = {"label": name, "position": 20, "enabled": True, "role": ""} | columns
    connection.exec_driver_sql(
        "INSERT INTO facet (name, label, position, enabled, role)"
        " VALUES (%(name)s, %(label)s, %(position)s, %(enabled)s, %(role)s)"
        " ON CONFLICT (name) DO UPDATE SET enabled = excluded.enabled, role = excluded.role",
        values | {"name": name},
    )


def fill(connection: Connection, *products: dict[str, Any]) -> None:
    """Insert the products directly, and refresh what an import refreshes."""
    for number, product in enumerate(products):
        row = {"sku": f"S{number}", "title": f"Product {number}"} | product
        connection.execute(PRODUCT.insert(), row)
    refresh_vocabulary(connection)


def values(connection: Connection, *columns: str) -> list[tuple[Any, ...]]:
    names = ", ".join(columns or ("facet", "value", "products"))
    found = connection.exec_driver_sql(f"SELECT {names} FROM search.facet_value ORDER BY key")
    return [tuple(row) for row in found]


@pytest.mark.parametrize(
    "spellings", [["Red", "red", "Red", "RED"], ["red ", "Red", "Red"], ["Red", "red"]]
)
def test_spellings_are_one_value_shown_as_most_often(database: str, spellings: list[str]) -> None:
    with connect() as connection:
        fill(connection, *({"colour": spelling} for spelling in spellings))
        assert values(connection) == [("colour", "Red", len(spellings))]


def test_values_in_any_script_are_folded_and_understood(database: str) -> None:
    with connect() as connection:
        fill(connection, {"product_type": "Кроссовки"}, {"product_type": "КРОССОВКИ"})
        assert values(connection, "key", "products") == [("product_type=кроссовки", 2)]
        meant = "SELECT value FROM search.understand('кроссовки')"
        assert connection.exec_driver_sql(meant).scalars().all() == ["Кроссовки"]


def test_both_unicode_forms_and_accents_are_one_value(database: str) -> None:
    with connect() as connection:
        fill(connection, {"brand": "Cafe\u0301"}, {"brand": "Caf\u00e9"}, {"brand": "Cafe"})
        assert values(connection, "key", "value", "products") == [("brand=cafe", "Caf\u00e9", 3)]


def test_attributes_are_counted_with_each_value_of_a_list(database: str) -> None:
    with connect() as connection:
        for name in ("size", "heel height", "waterproof"):
            add_facet(connection, name)
        fill(
            connection,
            {"attributes": {"Size": ["L", "XL", "l"], "Heel  Height": 5, "Waterproof": True}},
            {"attributes": {"size": "XL", "Heel Height": "5", "other": "x", "nested": {"a": "b"}}},
        )
        assert values(connection) == [
            ("heel height", "5", 2),
            ("size", "L", 1),
            ("size", "XL", 2),
            ("waterproof", "true", 1),
        ]


def test_an_attribute_adds_to_the_column_of_the_same_name(database: str) -> None:
    with connect() as connection:
        fill(connection, {"colour": "Red"}, {"attributes": {"Colour": "RED"}})
        assert values(connection) == [("colour", "Red", 2)]


def test_identifiers_and_disabled_facets_have_no_values(database: str) -> None:
    with connect() as connection:
        add_facet(connection, "ean", role="identifier")
        add_facet(connection, "material", role="searched")
        add_facet(connection, "season", enabled=False)
        attributes = {"EAN": "4001", "material": "Wool", "season": "Winter"}
        fill(connection, {"attributes": attributes})
        assert values(connection) == [("material", "Wool", 1)]


def test_a_value_has_a_phrase_key_and_a_low_price(database: str) -> None:
    with connect() as connection:
        fill(
            connection,
            *({"product_type": "T-Shirts", "price": price} for price in (40, 10, 20)),
            {"product_type": "T-Shirts"},
            {"product_type": "Frocks"},
        )
        assert values(connection, "value", "phrase_key", "low_price") == [
            ("Frocks", "frock", None),
            ("T-Shirts", "tshirt", Decimal(10)),
        ]


def test_keys_are_those_of_the_products(database: str) -> None:
    with connect() as connection:
        add_facet(connection, "grosse")
        fill(
            connection,
            {"brand": "A=B", "usage": "  ", "attributes": {"Größe": ["Ⅷ", "½", "=", "ß"]}},
            {"brand": "H&M \u2013 Straße", "gender": "MÄNNER"},
        )
        keys = connection.exec_driver_sql(
            "SELECT DISTINCT key FROM product, unnest(facets) AS key ORDER BY key"
        ).scalars()
        assert sorted(key for (key,) in values(connection, "key")) == sorted(keys)
