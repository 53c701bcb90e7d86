"""Changes of a query's text: without one of its parts, or with other words in its place."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import groupby

from catalog.search.cues import read_cues
from catalog.search.results import Results
from catalog.search.understanding import Part
from catalog.text import normalize_space

Understand = Callable[[str], Sequence[Part]]
"""Finds the parts of a text."""

SIGNS = re.compile(r'[^\w"]+')


def searched_text(results: Results) -> str:
    """The text that the places of the parts refer to."""
    return results.corrected or unicodedata.normalize("NFKC", results.spec.text)


def without(text: str, parts: Sequence[Part], part: Part, understand: Understand) -> str:
    """`text` without `part`; empty if it is the only part.

    Words before the part that also concern the next one stay: "not black or brown" without black
    is "not brown".
    """
    if len(parts) == 1:
        return ""
    *tried, simplest = _cut(text, parts, part)
    others = _meanings(it for it in parts if it is not part)
    return next((it for it in tried if _meanings(understand(it)) == others), simplest)


def _cut(text: str, parts: Sequence[Part], part: Part) -> Iterator[str]:
    """The ways to leave out the part, the best one first."""
    before, after = text[: part.start], text[part.stop :]
    following = next((it for it in parts if it.start >= part.stop), None)
    if following is not None and following.wanted == part.wanted and cue(part) + cue(following):
        yield _join(before, cue(part) + text[following.start + len(cue(following)) :])
    previous = next((it for it in reversed(parts) if it.stop <= part.start), None)
    if previous is not None and text[: previous.start].rstrip().endswith(","):
        # "not red, blue and brown" without brown is "not red and blue"
        start = text[: previous.start].rstrip().removesuffix(",")
        yield _join(start, cue(part), text[previous.start : part.start], after)
    yield _join(before, after)


def _meanings(parts: Iterable[Part]) -> list[tuple[object, ...]]:
    """What the parts mean; repeated ones count once, as in "red red shoes"."""
    return [
        key for key, _ in groupby((it.kind, it.value, it.wanted, it.low, it.high) for it in parts)
    ]


def quoted(text: str, part: Part) -> str:
    """`text` with `part` in double quotes, so that its words are searched literally."""
    return _replaced(text, part, f'{cue(part)}"{own_words(part)}"')


def replaced(text: str, part: Part, value: str) -> str:
    """`text` with `value` in place of what `part` names."""
    return _replaced(text, part, cue(part) + value)


def own_words(part: Part) -> str:
    """The words of the phrase without those of `cue`, quotation marks and punctuation around it."""
    return normalize_space(part.phrase[len(cue(part)) :].replace('"', " ")).strip(" ,;")


def cue(part: Part) -> str:
    """The words of the phrase that come before what it names: "for ", "that are not ", "-"; empty
    if they are not known."""
    if part.why == "excluded" and (signs := SIGNS.match(part.phrase)):
        return signs[0]
    named = part.phrase.rstrip('"')
    if part.words and named.endswith(part.words):
        return named.removesuffix(part.words).rstrip('"')
    # What no product has is named as typed, not by the words to search for.
    linked = _links().match(part.phrase) if part.why == "absent" else None
    return linked[0] if linked else ""


@cache
def _links() -> re.Pattern[str]:
    """The cues that link a phrase to what comes before it: "or", "und", "pour"."""
    found = {it.phrase for it in read_cues() if it.cue in ("or", "and", "for")}
    phrases = sorted(found, key=len, reverse=True)
    return re.compile(f"(?:{'|'.join(map(re.escape, phrases))}) +", re.IGNORECASE)


def _replaced(text: str, part: Part, words: str) -> str:
    return _join(text[: part.start], words, text[part.stop :])


def _join(*pieces: str) -> str:
    return normalize_space(" ".join(pieces)).replace(" ,", ",").strip(" ,;")
