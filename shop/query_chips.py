"""The chips above the results: what was understood, and how to remove or correct it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from catalog.search.facet_keys import frequent_values
from catalog.search.results import Results
from catalog.search.understanding import Part, parse
from shop import query_edits
from shop.query_words import LITERAL, PRICES, label, spoken
from shop.search_params import SearchParams

MAX_CHIPS = 12
"""The maximum number of chips. Each contains the address of the search several times."""
MAX_ALTERNATIVES = 6


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another value in place of a part of the query, and the address of that search."""

    value: str
    url: str
    colour: str = ""


@dataclass(frozen=True, slots=True)
class QueryChip:
    """A part of the query that was understood as more than words.

    `without` is the search without it, `literal` that for its words.
    """

    label: str
    part: Part
    without: SearchParams
    literal: SearchParams
    alternatives: Sequence[Alternative] = ()
    colour: str = ""

    @property
    def words(self) -> str:
        """The words to search for literally."""
        return query_edits.own_words(self.part)

    @property
    def is_unwanted(self) -> bool:
        return not self.part.wanted

    @property
    def is_condition(self) -> bool:
        """Whether it leaves products out, instead of only ranking them."""
        return self.is_unwanted or self.part.kind in PRICES

    @property
    def is_price(self) -> bool:
        return self.part.kind in PRICES

    @property
    def is_unused(self) -> bool:
        """Whether the catalogue has nothing to compare this part with."""
        return self.part.why == "ignored"


def query_chips(
    connection: Connection, state: SearchParams, results: Results, currency: str
) -> list[QueryChip]:
    """A chip for each part that is not only a word, in the order of the text."""
    parts = results.understood
    understood = [it for it in parts if it.kind not in LITERAL or not it.wanted][:MAX_CHIPS]
    values = _other_values(connection, understood, results)
    text = query_edits.searched_text(results)

    def understand(text: str) -> Sequence[Part]:
        return parse(connection, text).understood

    def searching(text: str) -> SearchParams:
        return state.changed(text=text)

    return [
        QueryChip(
            label(part, currency),
            part,
            without=searching(query_edits.without(text, parts, part, understand)),
            literal=searching(query_edits.quoted(text, part)),
            alternatives=[
                Alternative(
                    spoken(part.kind, value),
                    searching(query_edits.replaced(text, part, _in_text(part, value))).url(),
                    value if part.kind == "colour" else "",
                )
                for value in values.get(facet_of(part), ())
                if value.casefold() != part.value.casefold()
            ][:MAX_ALTERNATIVES],
            colour=part.value if part.kind == "colour" and part.keys else "",
        )
        for part in understood
    ]


def facet_of(part: Part) -> str:
    """The facet that the part has a value of; empty if it has none.

    A word may name values of several facets, such as subcategory and type; the first is taken.
    """
    return next((key.partition("=")[0] for key in (*part.keys, *part.accepted)), "")


def _other_values(
    connection: Connection, parts: Sequence[Part], results: Results
) -> dict[str, list[str]]:
    """For each facet of `parts` values to choose from: first those of the results, most frequent
    first, then those of the catalogue."""
    facets = list(dict.fromkeys(filter(None, map(facet_of, parts))))
    if not facets:
        return {}
    # One more, since the chosen value is left out.
    frequent = frequent_values(connection, facets, MAX_ALTERNATIVES + 1)
    return {
        facet: list(dict.fromkeys((*_found(results, facet), *frequent.get(facet, ()))))
        for facet in facets
    }


def _found(results: Results, facet: str) -> Iterator[str]:
    return (it.value for it in results.facets.get(facet, ()) if it.count != 0)


def _in_text(part: Part, value: str) -> str:
    """A value as words of the text. The "for" of a synonym is not known separately."""
    lost = part.kind == "person" and not query_edits.cue(part) and " " in part.phrase
    return f"for {spoken(part.kind, value)}" if lost else spoken(part.kind, value)
