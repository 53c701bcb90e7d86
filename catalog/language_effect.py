"""What other languages of the catalogue would change, without storing anything.

The words of a sample of products are computed with the languages in use and with others, as the
trigger of migration 0022 does for all.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

SAMPLE = 500
"""How many products, the newest ones, are compared."""

WRITING = 8
"""How much longer it takes to compute the words and write the product, with its indexes, than to
compute the words (CPU time of PostgreSQL, measured with 2,334 products)."""

# The words of each product are computed once for all queries.
COMPARE = """
WITH sample AS MATERIALIZED (
    SELECT public.lexemes(concat_ws(' ', title, brand, colour, product_type, subcategory, category,
                                    gender, usage, left(description, 50000)),
                          %(languages)s::text[]::regconfig[]) AS lexemes
      FROM product ORDER BY id DESC LIMIT %(sample)s
), query AS (
    SELECT query.place, query.text, word.place AS word_place, word.word,
           search_internal.stems(word.word, %(languages)s::text[]::regconfig[]) AS stems,
           search_internal.phrase(word.word, %(languages)s::text[]::regconfig[]) AS form
      FROM unnest(%(texts)s::text[]) WITH ORDINALITY AS query (text, place),
           unnest(string_to_array(public.split_words(public.fold_text(query.text)), ' '))
               WITH ORDINALITY AS word (word, place)
     WHERE word.word <> ''
), words AS (
    SELECT place, array_agg(coalesce((SELECT string_agg(DISTINCT stem, '/' ORDER BY stem)
                                        FROM unnest(stems) AS stem), '')
                            ORDER BY word_place) AS stems,
           array_agg(form) FILTER (WHERE stems <> '{}') AS forms
      FROM query GROUP BY place
)
SELECT place, stems, (SELECT count(*) FROM sample s
                       WHERE NOT EXISTS (SELECT FROM unnest(forms) AS form
                                          WHERE NOT s.lexemes @@ form)
                         AND forms IS NOT NULL) AS products
  FROM words ORDER BY place
"""


@dataclass(frozen=True, slots=True)
class ReadQuery:
    """How a query is read with some languages."""

    stems: tuple[str, ...]
    """For each word its stems, joined with "/"; empty for a stop word."""
    products: int
    """How many products of the sample have all words that are not stop words."""


@dataclass(frozen=True, slots=True)
class LanguageEffect:
    """How a query is read with the languages in use and with others."""

    text: str
    before: ReadQuery
    after: ReadQuery

    @property
    def is_changed(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Comparison:
    """The effect on some queries, and what it would cost to change the whole catalogue."""

    effects: tuple[LanguageEffect, ...]
    sample: int
    """How many products were compared."""
    products: int
    """How many products the catalogue has."""
    seconds: float
    """About how long it would take to store the words of all products."""


def compare_languages(
    connection: Connection, texts: Sequence[str], before: Sequence[str], after: Sequence[str]
) -> Comparison:
    """Read `texts` with the languages `before` and `after`.

    Both are names of text search configurations that the database has.
    """
    first = _read(connection, texts, before)
    started = time.perf_counter()
    second = _read(connection, texts, after)
    seconds = time.perf_counter() - started
    products = int(connection.exec_driver_sql("SELECT count(*) FROM product").scalar_one())
    sample = min(SAMPLE, products)
    nothing = ReadQuery((), 0)
    return Comparison(
        tuple(
            LanguageEffect(text, first.get(place, nothing), second.get(place, nothing))
            for place, text in enumerate(texts, start=1)
        ),
        sample,
        products,
        seconds * WRITING * products / sample if sample else 0.0,
    )


def _read(
    connection: Connection, texts: Sequence[str], languages: Sequence[str]
) -> dict[int, ReadQuery]:
    rows = connection.exec_driver_sql(
        COMPARE, {"texts": list(texts), "languages": list(languages), "sample": SAMPLE}
    )
    return {row.place: ReadQuery(tuple(row.stems), row.products) for row in rows}
