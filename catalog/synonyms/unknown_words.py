"""Words of logged queries that neither a synonym nor the catalogue explains.

The table `unknown_word` contains them with the meanings proposed for them, for the admin to accept
or dismiss. `catalog.synonyms.suggestions` proposes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from catalog.synonyms.row import SynonymRow
from catalog.synonyms.store import upsert

# Understanding a text takes milliseconds, so only texts of the words that may be returned are
# understood: a word can be a part of a known phrase or compound. Dismissed words and words of
# switched-off synonyms are not asked about again.
READ = r"""
WITH logged AS MATERIALIZED (
    SELECT min(text) AS text, sum(searches) AS searches, sum(unanswered) AS unanswered
      FROM query_log
     GROUP BY key
),
token AS MATERIALIZED (
    SELECT DISTINCT logged.*, lower(token) AS word
      FROM logged, regexp_split_to_table(text, '[^[:alnum:]]+') AS token
     WHERE token ~ '^[[:alpha:]]{2,40}$'
),
strange AS MATERIALIZED (
    SELECT word, key
      FROM (SELECT word, public.phrase_key(word) AS key
              FROM (SELECT DISTINCT word FROM token) AS each) AS keyed
     WHERE NOT EXISTS (SELECT FROM search.vocabulary v WHERE v.word = public.fold_text(keyed.word))
       AND NOT EXISTS (SELECT FROM search.meaning m WHERE m.key = keyed.key)
       AND key NOT IN (SELECT phrase_key FROM synonym)
       AND key NOT IN (SELECT public.phrase_key(word) FROM unknown_word WHERE dismissed)
),
counted AS MATERIALIZED (
    SELECT min(word) AS word, key, sum(searches)::bigint AS searches,
           sum(unanswered)::bigint AS unanswered,
           array_agg(text ORDER BY unanswered DESC, searches DESC, text) AS texts
      FROM strange JOIN token USING (word)
     GROUP BY key
     ORDER BY unanswered DESC, searches DESC, word
)
SELECT word, searches, unanswered
  FROM counted
 WHERE EXISTS (
           SELECT FROM unnest(texts[1:%(texts)s]) AS text, search.understand(text) AS part,
                       regexp_split_to_table(part.words, '[^[:alnum:]]+') AS word
            WHERE part.kind = 'word' AND part.wanted AND public.phrase_key(word) = counted.key)
 LIMIT %(limit)s
"""

MAX_TEXTS = 3
"""Maximum number of texts to understand for each word."""

STORE = """
INSERT INTO unknown_word (word, searches, unanswered, proposals)
VALUES (%(word)s, %(searches)s, %(unanswered)s, %(proposals)s)
    ON CONFLICT (word) DO UPDATE
   SET searches = excluded.searches, unanswered = excluded.unanswered,
       proposals = excluded.proposals
"""

# A synonym may have come in another way meanwhile.
LISTED = """
SELECT word, searches, unanswered, proposals, count(*) OVER () AS total
  FROM unknown_word u
 WHERE NOT dismissed
   AND NOT EXISTS (SELECT FROM synonym s
                    WHERE s.phrase_key = public.phrase_key(u.word))
 ORDER BY unanswered DESC, searches DESC, word
 LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A facet value that a word may mean.

    `way` is "name" (the nearest known word is `like`) or "vote" (of the nearest pictures).
    `relation` is how the known word and the value are related. `precision` is the share of right
    proposals among those for known words that have at least this score; `is_above` says whether
    the score is above the bar.
    """

    meaning: str
    relation: str
    way: str
    score: float
    precision: float
    is_above: bool
    like: str = ""


@dataclass(frozen=True, slots=True)
class UnknownWord:
    """A word in lower case, and how many searches and unanswered searches contained it."""

    word: str
    searches: int
    unanswered: int
    proposals: tuple[Proposal, ...] = ()


def read_unknown_words(connection: Connection, limit: int) -> list[UnknownWord]:
    """The unknown words of the query log, those with the most unanswered searches first."""
    rows = connection.exec_driver_sql(READ, {"limit": limit, "texts": MAX_TEXTS})
    return [UnknownWord(*row) for row in rows]


def store_unknown_words(connection: Connection, words: Sequence[UnknownWord]) -> None:
    """Replace all stored words, except those that were dismissed."""
    connection.exec_driver_sql("DELETE FROM unknown_word WHERE NOT dismissed")
    if words:
        rows = [
            {
                "word": word.word,
                "searches": word.searches,
                "unanswered": word.unanswered,
                "proposals": Jsonb(list(map(asdict, word.proposals))),
            }
            for word in words
        ]
        connection.exec_driver_sql(STORE, rows)


def listed_words(connection: Connection, limit: int) -> tuple[list[UnknownWord], int]:
    """The stored words that wait for an answer, most unanswered first, and the number of all."""
    rows = connection.exec_driver_sql(LISTED, {"limit": limit}).all()
    words = [
        UnknownWord(
            row.word, row.searches, row.unanswered, tuple(Proposal(**it) for it in row.proposals)
        )
        for row in rows
    ]
    return words, rows[0].total if rows else 0


def apply_proposals(connection: Connection, words: Iterable[UnknownWord]) -> int:
    """Write the proposals above the bar as close synonyms; returns their number."""
    rows = [
        SynonymRow(word.word, proposal.meaning, "close", "", "meaning")
        for word in words
        for proposal in word.proposals
        if proposal.is_above
    ]
    return len(upsert(connection, {row.key: row for row in rows}.values()).added)


def dismiss_word(connection: Connection, word: str) -> bool:
    """Never suggest a stored word again. False if it is not stored."""
    statement = "UPDATE unknown_word SET dismissed = true WHERE word = %(word)s"
    return connection.exec_driver_sql(statement, {"word": word}).rowcount > 0
