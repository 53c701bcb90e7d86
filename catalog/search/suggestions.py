"""Suggestions while a shopper types; the SQL function `search.suggest` makes them.

They come from the database alone, without a model, so that they are as fast as typing.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from catalog.db.connection import driver_connection
from catalog.text import normalize_space

DEFAULT_LIMIT = 4
"""The maximum number of suggestions of each kind."""

MAX_TYPED = 200
"""How many characters are read; nobody types more and expects a suggestion."""

MAX_TYPED_WORDS = 8

MAX_COMPLETIONS = 10
"""How many words the last word is completed to, the most frequent ones."""

MAX_FOUND = 100
"""How many products with all words are looked at."""

FREQUENT_SHARE = 0.02
"""The share of products from which words are looked for in the order of the catalogue."""

MAX_WALKED = 5000
"""How many products are looked at in this order."""

SUGGEST = "SELECT * FROM search.suggest(%(typed)s, %(limit)s)"


@dataclass(frozen=True, slots=True)
class QuerySuggestion:
    """A text to search for: a query of other shoppers, or a completion of the typed one."""

    text: str
    products: int | None = None
    """How many products it found when it was last searched for; None for a completion."""


@dataclass(frozen=True, slots=True)
class ValueSuggestion:
    """A value of a facet, or a brand, as a filter, with the remaining words of the query."""

    facet: str
    value: str
    words: str
    """The words to search for besides the filter; empty if the filter says everything."""
    products: int
    """How many products have the value."""


@dataclass(frozen=True, slots=True)
class ProductSuggestion:
    """A product; `image_path` is empty if it has no picture."""

    sku: str
    title: str
    image_path: str


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What a shopper may mean, the likeliest of each kind first."""

    queries: tuple[QuerySuggestion, ...] = ()
    values: tuple[ValueSuggestion, ...] = ()
    brands: tuple[ValueSuggestion, ...] = ()
    products: tuple[ProductSuggestion, ...] = ()
    matched: str = ""
    """What they match: the typed text, folded, with its spelling corrected."""

    def __bool__(self) -> bool:
        return bool(self.queries or self.values or self.brands or self.products)


def suggest(connection: Connection, text: str, limit: int = DEFAULT_LIMIT) -> Suggestions:
    """Suggestions for a text that may be unfinished, at most `limit` of each kind.

    Any text is possible; one without words has no suggestions.
    """
    typed = normalize_space(text[:MAX_TYPED])
    if not typed:
        return Suggestions()
    cursor = driver_connection(connection).execute(SUGGEST, {"typed": typed, "limit": limit})
    rows = cursor.fetchall()
    queries: list[QuerySuggestion] = []
    values: list[ValueSuggestion] = []
    brands: list[ValueSuggestion] = []
    products: list[ProductSuggestion] = []
    for kind, shown, words, facet, value, count, sku, image_path, _ in rows:
        match kind:
            case "query":
                queries.append(QuerySuggestion(shown, count))
            case "product":
                products.append(ProductSuggestion(sku, shown, image_path))
            case _:
                chosen = brands if kind == "brand" else values
                chosen.append(ValueSuggestion(facet, value, words, count))
    matched = rows[0][-1] if rows else ""
    return Suggestions(tuple(queries), tuple(values), tuple(brands), tuple(products), matched)
