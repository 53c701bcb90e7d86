"""Parses cells with the stock of a product: a word of `stock_words.toml` or a quantity."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from catalog.importing.cells.texts import FieldError, parse_value, shorten
from catalog.text import compose

FILE = Path(__file__).with_name("stock_words.toml")

TRUE = frozenset({"true", "yes", "y", "1", "t"})
FALSE = frozenset({"false", "no", "n", "0", "f"})
"""What a yes or no of any column is, besides the words of stock."""

NUMBER = re.compile(r"[0-9][0-9.,'\u2019 \u00a0\u202f]{0,20}(?<! )\+?")
QUANTITY = re.compile(rf"(?P<sign>[<>~≈≥≤-]?)\s*{NUMBER.pattern}(?:\s*[^\W\d_]{{1,10}}\.?)?")
"""Matches a number of pieces: 2.0, 1,000, 10+, > 5, 3 pcs."""

HEAD = re.compile(r"\s*(?:[(\[:;,.!/|\u2013\u2014]|\s-\s)")
"""What ends the words of stock in a longer text: "in stock, ships in 3 days"."""


def parse_in_stock(name: str, value: Any) -> bool:
    """Whether the product is in stock, from a word or a quantity.

    An empty cell means in stock.

    Raises:
        FieldError: the cell is neither.
    """
    if isinstance(value, bool):
        return value
    text = parse_value(name, value).casefold()
    if not text:
        return True
    if text in _words("yes", "no"):
        return _words("yes", "no")[text]
    if found := QUANTITY.fullmatch(text):
        return found["sign"] != "-" and not _is_zero(text)
    # Vocabularies of feeds have addresses: https://schema.org/InStock
    in_stock = _of_words(text.rpartition("schema.org/")[2])
    if in_stock is None:
        raise FieldError(f"in_stock is neither true nor false: {shorten(value)}")
    return in_stock


def is_stock_word(text: str) -> bool:
    """Whether a cell of an unknown column contains stock in words; "yes" is said of other things,
    too."""
    return _normalise(text.casefold()) in _words("in_stock", "out_of_stock")


def _of_words(text: str) -> bool | None:
    """Words, perhaps with a quantity before or behind them; None if they are not known."""
    words = _words("in_stock", "out_of_stock")
    if (known := words.get(_normalise(text))) is not None:
        return known
    numbers = NUMBER.findall(text)
    if len(numbers) == 1:
        phrase = _normalise(re.sub(r"[()\[\]:]", " ", NUMBER.sub(" ", text)))
        known = words.get(phrase, _words("counted", "").get(phrase))
        if known is not None:
            return known and not _is_zero(numbers[0])
    head, *rest = HEAD.split(text, maxsplit=1)
    known = words.get(_normalise(head))
    if known and rest and len(numbers) == 1:
        return not _is_zero(numbers[0])
    return known if rest else None


@cache
def _words(yes: str, no: str) -> dict[str, bool]:
    """Whether a word of these lists of any language means in stock."""
    languages = tomllib.loads(FILE.read_text("utf-8")).values()
    words: dict[str, bool] = {}
    for name, means in ((yes, True), (no, False)):
        words |= {compose(it): means for lists in languages for it in lists.get(name, ())}
    return words | ({"1": True, "0": False} if yes == "yes" else {})


def _normalise(text: str) -> str:
    return " ".join(re.split(r"[\s_-]+", text.strip(" .!_-")))


def _is_zero(text: str) -> bool:
    return not re.search("[1-9]", text)
