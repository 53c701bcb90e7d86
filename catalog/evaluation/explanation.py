"""What the search made of a query, for people who look for the cause of bad results."""

from collections.abc import Iterator

from catalog.search.results import Results
from catalog.search.understanding import Part

Explanation = tuple[tuple[str, str], ...]
"""Labels and values, in the order in which the report shows them."""


def explain(results: Results) -> Explanation:
    """How the search understood its query and what it did with it. Empty values are left out."""
    return tuple((label, value) for label, value in _parts(results) if value)


def _parts(results: Results) -> Iterator[tuple[str, str]]:
    """All that the report says about a query: a new field of `Results` needs one line here."""
    yield "searched for", results.words
    yield "corrected to", results.corrected
    yield "understood", "; ".join(map(_part, results.understood))
    yield "given up", ", ".join(results.given_up)
    yield "minimum match", f"{results.min_match:.0%}"
    yield "found", f"{'at least ' if results.truncated else ''}{results.total}"
    yield "notes", "; ".join(results.notes)


def _part(part: Part) -> str:
    return f"{'' if part.wanted else 'not '}{part.kind} {part.value} ({part.phrase}, {part.why})"
