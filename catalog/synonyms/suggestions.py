"""Proposes meanings for unknown words, with the shop's text model, in two ways.

- By name: the known word that is nearest in meaning. Known are the words of the synonyms, their
  meanings, and the names of facet values.
- By vote: the facet value that is most over-represented among the nearest pictures.

How often each way is right is measured on the known words. They are divided into three parts, by
meaning and language. Each word gets the proposals that it would get if its own part were unknown.
Two parts choose the bar, the third one checks it (docs/decisions/0016).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector
from sqlalchemy import Connection

from catalog.active_models import models_in_use
from catalog.db.connection import compose, connect
from catalog.synonyms.row import RELATIONS
from catalog.synonyms.starter import trained_words
from catalog.synonyms.unknown_words import Proposal, UnknownWord
from catalog.tables import embedding_table_name
from embedding.encoder import Encoder
from embedding.errors import UserFacingError
from embedding.registry import get_spec

PARTS = 3
"""The known words are divided into so many parts; one is left out."""
PRECISION = 0.9
"""The share of right proposals that the bar asks for."""
MIN_ABOVE = 20
"""Minimum number of proposals above a bar: fewer say little about their share of right ones."""
MAX_ASKED = 3000
"""Maximum number of known words to measure with."""
NEAREST = 50
"""The number of pictures that vote."""
MAX_NAMES = 5000
"""Maximum number of facet values to propose, those of most products."""
BATCH = 512
SEED = 0

Matrix = NDArray[np.float32]

KNOWN = """
WITH value AS MATERIALIZED (
    SELECT v.key, v.value, v.phrase_key, v.products
      FROM search.facet_value v JOIN facet f ON f.name = v.facet
     WHERE f.kind NOT IN ('brand', 'size')
     ORDER BY v.products DESC, v.key
     LIMIT %(max_names)s
),
written AS (
    SELECT phrase_key AS key, value AS phrase, '' AS concept FROM value
     UNION ALL
    SELECT meaning_key, meaning, '' FROM synonym WHERE enabled AND relation = 'both'
     UNION ALL
    SELECT phrase_key, phrase, meaning || ' ' || language
      FROM synonym
     WHERE enabled AND relation = 'both' AND phrase ~ '^[[:alpha:]]{2,40}$'
),
word AS (
    SELECT key, (array_agg(phrase ORDER BY concept, phrase))[1] AS phrase, min(concept) AS concept
      FROM written
     WHERE key <> ''
     GROUP BY key
)
SELECT word.phrase, word.concept,
       NOT EXISTS (SELECT FROM search.vocabulary v
                    WHERE v.word = public.fold_text(word.phrase)) AS is_strange,
       coalesce(array_agg(value.key ORDER BY m.level, m.is_name DESC, m.products DESC, value.key)
                FILTER (WHERE value.key IS NOT NULL), '{}') AS keys,
       min(m.level) FILTER (WHERE value.key IS NOT NULL) AS level
  FROM word
       LEFT JOIN search.meaning m ON m.key = word.key
       LEFT JOIN value ON value.key = m.facet_key
 GROUP BY word.key, word.phrase, word.concept
 ORDER BY word.key COLLATE "C"
"""

VALUES = """
SELECT v.key, v.value,
       v.products::float8 / (SELECT greatest(count(*), 1) FROM product) AS share
  FROM search.facet_value v JOIN facet f ON f.name = v.facet
 WHERE f.kind NOT IN ('brand', 'size')
 ORDER BY v.products DESC, v.key
 LIMIT %(max_names)s
"""

VOTES = """
SELECT asked.place, voted.key, count(*)::float8 / max(near.voters) AS share
  FROM unnest(%(vectors)s::text[]) WITH ORDINALITY AS asked (vector, place)
       CROSS JOIN LATERAL (
           SELECT found.product_id, count(*) OVER () AS voters
             FROM (SELECT e.product_id
                     FROM {table} e JOIN product_image i ON i.id = e.image_id AND i.position = 0
                    ORDER BY e.embedding <=> asked.vector::halfvec
                    LIMIT %(nearest)s) AS found) AS near
       JOIN product p ON p.id = near.product_id
       CROSS JOIN unnest(p.facets) AS voted (key)
 GROUP BY asked.place, voted.key
"""


class SuggestionError(UserFacingError, RuntimeError):
    """Nothing can be proposed; the message says why."""


@dataclass(frozen=True, slots=True)
class KnownWord:
    """A word and the facet values that it leads to.

    `concept` is its meaning and language; empty for names, which are never left out.
    `is_strange` says that the catalogue itself does not contain the word. `keys` has the best value
    first; `level` is that of the best one (0 equal, 1 one-way, 2 close).
    """

    phrase: str
    concept: str
    is_strange: bool
    keys: tuple[str, ...]
    level: int | None


@dataclass(frozen=True, slots=True)
class Guess:
    """A proposed facet value by its key, before it is compared with the bar."""

    key: str
    score: float
    level: int = 2
    like: str = ""


@dataclass(frozen=True)
class Measured:
    """How often one way was right for known words that were treated as unknown.

    `scores` (descending) and `is_right` are those of all proposals, (n,). `bar` was chosen without
    the third that was left out; the counts are of this third: `words` that mean a facet value,
    proposals that were right for them, and proposals above the bar.
    """

    scores: NDArray[np.float64]
    is_right: NDArray[np.bool_]
    bar: float | None
    words: int
    right: int
    above: int
    right_above: int

    def precision(self, score: float) -> float:
        """The share of right proposals among those with at least this score, or the best few."""
        count = max(int(np.searchsorted(-self.scores, -score, side="right")), MIN_ABOVE)
        chosen = self.is_right[:count]
        return float(chosen.mean()) if chosen.size else 0.0


@dataclass(frozen=True, slots=True)
class Suggestions:
    """The unknown words with proposals, and how often each way was right, by its name."""

    model: str
    words: tuple[UnknownWord, ...]
    measured: dict[str, Measured]


def text_model(connection: Connection) -> str:
    """The first model in use that reads texts.

    Raises:
        SuggestionError: none does.
    """
    for name in models_in_use(connection):
        if "text" in get_spec(name).modalities:
            return name
    raise SuggestionError("no model in use reads texts: add one to MODELS and run migrate")


def suggest(
    words: Sequence[UnknownWord],
    encoder_for: Callable[[str], Encoder],
    on_encoded: Callable[[int], object] = lambda count: None,
) -> Suggestions:
    """Propose meanings for the words, and measure how often proposals are right.

    Encodes all known words, which takes about a minute on a CPU.

    Args:
        on_encoded: called with numbers of words that were encoded.

    Raises:
        SuggestionError: no model in use reads texts.
        EncoderError: the model cannot be loaded.
    """
    with connect() as connection:
        model = text_model(connection)
        known = read_known_words(connection)
        rows = connection.exec_driver_sql(VALUES, {"max_names": MAX_NAMES}).all()
    encoder = encoder_for(model)
    vectors = _encode(encoder, [word.phrase for word in known], on_encoded)
    asked = _encode(encoder, [word.word for word in words], on_encoded)
    tested, parts = _tested(known)
    shares = {row.key: row.share for row in rows}
    guesses = {"name": nearest_known(asked, vectors, known)}
    test = {"name": nearest_known(vectors[tested], vectors, known, parts[tested], parts)}
    if "image" in encoder.spec.modalities:
        with connect() as connection:
            guesses["vote"] = votes(connection, model, asked, shares)
            test["vote"] = votes(connection, model, vectors[tested], shares)
    truths = [frozenset(known[place].keys) for place in tested]
    measured = {way: measure(found, truths, parts[tested] == 0) for way, found in test.items()}
    names = {row.key: row.value for row in rows}
    proposals = [
        tuple(
            _proposal(guess, way, names, measured[way])
            for way in guesses
            if (guess := guesses[way][place]) is not None
        )
        for place in range(len(words))
    ]
    found = (replace(word, proposals=it) for word, it in zip(words, proposals, strict=True))
    return Suggestions(model, tuple(found), measured)


def read_known_words(connection: Connection) -> list[KnownWord]:
    """All single words of the synonyms, their meanings, and the names of facet values."""
    rows = connection.exec_driver_sql(KNOWN, {"max_names": MAX_NAMES})
    return [
        KnownWord(row.phrase, row.concept, row.is_strange, tuple(row.keys), row.level)
        for row in rows
    ]


def nearest_known(
    asked: Matrix,
    vectors: Matrix,
    known: Sequence[KnownWord],
    asked_parts: NDArray[np.int_] | None = None,
    parts: NDArray[np.int_] | None = None,
) -> list[Guess | None]:
    """For each vector, (m, d), the value of the nearest known word, (n, d), with their cosine.

    None where that word means nothing in this catalogue.

    Args:
        asked_parts: the parts that the vectors belong to, (m,), with `parts`, (n,): known words of
            the same part do not count.
    """
    found: list[Guess | None] = []
    for start in range(0, len(asked) if known else 0, BATCH):
        cosines = asked[start : start + BATCH] @ vectors.T
        if asked_parts is not None and parts is not None:
            cosines[asked_parts[start : start + BATCH, None] == parts[None, :]] = -np.inf
        for row, best in zip(cosines, cosines.argmax(axis=1), strict=True):
            word = known[best]
            is_there = bool(word.keys) and np.isfinite(row[best])
            found.append(
                Guess(word.keys[0], float(row[best]), word.level or 0, word.phrase)
                if is_there
                else None
            )
    return found or [None] * len(asked)


def votes(
    connection: Connection, model: str, asked: Matrix, shares: dict[str, float]
) -> list[Guess | None]:
    """For each vector, (m, d), the value that is most over-represented among the nearest pictures.

    The score is 1 if all have the value, and 0 if no more have it than of all products.

    Args:
        shares: for each value that may be proposed, the share of the products that have it.
    """
    statement = compose(VOTES, table=embedding_table_name(model, "image"))
    connection.exec_driver_sql(f"SET LOCAL hnsw.ef_search = {2 * NEAREST}")
    best: list[tuple[float, Guess] | None] = [None] * len(asked)
    for start in range(0, len(asked), BATCH):
        texts = [HalfVector(vector).to_text() for vector in asked[start : start + BATCH]]
        for place, key, share in connection.exec_driver_sql(
            statement, {"vectors": texts, "nearest": NEAREST}
        ):
            before = shares.get(key, 1.0)
            if share <= before or before >= 1:
                continue
            surprise = (share - before) / (before * (1 - before)) ** 0.5
            place = start + place - 1
            if (old := best[place]) is None or (surprise, key) > (old[0], old[1].key):
                best[place] = surprise, Guess(key, (share - before) / (1 - before))
    return [it[1] if it else None for it in best]


def measure(
    guesses: Sequence[Guess | None],
    truths: Sequence[frozenset[str]],
    is_left_out: NDArray[np.bool_],
) -> Measured:
    """Choose the bar with the words that are not left out, and count with those that are.

    Args:
        truths: the keys of the values that each word means, empty if none of the catalogue; then
            any proposal is wrong.
        is_left_out: (n,), for each word.
    """
    scores = np.array([-np.inf if it is None else it.score for it in guesses], np.float64)
    right = np.array(
        [it is not None and it.key in keys for it, keys in zip(guesses, truths, strict=True)], bool
    )
    bar = choose_bar(scores[~is_left_out], right[~is_left_out])
    above = is_left_out & (scores >= (np.inf if bar is None else bar))
    order = np.argsort(-scores, kind="stable")
    order = order[np.isfinite(scores[order])]
    return Measured(
        scores[order],
        right[order],
        bar,
        sum(bool(keys) for keys, out in zip(truths, is_left_out, strict=True) if out),
        int((right & is_left_out).sum()),
        int(above.sum()),
        int((right & above).sum()),
    )


def choose_bar(scores: NDArray[np.float64], is_right: NDArray[np.bool_]) -> float | None:
    """The lowest score at which `PRECISION` of the proposals with it or more are right.

    None if there is none with `MIN_ABOVE` such proposals.
    """
    order = np.argsort(-scores, kind="stable")
    order = order[np.isfinite(scores[order])]
    ordered = scores[order]
    precision = np.cumsum(is_right[order]) / np.arange(1, len(order) + 1)
    is_last = np.append(ordered[1:] < ordered[:-1], True)[: len(order)]  # of equal scores
    good = np.flatnonzero((precision >= PRECISION) & is_last)
    good = good[good >= MIN_ABOVE - 1]
    return float(ordered[good[-1]]) if good.size else None


def _tested(known: Sequence[KnownWord]) -> tuple[list[int], NDArray[np.int_]]:
    """The places of the known words to measure with, and the part of each known word, -1 for names.

    Words that a packaged model was trained with would make it look better than it is.
    """
    random = Random(SEED)
    concepts = sorted({word.concept for word in known} - {""})
    part = {concept: random.randrange(PARTS) for concept in concepts}
    trained = trained_words()
    tested = [
        place
        for place, word in enumerate(known)
        if word.concept and word.is_strange and word.phrase.casefold() not in trained
    ]
    chosen = random.sample(tested, min(MAX_ASKED, len(tested)))
    return chosen, np.array([part.get(word.concept, -1) for word in known], int)


def _encode(encoder: Encoder, texts: Sequence[str], on_encoded: Callable[[int], object]) -> Matrix:
    batches: list[Matrix] = [np.empty((0, encoder.spec.dimensions), np.float32)]
    for start in range(0, len(texts), BATCH):
        batches.append(encoder.encode_texts(list(texts[start : start + BATCH])))
        on_encoded(len(batches[-1]))
    return np.concatenate(batches)


def _proposal(guess: Guess, way: str, names: dict[str, str], measured: Measured) -> Proposal:
    return Proposal(
        names[guess.key],
        RELATIONS[guess.level],
        way,
        round(guess.score, 3),
        round(measured.precision(guess.score), 3),
        measured.bar is not None and guess.score >= measured.bar,
        guess.like,
    )
