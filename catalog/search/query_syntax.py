"""Parses the text that a shopper types into the search box."""

import re
from dataclasses import dataclass

from catalog.text import normalize_space

EXCLUDED = re.compile(
    r'(?<!\S)-+(?:"(?P<phrase>[^"]*\w[^"]*)"|(?P<word>(?=\w*[^\W\d_])\w+(?:[-\'\u2019]\w+)*))'
)
LONE_HYPHENS = re.compile(r"(?<!\S)-+(?!\S)")
WITHOUT = re.compile(r"(?<!\S)(?:without|but not)(?![^\s,])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ParsedText:
    """The parts of a search text, each with whitespace normalized.

    `words` is the text to search for. `excluded` are words or quoted phrases that no result may
    contain. `without` describes what the results should not resemble.
    """

    words: str = ""
    excluded: tuple[str, ...] = ()
    without: str = ""


def parse_text(text: str) -> ParsedText:
    """Parse a search text. Every text is valid.

    - `-word` and `-"some words"` exclude. The hyphen must be at the start or after a space, and a
      word must contain a letter: "t-shirt", "-5" and "5 - 7" exclude nothing. Hyphens by themselves
      are dropped.
    - "without …" and "but not …" start a description of what to avoid, which ends at a comma or at
      the end of the text. Several descriptions are joined. An empty one is dropped, because the
      shopper is probably still typing.
    - Everything else is words to search for.
    """
    excluded: dict[str, str] = {}

    def exclude(match: re.Match[str]) -> str:
        word = normalize_space(match["phrase"] or match["word"])
        excluded.setdefault(word.casefold(), word)
        return " "

    text = EXCLUDED.sub(exclude, normalize_space(text))
    words, *rest = WITHOUT.split(LONE_HYPHENS.sub(" ", text))
    without = []
    for part in rest:
        avoided, _, more = part.partition(",")
        without.append(avoided)
        words += f" {more}"
    return ParsedText(
        normalize_space(words), tuple(excluded.values()), normalize_space(" ".join(without))
    )
