"""What a shopper types into the search box, taken apart."""

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
    """A search text's parts, each with single spaces.

    `words` is what is looked for. `excluded` are words, or phrases typed in quotes, that must
    not occur. `without` describes what the results should be unlike.
    """

    words: str = ""
    excluded: tuple[str, ...] = ()
    without: str = ""


def parse_text(text: str) -> ParsedText:
    """Take a search text apart; any text will do.

    - `-word` and `-"some words"` exclude. The hyphen stands at the start or after a space and
      before a word with a letter: "t-shirt", "-5" and "5 - 7" exclude nothing. Hyphens by
      themselves mean nothing and are dropped.
    - "without …" or "but not …", up to a comma or the end, is what to push away; several come
      together. With nothing behind it, the shopper is still typing, and it is dropped.
    - All else is words, just as typed.
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
        away, _, more = part.partition(",")
        without.append(away)
        words += f" {more}"
    return ParsedText(
        normalize_space(words), tuple(excluded.values()), normalize_space(" ".join(without))
    )
