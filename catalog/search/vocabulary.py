"""The words of the catalogue, stored in `search.vocabulary` (catalog/sqlapi/sql/vocabulary.sql)."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from snowballstemmer import algorithms, stemmer
from sqlalchemy import Connection

from catalog.db.connection import driver_connection
from catalog.db.ttl_cache import TtlCache
from catalog.search.cues import read_cues
from catalog.text import fold

MEANING_KINDS = ("type", "colour", "person")
"""The kinds of facets whose values are preferred as corrections."""

VOWELS = re.compile("[aeiouy]+")
SEPARATOR = re.compile(r"[\W_]+")


WORDS = "SELECT word, lexeme, products FROM search.vocabulary"
SYNONYMS = """
WITH own AS MATERIALIZED (SELECT search_internal.language_codes() AS codes)
SELECT phrase, meaning, language = '' OR language = ANY (codes) FROM synonym, own WHERE enabled
"""
MEANINGS = f"""
SELECT value, f.kind FROM search.facet_value v JOIN facet f ON f.name = v.facet
 WHERE f.kind IN {MEANING_KINDS}
"""
LANGUAGES = "SELECT language::text FROM unnest(public.search_languages()) AS language"


@dataclass(frozen=True)
class Vocabulary:
    """A snapshot of the words that the catalogue and its synonyms have. All words are folded."""

    products: Mapping[str, int] = field(default_factory=dict)
    """The number of products that contain each word."""
    stems: frozenset[str] = frozenset()
    """The stems of these words in the languages of the catalogue."""
    languages: tuple[str, ...] = ("english",)
    """The languages of the catalogue, as snowballstemmer names them."""
    synonyms: frozenset[str] = frozenset()
    """The words of synonyms and of their meanings, in all languages."""
    own_synonyms: frozenset[str] = frozenset()
    """Those of them in the languages of the catalogue."""
    cues: frozenset[str] = frozenset()
    """The words of cues, such as "between" and "rupees". They are no corrections."""
    meanings: frozenset[str] = frozenset()
    """The words of types, colours and persons that products have."""
    colours_and_persons: frozenset[str] = frozenset()
    """Those of colours and persons. No compound such as "V-neck" ends with one."""

    def knows(self, word: str) -> bool:
        """Whether the word or its stem is known."""
        return (
            word in self.products
            or word in self.cues
            or not self.synonyms.isdisjoint(_numbers(word))
            or not self.stems.isdisjoint(self.roots(word))
        )

    def is_meaning(self, word: str) -> bool:
        """Whether the word, in the singular or plural, is one of `meanings`."""
        return not self.meanings.isdisjoint(_numbers(word))

    def roots(self, word: str) -> set[str]:
        """The stems of a folded word in each language."""
        # A stemmer is not thread-safe, so it is not shared.
        return {stemmer(language).stemWord(word) for language in self.languages}

    def near_length(self, length: int, edits: int) -> list[str]:
        """The words that a correction can be with up to `edits` letters more or fewer."""
        return [
            word
            for letters in range(length - edits, length + edits + 1)
            for word in self._by_length.get(letters, ())
        ]

    def has_prefix(self, prefix: str) -> bool:
        """Whether any word begins with `prefix`."""
        index = bisect_left(self._sorted, prefix)
        return any(word.startswith(prefix) for word in self._sorted[index : index + 1])

    @cached_property
    def by_consonants(self) -> Mapping[str, list[str]]:
        """The words that a correction can be, by their consonants."""
        found = defaultdict(list)
        for word in self._words:
            found[consonants(word)].append(word)
        return found

    @cached_property
    def _by_length(self) -> Mapping[int, list[str]]:
        found = defaultdict(list)
        for word in self._words:
            found[len(word)].append(word)
        return found

    @cached_property
    def _words(self) -> list[str]:
        return sorted(filter(str.isalpha, {*self.products, *self.synonyms}))

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self.products)


def _numbers(word: str) -> set[str]:
    """The word, its regular plural and its singular, as far as there are any."""
    return {word, f"{word}s"} | ({word[:-1]} if re.search("[^s]s$", word) else set())


def consonants(word: str) -> str:
    """The word without vowels."""
    return VOWELS.sub("", word)


def get_vocabulary(connection: Connection) -> Vocabulary:
    """The vocabulary of the connection's database, cached for up to a minute."""
    return _cache.get(connection)


def forget_vocabulary() -> None:
    """Clear the cache for all databases; the vocabulary is read again when it is next used."""
    _cache.forget()


def refresh_vocabulary(connection: Connection) -> None:
    """Collect the words, the facet values, what phrases mean and the queries to suggest again,
    without blocking searches.

    Other connections see them once this transaction has committed. Takes about 20 s for
    200,000 products with 20,000 facet values.
    """
    refresh_view(connection, "vocabulary")
    refresh_facet_values(connection)
    refresh_view(connection, "suggested_query")
    forget_vocabulary()


def refresh_facet_values(connection: Connection) -> None:
    """Count the values of the enabled facets, and what phrases mean, without blocking searches."""
    refresh_view(connection, "facet_value")
    refresh_meanings(connection)


def refresh_meanings(connection: Connection) -> None:
    """Collect what phrases mean again, after a change of synonyms, without blocking searches."""
    refresh_view(connection, "meaning")


def refresh_view(connection: Connection, name: str) -> None:
    """Fill a materialized view of the schema `search` again, without blocking its readers."""
    view = f"search.{name}"
    populated = connection.exec_driver_sql(
        "SELECT relispopulated FROM pg_class WHERE oid = %s::regclass", (view,)
    ).scalar_one()
    # After a dump is restored the view may be unpopulated; CONCURRENTLY is not possible then.
    concurrently = "CONCURRENTLY" if populated else ""
    connection.exec_driver_sql(f"REFRESH MATERIALIZED VIEW {concurrently} {view}")
    connection.exec_driver_sql(f"ANALYZE {view}")


def _load(connection: Connection, _key: str) -> Vocabulary:
    driver = driver_connection(connection)
    words = driver.execute(WORDS).fetchall()
    synonyms = driver.execute(SYNONYMS).fetchall()
    values = driver.execute(MEANINGS).fetchall()
    stored = [name for (name,) in driver.execute(LANGUAGES)]
    return Vocabulary(
        {word: products for word, _, products in words},
        frozenset(lexeme for _, lexeme, _ in words if lexeme),
        tuple(name for name in stored if name in algorithms()),
        synonyms=_words(text for *texts, _ in synonyms for text in texts),
        own_synonyms=_words(text for *texts, is_own in synonyms if is_own for text in texts),
        cues=_words(cue.phrase for cue in read_cues()),
        meanings=_words(value for value, _ in values),
        colours_and_persons=_words(value for value, kind in values if kind != "type"),
    )


# The synonyms, tens of thousands, are read again every minute.
_fold = lru_cache(maxsize=2**18)(fold)


def _words(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(word for text in texts for word in SEPARATOR.split(_fold(text)) if word)


_cache = TtlCache(_load)
