"""Parsers for single cells: text with a length limit, prices, stock, attributes.

The admin form uses the same parsers.
"""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from catalog.text import compose, html_to_text, is_placeholder
from embedding.errors import UserFacingError

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
MAX_PRICE = Decimal("9999999999.99")
MAX_LENGTH = {
    **{"sku": 200, "title": 500, "description": 100_000, "currency": 3},
    **{"images": 10_000, "image_url": 20_000},
}
DEFAULT_MAX_LENGTH = 100
"""Characters. Four facet values of this length still fit into one B-tree index entry."""

CENT = Decimal("0.01")
NUMBER = re.compile(
    r"""(?P<whole> \d{1,12} | [1-9]\d{0,2} (?P<between> [.,'\u2019 \u00a0\u202f]) \d{3}
                              (?: (?P=between) \d{3} ){0,3}
                            | [1-9]\d? (?P<indian> ,) \d{2} (?: ,\d{2} ){0,2} ,\d{3} )
        (?: (?! (?P=between) | (?P=indian) ) [.,]
            (?: (?P<decimals> \d{1,4} ) | -{1,2} | [\u2013\u2014] )
          | [/:] -  )?""",
    re.ASCII | re.VERBOSE,
)
"""Matches 1299.00, 1,299.00, 1.299,00, 1'299.50, 1 299, the Indian 1,50,000, and for a whole number
1299,- and 1299/- and 1299:-."""
AMBIGUOUS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
EDGES = re.compile(r"^[\s\u200b\u2060\ufeff]+|[\s\u200b\u2060\ufeff]+$")
"""White space and characters without a width, which texts from web pages and joined files have."""
SURROGATE = re.compile("[\ud800-\udfff]")
WITH_CURRENCY = re.compile(r"(?i:\b[a-z]{3}|[$€£¥])\s*\d|\d\s*(?i:[a-z]{3}\b|[$€£¥])", re.ASCII)


class FieldError(UserFacingError, ValueError):
    """An invalid cell; the message names the field and says what is wrong."""


HTML = ("title", "description")
"""Fields whose HTML is turned into text."""
NAMES = ("sku", "title")
"""Fields in which "None" is a name, not a missing value."""


def parse_text(name: str, value: Any) -> str:
    """The text in Unicode's normal form C, without surrounding white space; "" for None. Numbers
    become their decimal form.

    Raises:
        FieldError: not a text or number, too long, or with characters that PostgreSQL rejects.
    """
    if value is None:
        return ""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise FieldError(f"{name} is not a text: {shorten(value)}")
    text = EDGES.sub("", compose(_check_characters(name, str(value))))
    if len(text) > MAX_LENGTH.get(name, DEFAULT_MAX_LENGTH):
        limit = MAX_LENGTH.get(name, DEFAULT_MAX_LENGTH)
        raise FieldError(f"{name} has {len(text)} characters; the limit is {limit}")
    return text


def parse_value(name: str, value: Any) -> str:
    """The text of a product's field: that of `parse_text`, "" for placeholders such as "N/A" except
    in a SKU or title, and without HTML in a title or description.

    Raises:
        FieldError: see `parse_text`.
    """
    text = parse_text(name, value)
    if name in HTML:
        text = compose(html_to_text(text))
    return "" if name not in NAMES and is_placeholder(text) else text


def parse_sku(value: Any) -> str:
    """The SKU of a row that may be invalid, or ""."""
    try:
        return parse_value("sku", value)
    except FieldError:
        return ""


def parse_price(name: str, value: Any) -> Decimal | None:
    """The price, rounded to cents; None for an empty cell.

    Raises:
        FieldError: not a price, too large, or ambiguous: `1,299` may be 1299.00 or 1.30.
    """
    text = parse_value(name, value)
    if not text:
        return None
    price = Decimal(text) if isinstance(value, int | float) else _parse_price_text(name, text)
    if not price.is_finite() or price < 0:
        raise FieldError(f"{name} is not a number like 19.90: {shorten(text)}")
    if price > MAX_PRICE:
        raise FieldError(f"{name} is too large: {shorten(text)}")
    return price.quantize(CENT)


def _parse_price_text(name: str, text: str) -> Decimal:
    if AMBIGUOUS.fullmatch(text):
        whole, decimals = re.split("[.,]", text)
        either = f"{whole}{decimals}.00", Decimal(f"{whole}.{decimals}").quantize(CENT)
        raise FieldError(f"{name} {shorten(text)} is ambiguous: write {either[0]} or {either[1]}")
    found = NUMBER.fullmatch(text)
    if not found:
        without = ", without a currency" if WITH_CURRENCY.search(text) else ""
        raise FieldError(f"{name} is not a number like 19.90{without}: {shorten(text)}")
    return Decimal(re.sub(r"\D", "", found["whole"]) + "." + (found["decimals"] or "0"))


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


def parse_attributes(name: str, value: Any) -> dict[str, Any]:
    """The entries of an object that are neither empty nor placeholders such as "N/A". A text with
    `;` becomes a list.

    Raises:
        FieldError: not an object, or an entry that cannot be stored as JSON.
    """
    if not isinstance(value, Mapping):
        raise FieldError(f'{name} is not an object like {{"pattern": "striped"}}: {shorten(value)}')
    return {
        compose(_check_characters(f"the name {shorten(key)}", key)): _parse_attribute(key, entry)
        for key, entry in value.items()
        if entry is not None
        and not (isinstance(entry, str) and (not entry or is_placeholder(entry.strip())))
    }


def _parse_attribute(column: str, value: Any) -> Any:
    if isinstance(value, str):
        value = compose(_check_characters(column, value)).strip()
        return [part.strip() for part in value.split(";")] if ";" in value else value
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    except ValueError as error:
        raise FieldError(f"{column} contains NaN or an infinite number") from error
    _check_characters(column, text.replace("\\u0000", "\x00"))
    return value


def _check_characters(name: str, text: str) -> str:
    if "\x00" in text:
        raise FieldError(f"{name} contains a NUL character")
    if not text.isascii() and SURROGATE.search(text):
        raise FieldError(f"{name} is not UTF-8: {shorten(text)}")
    return text


def shorten(value: Any) -> str:
    """`value` for an error message: its ASCII `repr`, at most 60 characters."""
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."
