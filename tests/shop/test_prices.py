"""Prices and regular prices: from the file to the page."""

import re
from decimal import Decimal
from html import unescape
from pathlib import Path

import psycopg
import pytest
from django.test import Client

from catalog.importing import import_catalog
from shop.templatetags.storefront import amount, price
from tests.catalog.test_importing import products
from tests.data import CASES, needs_cases
from tests.shop.test_admin import save

CLIENT = Client(headers={"host": "localhost"})


def prices(page: str) -> list[str]:
    """The texts of all prices of a page, with `[s]` before what is struck through."""
    found = re.findall(r'<p class="price[^"]*">(.*?)</p>', CLIENT.get(page).content.decode(), re.S)
    return [
        " ".join(unescape(re.sub("<[^>]*>", "", it.replace("<s>", "[s]"))).split()) for it in found
    ]


def load(folder: Path, content: str) -> None:
    (folder / "c.csv").write_text(content)
    assert not import_catalog(folder / "c.csv").errors


def stored() -> dict[str, tuple[str, str]]:
    return {
        sku: (str(product["price"]), str(product["regular_price"]))
        for sku, product in products().items()
    }


def test_only_a_higher_regular_price_is_stored(database: str, tmp_path: Path) -> None:
    load(
        tmp_path,
        "sku,title,price,Compare at price\nA,Jacket,60,100\nB,Coat,60,60\nC,Hat,60,50\n"
        "D,Cap,60,\nE,Belt,,100\nF,Sock,0,5\n",
    )
    assert stored() == {
        **{"A": ("60.00", "100.00"), "B": ("60.00", "None"), "C": ("60.00", "None")},
        **{"D": ("60.00", "None"), "E": ("100.00", "None"), "F": ("0.00", "5.00")},
    }


@pytest.mark.parametrize(
    "column", ["regular_price", "MSRP", "RRP", "list price", "was_price", "UVP", "compare-at price"]
)
def test_other_names_of_the_regular_price(database: str, tmp_path: Path, column: str) -> None:
    load(tmp_path, f"sku,title,price,{column}\nA,Jacket,60,100\n")
    assert stored() == {"A": ("60.00", "100.00")}


def test_regular_price_is_struck_through_while_it_is_higher(database: str, tmp_path: Path) -> None:
    load(tmp_path, "sku,title,price,regular_price,currency\nA,Jacket,60,100,EUR\n")
    reduced = "€60.00 [s]regular price €100.00"
    assert prices("/") == [reduced]
    assert prices("/?q=jacket") == [reduced]
    assert prices("/product/A") == [reduced]
    load(tmp_path, "sku,title,price\nA,Jacket,120\n")
    assert prices("/") == prices("/product/A") == ["€120.00"]
    load(tmp_path, "sku,title,price\nA,Jacket,\n")
    assert prices("/") == prices("/product/A") == []


def test_filters_and_sorting_use_what_is_paid(database: str, tmp_path: Path) -> None:
    load(
        tmp_path,
        "sku,title,price,regular_price,currency\nA,Jacket,60,300,EUR\nB,Coat,100,,EUR\n",
    )
    assert prices("/?max_price=70") == ["€60.00 [s]regular price €300.00"]
    assert prices("/?sort=price")[0].startswith("€60.00")
    assert prices("/?min_price=200") == []


def test_regular_price_in_the_admin(admin: Client) -> None:
    too_low = "It must be higher than the price, or empty."
    assert too_low in save(admin, price="20", regular_price="20")
    assert too_low in save(admin, price="", regular_price="20")
    assert "is ambiguous" in save(admin, price="20", regular_price="1,299")
    assert not save(admin, price="20", regular_price="30")
    assert stored() == {"A": ("20.00", "30.00")}


def test_regular_price_cannot_be_negative(database: str) -> None:
    with (
        psycopg.connect(database) as connection,
        pytest.raises(psycopg.errors.CheckViolation, match="product_regular_price_check"),
    ):
        connection.execute("INSERT INTO product (sku, title, regular_price) VALUES ('A', 'x', -1)")


@pytest.mark.parametrize(
    ("value", "currency", "shown"),
    [
        *[("10", "EUR", "€10.00"), ("10.5", "eur", "€10.50"), ("10", "€", "€10.00")],
        *[("1299", "USD", "$1,299.00"), ("1500", "JPY", "¥1,500"), ("1500", "¥", "¥1,500")],
        *[
            ("1500.50", "JPY", "¥1,500.50"),
            ("0", "EUR", "€0.00"),
            ("49.9", "CHF", "49.90\u00a0CHF"),
        ],
        *[
            ("1500", "KRW", "1,500\u00a0KRW"),
            ("5", "Rs.", "5.00\u00a0Rs."),
            ("3", "ZZZ", "3.00\u00a0ZZZ"),
        ],
        ("8", "", "8.00"),
    ],
)
def test_price_with_its_currency(value: str, currency: str, shown: str) -> None:
    assert price(Decimal(value), currency) == shown


def test_limits_have_no_needless_cents() -> None:
    assert amount(Decimal(50), "EUR") == "€50"
    assert amount(Decimal("49.90"), "CHF") == "49.90\u00a0CHF"


@needs_cases
def test_currencies_that_went_wrong(database: str) -> None:
    import_catalog(CASES / "currency" / "p.csv")
    shown = {sku: prices(f"/product/{sku}")[0] for sku in products()}
    assert shown == {
        **{"CU-1": "€10.00", "CU-2": "€10.50", "CU-3": "$1,299.00", "CU-4": "5.00 Rs."},
        **{"CU-5": "¥1,500", "CU-6": "€0.00", "CU-7": "3.00 ZZZ", "CU-8": "4.00"},
    }
