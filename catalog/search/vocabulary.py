"""The words of the catalogue, stored in `search.vocabulary` (catalog/sqlapi/sql/vocabulary.sql)."""

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
    """A snapshot: the number of products that contain each word, and the stems of these words.

    Words are in lower case.
    """

    products: Mapping[str, int] = field(default_factory=dict)
    stems: frozenset[str] = frozenset()

    @cached_property
    def by_length(self) -> Mapping[int, list[str]]:
        """The words that consist of letters only, by length."""
        words = defaultdict(list)
        for word in self.products:
            if word.isalpha():
                words[len(word)].append(word)
        return words

    def has_prefix(self, prefix: str) -> bool:
        """Whether any word begins with `prefix`."""
        index = bisect_left(self._sorted, prefix)
        return any(word.startswith(prefix) for word in self._sorted[index : index + 1])

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self.products)


def get_vocabulary(connection: Connection) -> Vocabulary:
    """The vocabulary of the connection's database, cached for up to a minute."""
    return _cache.get(connection)


def forget_vocabulary() -> None:
    """Clear the cache for all databases; the vocabulary is read again when it is next used."""
    _cache.forget()


def refresh_vocabulary(connection: Connection) -> None:
    """Collect the words, the facet values and what phrases mean again, without blocking searches.

    Other connections see them once this transaction has committed. Takes about 20 s for
    200,000 products with 20,000 facet values.
    """
    _refresh_view(connection, "vocabulary")
    refresh_facet_values(connection)
    forget_vocabulary()


def refresh_facet_values(connection: Connection) -> None:
    """Count the values of the enabled facets, and what phrases mean, without blocking searches."""
    _refresh_view(connection, "facet_value")
    _refresh_view(connection, "meaning")


def _refresh_view(connection: Connection, name: str) -> None:
    view = f"search.{name}"
    populated = connection.exec_driver_sql(
        "SELECT relispopulated FROM pg_class WHERE oid = %s::regclass", (view,)
    ).scalar_one()
    # After a dump is restored the view may be unpopulated; CONCURRENTLY is not possible then.
    concurrently = "CONCURRENTLY" if populated else ""
    connection.exec_driver_sql(f"REFRESH MATERIALIZED VIEW {concurrently} {view}")
    connection.exec_driver_sql(f"ANALYZE {view}")


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
