"""Runs one search with several setups, and says how alike their results are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import psycopg
from django.core import signing
from django.utils.translation import gettext, ngettext
from sqlalchemy.exc import DBAPIError

from catalog.db.problems import database_problem
from catalog.db.replica import connect_to_read, reads_replica
from catalog.evaluation.comparisons import KEPT, ComparedQuery, Comparison, Verdict
from catalog.evaluation.rank_similarity import overlap, rank_biased_overlap
from catalog.search.pipeline import Hit, Results, SearchSpec
from embedding.errors import UserFacingError
from shop.column_controls import LETTERS, model_label, signals_label
from shop.compare_params import ColumnSetup
from shop.errors import Outcome, sentence, try_search
from shop.locale_formats import listed, percentage

SHOWN = 12
"""The number of products that a column shows."""

DEPTH = 50
"""The number of products of a column that are ranked and compared."""

OVERLAP_DEPTH = 10

SALT = "shop.comparison"
VERDICT_SECONDS = 24 * 60 * 60
"""How long a page can be judged after it was made."""


@dataclass(frozen=True, slots=True)
class Card:
    """A product in a column. `elsewhere` has its rank in each other column; None: not ranked."""

    hit: Hit
    rank: int
    elsewhere: tuple[tuple[str, int | None], ...] = ()

    @property
    def is_alone(self) -> bool:
        return not any(rank for _, rank in self.elsewhere)


@dataclass(frozen=True, slots=True)
class Column:
    """The results of one setup. `problem` says why there are none."""

    letter: str
    setup: ColumnSetup
    results: Results
    problem: str = ""
    cards: tuple[Card, ...] = ()

    @property
    def skus(self) -> tuple[str, ...]:
        return tuple(hit.sku for hit in self.results.hits)

    @property
    def label(self) -> str:
        return model_label(self.setup.model)

    @property
    def options(self) -> list[str]:
        """What differs from the defaults of the search, in words."""
        setup = self.setup
        return [
            *([self._signals()] if setup.signals else []),
            *([gettext("Fusion: %(name)s") % {"name": setup.fusion}] if setup.fusion else []),
            *([] if setup.min_match is None else [self._min_match(setup.min_match)]),
        ]

    def _signals(self) -> str:
        return gettext("Signals: %(names)s") % {"names": signals_label(self.setup.signals)}

    @staticmethod
    def _min_match(percent: int) -> str:
        return gettext("Minimum match: %(match)s") % {"match": percentage(percent)}

    @property
    def notes(self) -> list[str]:
        return [sentence(note) for note in self.results.notes]

    @property
    def ran_as_set(self) -> bool:
        """Whether the search failed in no part, so that its results can be judged."""
        return not self.problem and not self.results.notes


@dataclass(frozen=True, slots=True)
class Pair:
    """Two columns; `token` is empty if they cannot be judged."""

    left: Column
    right: Column
    overlap: float | None
    similarity: float | None
    token: str
    verdict: Verdict | None

    @property
    def why_not(self) -> str:
        """A sentence that says why the pair cannot be judged."""
        failed = [it.letter for it in (self.left, self.right) if not it.ran_as_set]
        if not failed:
            return gettext("Cannot be judged: both are empty.")
        text = ngettext(
            "Cannot be judged: %(columns)s did not run as set.",
            "Cannot be judged: %(columns)s did not run as set.",
            len(failed),
        )
        return text % {"columns": listed(failed)}


def run_columns(spec: SearchSpec, setups: tuple[ColumnSetup, ...]) -> list[Column]:
    """Search with each setup. One that fails leaves the others as they are."""
    found = []
    for letter, setup in zip(LETTERS, setups, strict=False):
        outcome = _search(setup.spec(spec, DEPTH))
        found.append((letter, setup, outcome))
    ranks = {
        letter: {hit.sku: rank for rank, hit in enumerate(outcome.results.hits, start=1)}
        for letter, _, outcome in found
    }
    return [
        Column(
            letter,
            setup,
            outcome.results,
            outcome.note,
            tuple(_cards(letter, outcome.results, ranks)),
        )
        for letter, setup, outcome in found
    ]


def pairs(
    columns: list[Column], query: ComparedQuery, judged: list[Comparison], address: str
) -> list[Pair]:
    """Each two of the columns.

    Args:
        judged: what the person has judged for the query.
        address: the query string of the page, to return to.
    """
    return [
        Pair(
            left,
            right,
            overlap(left.skus, right.skus, OVERLAP_DEPTH),
            rank_biased_overlap(left.skus, right.skus),
            _token(left, right, query, address),
            next(filter(None, (it.verdict_on(*_setups(left, right)) for it in judged)), None),
        )
        for left, right in combinations(columns, 2)
    ]


def read_token(token: str, verdict: Verdict, username: str) -> tuple[Comparison, str]:
    """The comparison of a pair that a page has shown, and the query string of that page.

    Raises:
        BadSignature: no page of the last `VERDICT_SECONDS` contained this token.
    """
    shown = signing.loads(token, salt=SALT, max_age=VERDICT_SECONDS)
    query = ComparedQuery(shown["text"], tuple(shown["pictures"]), shown["liked"], shown["filters"])
    (left, left_skus), (right, right_skus) = shown["lists"]
    comparison = Comparison(
        query, left, right, tuple(left_skus), tuple(right_skus), verdict, username
    )
    return comparison, shown["address"]


@reads_replica
def _search_once(spec: SearchSpec) -> Outcome:
    with connect_to_read() as connection:
        return try_search(connection, spec)


def _search(spec: SearchSpec) -> Outcome:
    """Search in a transaction of its own, so that an error of the database stays in it."""
    try:
        return _search_once(spec)
    except UserFacingError as error:
        return Outcome(Results((), 0, spec), sentence(error))
    except (DBAPIError, psycopg.Error) as error:
        reason = database_problem(error) or "the database could not run this search"
        return Outcome(Results((), 0, spec), sentence(reason))


def _cards(letter: str, results: Results, ranks: Mapping[str, Mapping[str, int]]) -> Iterator[Card]:
    for rank, hit in enumerate(results.hits[:SHOWN], start=1):
        elsewhere = ((other, ranks[other].get(hit.sku)) for other in ranks if other != letter)
        yield Card(hit, rank, tuple(elsewhere))


def _setups(left: Column, right: Column) -> tuple[str, str]:
    return str(left.setup), str(right.setup)


def _token(left: Column, right: Column, query: ComparedQuery, address: str) -> str:
    """What a verdict on two columns is about, signed: a form cannot judge what nobody has seen."""
    if not (left.ran_as_set and right.ran_as_set and (left.skus or right.skus)):
        return ""
    lists = [(str(it.setup), it.skus[:KEPT]) for it in (left, right)]
    shown = {
        "text": query.text,
        "pictures": query.pictures,
        "liked": query.liked,
        "filters": dict(query.filters),
        "lists": lists,
        "address": address,
    }
    return signing.dumps(shown, salt=SALT, compress=True)
