"""Names for the parts of a query, for chips and sentences: "for boys", "under ₹1,500"."""

from catalog.search.understanding import Part
from shop.query_edits import own_words
from shop.templatetags.storefront import amount

LITERAL = ("word", "number", "quoted", "code")
"""The kinds of parts that are searched as words."""

PRICES = ("price", "cheap", "expensive")

ORDERS = {"price": "lowest price first", "-price": "highest price first", "newest": "newest first"}
"""What a chip says of a part that sorts, by its value."""


def label(part: Part, currency: str) -> str:
    """What a chip says: "red", "for boys", "not blue", "without laces", "under ₹1,500"."""
    if part.kind in PRICES:
        return price(part, currency)
    if part.kind == "sort":
        return ORDERS[part.value]
    if part.kind in LITERAL:
        return named(part) if part.wanted else f"without {named(part)}"
    name = for_whom(named(part)) if part.kind == "person" else named(part)
    if part.kind == "size":
        name = f"size {name}"
    return name if part.wanted else f"not {name}"


def for_whom(name: str) -> str:
    """A person after "for"; words in another language, in quotes, have their own preposition."""
    return name if name.startswith("“") else f"for {name}"


def named(part: Part) -> str:
    """What the part names: the catalogue's value if it is the same, otherwise the typed words, in
    quotes if they are in another language."""
    if part.kind == "size":
        return part.value
    if part.why == "age" and part.low is not None:
        months = round(12 * part.low)
        return f"{months}-month-olds" if months % 12 else f"{months // 12}-year-olds"
    if part.kind in LITERAL or not part.keys:
        typed = own_words(part)
        if part.why in ("translation", "stray"):
            return f"“{typed}”"
        return typed.removeprefix("for ") if part.kind == "person" else typed
    return spoken(part.kind, part.value)


def spoken(kind: str, value: str) -> str:
    """A facet value within a sentence: names of brands, and "USB", keep their capitals."""
    return value.lower() if kind != "brand" and value.istitle() else value


def price(part: Part, currency: str) -> str:
    """A price range: "under ₹1,500", "over ₹3,000", "₹1,000 to ₹2,000"; or the typed words."""
    if part.low is not None and part.high is not None:
        return f"{amount(part.low, currency)} to {amount(part.high, currency)}"
    if part.high is not None:
        return f"under {amount(part.high, currency)}"
    if part.low is not None:
        return f"over {amount(part.low, currency)}"
    return part.phrase.strip(" ,;").lower()
