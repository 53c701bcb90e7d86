"""What a shopper types into the search box, taken apart."""

import re
from dataclasses import dataclass

# Lone surrogates are no text: no database and no tokenizer takes them.
SPACE = re.compile(r"[\s\x00\ud800-\udfff]+")
EXCLUDED = re.compile(
    r'(?<!\S)-+(?:"(?P<phrase>[^"]*\w[^"]*)"|(?P<word>(?=\w*[^\W\d_])\w+(?:[-\'\u2019]\w+)*))'
)
LONE_HYPHENS = re.compile(r"(?<!\S)-+(?!\S)")
WITHOUT = re.compile(r"(?<!\S)(?:without|but not)(?![^\s,])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Query:
    """A search text's parts, each with single spaces.

    `words` is what is looked for. `excluded` are words, or phrases typed in quotes, that must
    not occur. `without` describes what the results should be unlike.
    """

    words: str = ""
    excluded: tuple[str, ...] = ()
    without: str = ""


def parse_query(text: str) -> Query:
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
        word = _tidy(match["phrase"] or match["word"])
        excluded.setdefault(word.casefold(), word)
        return " "

    text = EXCLUDED.sub(exclude, SPACE.sub(" ", text))
    words, *rest = WITHOUT.split(LONE_HYPHENS.sub(" ", text))
    without = []
    for part in rest:
        away, _, more = part.partition(",")
        without.append(away)
        words += f" {more}"
    return Query(_tidy(words), tuple(excluded.values()), _tidy(" ".join(without)))


def _tidy(text: str) -> str:
    return " ".join(text.split())
