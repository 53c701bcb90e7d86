"""What a query asks for: the parts that the SQL function `search.parse` finds in its text.

The functions in SQL are the only implementation, so that the shop and SQL users get the same:
catalog/sqlapi/sql/understand.sql reads the text, parse.sql turns its parts into conditions and
into the wanted parts that products are compared with.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any

from psycopg.rows import dict_row
from sqlalchemy import Connection

from catalog.db.connection import driver_connection
from catalog.search.ranking_sql import Sort

PARSE = """
SELECT typed, is_exact, words, avoided, excluded, unwanted, min_price, max_price, sort, share,
       certainty, is_question,
       wanted::text AS wanted, array_to_json(wanted) AS parts,
       (SELECT json_agg(found)
          FROM unnest(wanted) AS part, search_internal.part_keys(part) AS found
         WHERE found IS NOT NULL) AS wanted_keys,
       array_to_json(understood) AS understood
  FROM search.parse(%(text)s)
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a query, as typed in `phrase`.

    `kind` is that of a facet, "price", "cheap", "expensive", "sort", "measure", "number", "code",
    "quoted" or "word". `why` says how it was recognized: as the "name" of a value of the catalogue,
    by a "synonym", by a "translation" (a synonym in another language), by a "stray" one (in another
    language than the other words), and so on. It is "ignored"
    for sizes and measures that no product has, "absent" for types, colours and so on that are known
    but that no product has, and "unknown" for words that no product has.
    """

    place: int
    phrase: str
    kind: str
    value: str
    wanted: bool
    why: str
    start: int
    """Where the phrase is in the text, in characters, with the words that belong to it, such as
    "for" or "not"; up to `stop`, exclusive."""
    stop: int
    low: Decimal | None = None
    high: Decimal | None = None
    keys: tuple[str, ...] = ()
    """Keys of the facet values that are equal to the phrase, such as "colour=navy blue"."""
    accepted: tuple[str, ...] = ()
    """Keys of the other facet values that fulfil the phrase."""
    words: str = ""
    """As typed, without "for" or "not", if the phrase is a name or unwanted."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A text in the form in which it is searched."""

    typed: str = ""
    """The whole text, or the identifier that it names: "4577" of "sku 4577"."""
    is_exact: bool = False
    """Whether the text is the title, the SKU or another identifier of a product. Then no part of
    it is understood."""
    words: str = ""
    """The words to search for, in the catalogue's own words where they have synonyms."""
    avoided: str = ""
    """Words that describe what the results should not resemble."""
    excluded: tuple[str, ...] = ()
    """Words and phrases that no result may contain."""
    unwanted: tuple[str, ...] = ()
    """Keys of facet values that no result may have."""
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    wanted: str = "{}"
    """An array of `search.part` as text: what products are compared with."""
    kinds: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)
    """The kinds of `wanted`, the most important one first, each with the parts that it combines: of
    several types only the head."""
    keys: tuple[tuple[str, ...], ...] = ()
    """For each of `wanted` that some product has, the keys of the facet values that fulfil it."""
    sort: Sort = ""
    """The order that the text asks for, such as "price" for "cheapest jeans"."""
    share: float = 1.0
    """The share of the words that the catalogue or a synonym knows, 0 to 1."""
    certainty: float = 1.0
    """How certain it is that the text asks for what was understood, 0 to 1: the same share, but 1
    if a product type or two kinds were understood and the text has no question words, and 0 if
    `is_question`."""
    is_question: bool = False
    """Whether the text asks for knowledge, such as "why is the sky blue"."""
    understood: tuple[Part, ...] = ()


NOTHING = Parsed()


def parse(connection: Connection, text: str) -> Parsed:
    """Parse a search text. Every text is valid."""
    cursor = driver_connection(connection).cursor(row_factory=dict_row)
    row = cursor.execute(PARSE, {"text": text}).fetchone()
    assert row is not None
    understood = tuple(map(_part, row["understood"]))
    by_place = {part.place: part for part in understood}
    return Parsed(
        typed=row["typed"],
        is_exact=row["is_exact"],
        words=row["words"],
        avoided=row["avoided"],
        excluded=tuple(row["excluded"]),
        unwanted=tuple(row["unwanted"]),
        min_price=row["min_price"],
        max_price=row["max_price"],
        wanted=row["wanted"],
        kinds={it["kind"]: tuple(by_place[place] for place in it["places"]) for it in row["parts"]},
        keys=tuple(map(tuple, row["wanted_keys"] or ())),
        sort=row["sort"],
        share=row["share"],
        certainty=row["certainty"],
        is_question=row["is_question"],
        understood=understood,
    )


def _part(row: Mapping[str, Any]) -> Part:
    values = {it.name: row[it.name] for it in fields(Part)}
    for name in ("low", "high"):
        if values[name] is not None:
            values[name] = Decimal(str(values[name]))
    for name in ("keys", "accepted"):
        values[name] = tuple(values[name])
    return Part(**values)
