"""The catalogue's own words, kept in `search.vocabulary` (catalog/sqlapi/sql/vocabulary.sql)."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from sqlalchemy import Connection

from catalog.db.connection import driver_connection
from catalog.db.ttl_cache import TtlCache


@dataclass(frozen=True)
class Vocabulary:
    """A snapshot: how many products bear each word, and the stems that full-text search knows.

    Words are in lower case.
    """

    products: Mapping[str, int] = field(default_factory=dict)
    stems: frozenset[str] = frozenset()

    @cached_property
    def by_length(self) -> Mapping[int, list[str]]:
        """The words that are letters alone, by their number of letters."""
        words = defaultdict(list)
        for word in self.products:
            if word.isalpha():
                words[len(word)].append(word)
        return words

    def begins(self, letters: str) -> bool:
        """Whether some word begins with `letters`."""
        place = bisect_left(self._sorted, letters)
        return any(word.startswith(letters) for word in self._sorted[place : place + 1])

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self.products)


def get_vocabulary(connection: Connection) -> Vocabulary:
    """The words of the connection's database, at most a minute old."""
    return _cache.get(connection)


def forget_vocabulary() -> None:
    """Read anew at the next use, whatever the database."""
    _cache.forget()


def refresh_vocabulary(connection: Connection) -> None:
    """Count the catalogue's words anew; searches go on meanwhile with the old ones.

    Others see the new ones once the connection's transaction has committed. Takes about 10 s
    for 200,000 products.
    """
    populated = connection.exec_driver_sql(
        "SELECT relispopulated FROM pg_class WHERE oid = 'search.vocabulary'::regclass"
    ).scalar_one()
    # A restored dump may hold it empty, which only a refresh that locks readers out can fill.
    concurrently = "CONCURRENTLY" if populated else ""
    connection.exec_driver_sql(f"REFRESH MATERIALIZED VIEW {concurrently} search.vocabulary")
    connection.exec_driver_sql("ANALYZE search.vocabulary")
    forget_vocabulary()


def _load(connection: Connection, _key: str) -> Vocabulary:
    rows = (
        driver_connection(connection)
        .execute("SELECT word, lexeme, products FROM search.vocabulary")
        .fetchall()
    )
    return Vocabulary(
        {word: products for word, _, products in rows},
        frozenset(lexeme for _, lexeme, _ in rows if lexeme),
    )


_cache = TtlCache(_load)
