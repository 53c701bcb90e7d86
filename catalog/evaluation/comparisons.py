"""Verdicts of people on two lists of products: the table `comparison`, and what follows from it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import comb
from typing import Any, Literal, get_args

from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from catalog.search.filters import Filters

Verdict = Literal["left", "right", "equal"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

JUDGED = 5
"""The number of products at the top of each list that a verdict is about."""

KEPT = 10
"""The number of products of each list that are stored."""

INSERT = """
INSERT INTO comparison (text, pictures, liked, filters, left_setup, right_setup, left_skus,
                        right_skus, verdict, username)
VALUES (%(text)s, %(pictures)s, %(liked)s, %(filters)s, %(left_setup)s, %(right_setup)s,
        %(left_skus)s, %(right_skus)s, %(verdict)s, %(username)s)
"""

# A person's last verdict on a query and two setups counts. Those of nobody all count.
LATEST = """
SELECT DISTINCT ON (person, text, pictures, liked, filters, setups)
       text, pictures, liked, filters, left_setup, right_setup, left_skus, right_skus, verdict,
       username
  FROM comparison,
       LATERAL (SELECT CASE username WHEN '' THEN id::text ELSE '@' || username END AS person,
                       ARRAY[least(left_setup, right_setup), greatest(left_setup, right_setup)]
                           AS setups) AS pair
 {where}
 ORDER BY person, text, pictures, liked, filters, setups, id DESC
"""
OF_QUERY = """
 WHERE username = %(username)s AND text = %(text)s AND pictures = %(pictures)s
   AND liked = %(liked)s AND filters = %(filters)s
"""


@dataclass(frozen=True, slots=True)
class ComparedQuery:
    """A query that lists were compared for; `filters` has the form that judgments have."""

    text: str = ""
    pictures: tuple[str, ...] = ()
    liked: str = ""
    filters: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def key(self) -> tuple[object, ...]:
        return self.text, self.pictures, self.liked, repr(sorted(self.filters.items()))

    def parameters(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "pictures": list(self.pictures),
            "liked": self.liked,
            "filters": Jsonb(dict(self.filters)),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """A verdict on the first products (SKUs, best first) of two setups."""

    query: ComparedQuery
    left_setup: str
    right_setup: str
    left_skus: tuple[str, ...]
    right_skus: tuple[str, ...]
    verdict: Verdict
    username: str = ""

    def verdict_on(self, left_setup: str, right_setup: str) -> Verdict | None:
        """The verdict if these setups are the left and the right one; None for other setups."""
        if (self.left_setup, self.right_setup) == (left_setup, right_setup):
            return self.verdict
        if (self.left_setup, self.right_setup) == (right_setup, left_setup):
            return _mirrored(self.verdict)
        return None


@dataclass(frozen=True, slots=True)
class Wins:
    """How often each of two setups was judged better."""

    left_setup: str
    right_setup: str
    left: int
    equal: int
    right: int

    @property
    def p_value(self) -> float:
        """The probability, by a two-sided sign test, of a difference at least as large if neither
        setup is better. Verdicts "equal" do not count."""
        trials, least = self.left + self.right, min(self.left, self.right)
        tail: int = sum(comb(trials, wins) for wins in range(least + 1))
        return min(1.0, 2 * tail / int(2**trials))


def filters_of_judgment(filters: Filters) -> dict[str, Any]:
    """The filters as the value of the key `filters` of a judgment."""
    found: dict[str, Any] = {facet: list(values) for facet, values in filters.values.items()}
    for name in ("min_price", "max_price"):
        price: Decimal | None = getattr(filters, name)
        if price is not None:
            found[name] = float(price)
    return found | ({"in_stock": True} if filters.in_stock else {})


def store_comparison(connection: Connection, comparison: Comparison) -> None:
    connection.exec_driver_sql(
        INSERT,
        comparison.query.parameters()
        | {
            "left_setup": comparison.left_setup,
            "right_setup": comparison.right_setup,
            "left_skus": list(comparison.left_skus[:KEPT]),
            "right_skus": list(comparison.right_skus[:KEPT]),
            "verdict": comparison.verdict,
            "username": comparison.username,
        },
    )


def all_comparisons(connection: Connection) -> list[Comparison]:
    """All comparisons; a person's last one counts if a pair was judged again."""
    return _read(connection, LATEST.format(where=""), {})


def comparisons_of(connection: Connection, query: ComparedQuery, username: str) -> list[Comparison]:
    """What a person has judged for a query."""
    parameters = query.parameters() | {"username": username}
    return _read(connection, LATEST.format(where=OF_QUERY), parameters)


def as_judgments(
    comparisons: Iterable[Comparison], known: Iterable[str]
) -> Iterator[tuple[ComparedQuery, list[str]]]:
    """Each query with the SKUs of its relevant products.

    Only the difference of two lists explains a verdict, so a product gets a vote for each better
    list that has it among its first `JUDGED` products, and one against it for each worse list.
    Products with more votes for than against them are relevant. Queries without any are left out.

    Args:
        known: the SKUs of the catalogue; products that were deleted are left out.
    """
    still_there = set(known)
    queries: dict[tuple[object, ...], ComparedQuery] = {}
    votes: dict[tuple[object, ...], Counter[str]] = {}
    for it in comparisons:
        if it.verdict == "equal":
            continue
        better, worse = it.left_skus, it.right_skus
        if it.verdict == "right":
            better, worse = worse, better
        key = it.query.key
        queries.setdefault(key, it.query)
        counted = votes.setdefault(key, Counter())
        counted.update(better[:JUDGED])
        counted.subtract(worse[:JUDGED])
    for key, query in queries.items():
        relevant = [sku for sku, count in votes[key].items() if count > 0 and sku in still_there]
        if relevant:
            yield query, sorted(relevant)


def count_wins(comparisons: Iterable[Comparison]) -> list[Wins]:
    """The wins of each pair of setups, the pair with the most verdicts first."""
    counts: dict[tuple[str, str], Counter[Verdict]] = {}
    for it in comparisons:
        left, right = sorted((it.left_setup, it.right_setup))
        verdict = it.verdict_on(left, right)
        if verdict is not None:
            counts.setdefault((left, right), Counter())[verdict] += 1
    found = [
        Wins(*pair, left=count["left"], equal=count["equal"], right=count["right"])
        for pair, count in counts.items()
    ]
    return sorted(found, key=lambda it: (-(it.left + it.equal + it.right), it.left_setup))


def _mirrored(verdict: Verdict) -> Verdict:
    mirror: dict[Verdict, Verdict] = {"left": "right", "right": "left", "equal": "equal"}
    return mirror[verdict]


def _read(connection: Connection, sql: str, parameters: dict[str, Any]) -> list[Comparison]:
    return [
        Comparison(
            ComparedQuery(row.text, tuple(row.pictures), row.liked, row.filters),
            row.left_setup,
            row.right_setup,
            tuple(row.left_skus),
            tuple(row.right_skus),
            row.verdict,
            row.username,
        )
        for row in connection.exec_driver_sql(sql, parameters)
    ]
