"""Parses cells with the stock of a product: a word or a quantity."""

import re
from typing import Any

from catalog.importing.cells.texts import FieldError, parse_value, shorten

TRUE = {"true", "yes", "y", "1", "t", "in stock", "instock", "available"}
FALSE = {"false", "no", "n", "0", "f", "out of stock", "outofstock", "sold out", "unavailable"}
IN_STOCK = TRUE | {
    *("low stock", "limited", "limited stock", "limited availability", "few left", "last items"),
    *("preorder", "pre order", "presale", "backorder", "back order", "backordered", "on backorder"),
    *("onbackorder", "available for order", "available to order", "made to order", "special order"),
    *("online only", "in store only", "instoreonly", "onlineonly", "limitedavailability"),
    *("ja", "auf lager", "lagernd", "verfügbar", "lieferbar", "sofort lieferbar", "vorrätig"),
    *("oui", "en stock", "disponible", "si", "sí", "en existencia", "disponibile", "sì"),
    *("op voorraad", "voorradig", "leverbaar", "sim", "em estoque", "em stock", "disponível"),
    *("tak", "dostępny", "dostępna", "w magazynie"),
}
OUT_OF_STOCK = FALSE | {
    *("soldout", "not available", "not in stock", "discontinued", "oos", "none left"),
    *("temporarily out of stock", "currently unavailable", "temporarily unavailable"),
    *("nein", "ausverkauft", "nicht verfügbar", "nicht lieferbar", "nicht auf lager"),
    *("nicht vorrätig", "vergriffen", "non", "épuisé", "rupture de stock", "en rupture"),
    *("indisponible", "non disponible", "agotado", "sin stock", "no disponible", "esaurito"),
    *("non disponibile", "uitverkocht", "niet op voorraad", "niet leverbaar", "nee", "não"),
    *("esgotado", "sem estoque", "indisponível", "nie", "niedostępny", "niedostępna", "brak"),
}
"""Words of stock in lower case, without hyphens and underscores. A product on preorder or on
backorder can be bought, so it is in stock."""

QUANTITY = re.compile(
    r"(?P<sign>[<>~≈≥≤-]?)\s*(?P<number>[0-9][0-9.,'\u2019 \u00a0\u202f]{0,20})\+?"
    r"(?:\s*[^\W\d_]{1,10}\.?)?(?:\s+in stock)?"
)
"""Matches a number of pieces: 2.0, 1,000, 10+, > 5, 3 pcs."""


def parse_in_stock(name: str, value: Any) -> bool:
    """Whether the product is in stock, from a word of `IN_STOCK` or `OUT_OF_STOCK` or a quantity.

    An empty cell means in stock.

    Raises:
        FieldError: the cell is neither.
    """
    if isinstance(value, bool):
        return value
    text = parse_value(name, value).casefold()
    if not text or text in TRUE:
        return True
    if text in FALSE:
        return False
    if found := QUANTITY.fullmatch(text):
        return found["sign"] != "-" and bool(re.search("[1-9]", found["number"]))
    # Vocabularies of feeds have addresses: https://schema.org/InStock
    words = " ".join(re.split(r"[\s_-]+", text.rpartition("schema.org/")[2]))
    if words in IN_STOCK:
        return True
    if words in OUT_OF_STOCK:
        return False
    raise FieldError(f"in_stock is neither true nor false: {shorten(value)}")
