"""Names for the parts of a query."""

import pytest

from catalog.search.understanding import Part
from shop.query_words import other_currency


@pytest.mark.parametrize(
    ("phrase", "currency", "other"),
    [
        ("under 500 TL", "EUR", "TL"),
        ("under 500 TL", "TRY", ""),
        ("unter 500€", "EUR", ""),
        ("unter 500 Euro", "€", ""),
        ("under $50", "CAD", ""),  # a Canadian dollar
        ("under 50 usd", "CAD", "usd"),
        ("max 50 dollars", "EUR", "dollars"),
        ("rs500", "PKR", ""),
        ("bis 500 złotych", "PLN", ""),
        ("under 50 euros", "", ""),  # nothing is known of the shop's
        ("around 50", "EUR", ""),
        ("cheap", "EUR", ""),
    ],
)
def test_other_currencies_than_the_shops(phrase: str, currency: str, other: str) -> None:
    part = Part(1, phrase, "price", "500", True, "price", 0, len(phrase))
    assert other_currency(part, currency) == other
