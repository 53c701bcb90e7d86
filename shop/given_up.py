"""Says in words what no product is: "No red sneakers for boys. Red sneakers for men:"."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext
from sqlalchemy import Connection

from catalog.search.facet_keys import facet_keys
from catalog.search.ranking_sql import CLOSE
from catalog.search.results import Hit, Results
from catalog.search.understanding import Part
from catalog.text import fold
from shop.locale_formats import listed, quoted
from shop.query_chips import facet_of
from shop.query_edits import own_words
from shop.query_words import PRICES, for_whom, label, named, price, spoken

AROUND_NOUN = ("brand", "colour", "material", "pattern", "occasion", "other")
"""The kinds that stand before the noun, in this order; after it where they have a preposition."""

AFTER_NOUN = re.compile(r"“|(?:for|to|in|on|at|with|of|from|during) ")
"""How a name begins that stands after the noun: "for a wedding", or words in another language."""

FIRST = 4
"""The number of hits to describe where not all of them are alike: one row."""

MAX_NAMED = 2
"""The maximum number of values to name where the hits have several."""

MAX_QUOTED = 3
"""The maximum number of words to quote that no product has."""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """What no product is, and what the products are that are shown instead; the latter may be
    empty."""

    missing: str
    instead: str


def given_up(
    connection: Connection, results: Results, has_filters: bool, currency: str
) -> GivenUp | None:
    """What to say over the products if none has a part of what is wanted, otherwise None."""
    wanted = {
        kind: parts
        for kind, parts in results.wanted.items()
        if kind == "type" or any(facet_of(part) or part.why == "absent" for part in parts)
    }
    if not results.hits and "type" in results.given_up:
        return _lacks_type(results, has_filters, currency)
    if not results.hits or results.hits[0].exact:
        return None
    lacking = [part for part in results.understood if part.wanted and part.why == "ignored"]
    sizes = [named(part) for part in lacking if part.kind == "size"]
    unsaid = _unsaid(results, lacking)
    if not sizes and not any(_is_missing(kind, parts, results) for kind, parts in wanted.items()):
        return GivenUp(unsaid, "") if unsaid else None
    prices = [price(it, currency) for it in results.understood if it.kind in PRICES]
    names = {kind: listed([named(part) for part in parts], "or") for kind, parts in wanted.items()}
    asked = names | ({"size": listed(sizes, "or")} if sizes else {})
    unwanted = [label(it, currency) for it in results.understood if not it.wanted]
    missing = _no(_describe(asked, prices), listed(unwanted), has_filters)
    products = facet_keys(connection, (hit.id for hit in results.hits))

    def what_are(count: int) -> str:
        shown = [products[hit.id] for hit in results.hits[:count] if hit.id in products]
        actual = {
            kind: name
            for kind, parts in wanted.items()
            if (name := _what_all_are(kind, parts, names[kind], shown, results.hits[:count]))
        }
        return _describe(actual, []) if actual else ""

    instead = what_are(len(results.hits))
    first = what_are(FIRST) if results.spec.page == 1 else instead
    if first != instead:
        instead = gettext("%(products)s come first:") % {"products": first}
    elif instead:
        instead = gettext("%(products)s:") % {"products": instead}
    return GivenUp(f"{missing} {unsaid}".rstrip(), instead[:1].upper() + instead[1:])


def _lacks_type(results: Results, has_filters: bool, currency: str) -> GivenUp:
    """What to say where no product is of the wanted type."""
    parts = results.wanted["type"]
    products = listed([named(part) for part in parts], "or")
    prices = [price(it, currency) for it in results.understood if it.kind in PRICES and it.wanted]
    unwanted = [label(it, currency) for it in results.understood if not it.wanted]
    if has_filters or prices or unwanted or not all(part.why == "absent" for part in parts):
        missing = _no(_describe({"type": products}, prices), listed(unwanted), has_filters)
    else:
        missing = gettext("We have no %(products)s in our range.") % {"products": products}
    return GivenUp(missing, gettext("These come closest:") if results.close else "")


def _no(products: str, unwanted: str, has_filters: bool) -> str:
    """The sentence that there are no such products."""
    values = {"products": products, "unwanted": unwanted}
    if unwanted and has_filters:
        return gettext("No %(products)s (%(unwanted)s) with these filters.") % values
    if unwanted:
        return gettext("No %(products)s (%(unwanted)s).") % values
    if has_filters:
        return gettext("No %(products)s with these filters.") % values
    return gettext("No %(products)s.") % values


def _unsaid(results: Results, lacking: Sequence[Part]) -> str:
    """A sentence about the measures and words that no product has, next to a known type."""
    if "type" not in results.wanted:
        return ""
    missing = [quoted(named(part)) for part in lacking if part.kind not in ("size", *PRICES)]
    missing += [
        quoted(own_words(part))
        for part in results.understood
        if part.wanted and part.why == "unknown" and len(part.value) > 1
    ]
    if not missing:
        return ""
    return gettext("No product says %(words)s.") % {"words": listed(missing[:MAX_QUOTED], "or")}


def _is_missing(kind: str, parts: Sequence[Part], results: Results) -> bool:
    """Whether no hit on any page is what is wanted of one kind, or only resembles it."""
    if kind in results.given_up:
        return True
    place = list(results.wanted).index(kind)
    if any(hit.fulfilled[place] > CLOSE for hit in results.hits if hit.fulfilled):
        return False
    keys = {key for part in parts for key in (*part.keys, *part.accepted)}
    facets = {key.partition("=")[0] for key in keys}
    if not facets <= results.facets.keys():  # nothing but the best hits says what others are
        return results.spec.page == 1 and not results.spec.sort
    found = {
        f"{facet}={fold(it.value)}"
        for facet in facets
        for it in results.facets[facet]
        if it.count != 0
    }
    return not keys & found


def _what_all_are(
    kind: str,
    parts: Sequence[Part],
    name: str,
    products: Sequence[frozenset[str]],
    hits: Sequence[Hit],
) -> str:
    """The name of what all `products` are, in one facet; empty if they differ too much."""
    keys = {key for part in parts for key in (*part.keys, *part.accepted)}
    if all(keys & product for product in products):
        types = {hit.product_type for hit in hits} if kind == "type" else set()
        same = {key.partition("=")[2] for part in parts for key in part.keys}
        # "dresses" instead of "dress"
        return (
            spoken(kind, types.pop()) if len(types) == 1 and set(map(fold, types)) <= same else name
        )
    if kind in ("type", "colour", "brand"):
        attribute = "product_type" if kind == "type" else kind
        values = [getattr(hit, attribute) for hit in hits]
    else:
        start = f"{facet_of(parts[0])}="
        values = [
            next((key.removeprefix(start) for key in product if key.startswith(start)), "")
            for product in products
        ]
    distinct = list(dict.fromkeys(spoken(kind, value) for value in values))
    return listed(distinct) if all(distinct) and len(distinct) <= MAX_NAMED else ""


def _describe(names: Mapping[str, str], prices: Sequence[str]) -> str:
    """The parts as one phrase: "red sneakers for boys under ₹1,500"."""
    around = [names[kind] for kind in AROUND_NOUN if kind in names]
    after = [name for name in around if AFTER_NOUN.match(name)]
    words = [name for name in around if name not in after]
    noun = names.get("type", "")
    if not noun or (AFTER_NOUN.match(noun) and not noun.startswith("“")):  # "for walking"
        after += [noun] * bool(noun)
        noun = gettext("products")
    words.append(noun)
    if "size" in names:
        words.append(gettext("in size %(size)s") % {"size": names["size"]})
    if "person" in names:
        words.append(for_whom(names["person"]))
    return " ".join(filter(None, [*words, *after, *prices]))
