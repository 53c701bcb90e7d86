"""Normalizes text from outside before any other code reads it, and names for display.

The form in which texts are compared, without case and accents, is the SQL function
`public.fold_text`; `fold` is the same in Python.
"""

import re
import unicodedata
from html.parser import HTMLParser

# Lone surrogates are invalid text, which no database or tokenizer accepts.
SPACE = re.compile(r"[\s\x00\ud800-\udfff]+")

PLACEHOLDERS = frozenset({"nan", "null", "none", "n/a", "#n/a"})
"""What programs write for a missing value, in lower case."""

HIDDEN = frozenset({"script", "style", "template", "noscript", "head"})
INLINE = frozenset(
    {
        *("a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "del", "em", "font", "i", "ins"),
        *("kbd", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup"),
        *("tt", "u", "var", "wbr"),
    }
)
"""Elements within a line. All others separate words."""
BLOCKS = (
    *("address", "article", "aside", "audio", "blockquote", "body", "br", "button", "canvas"),
    *("caption", "center", "col", "colgroup", "dd", "details", "dir", "div", "dl", "dt"),
    *("fieldset", "figcaption", "figure", "footer", "form", "frame", "h[1-6]", "header", "hr"),
    *("html", "iframe", "img", "input", "label", "legend", "li", "link", "main", "map", "menu"),
    *("meta", "nav", "object", "ol", "optgroup", "option", "p", "param", "picture", "pre"),
    *("section", "select", "source", "summary", "svg", "table", "tbody", "td", "textarea"),
    *("tfoot", "th", "thead", "title", "tr", "track", "ul", "video", r"[a-z]+[:-][\w:-]+"),
)
TAG = rf"/?(?:{'|'.join((*INLINE, *HIDDEN, *BLOCKS))})(?:\s[^<>]*)?/?>|!--|!doctype"
MARKUP = re.compile(rf"<(?:{TAG})|&(?:#\d+|#x[0-9a-f]+|[a-z][a-z0-9]*);", re.IGNORECASE)
LESS_THAN = re.compile(rf"<(?!{TAG})", re.IGNORECASE)

FOLDED = str.maketrans(
    {
        **dict(zip("øłđħŧı", "oldhti", strict=True)),
        **{"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"},
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032`\u00b4", "'"),
    }
)


CONTROL = re.compile(
    r"\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
    r"\ud800-\udfff]"
)
"""Characters that control a terminal or the direction of a text, and halves of surrogate pairs."""

FORMULA = re.compile("'*[-=+@\t\r]")


def printable(text: str) -> str:
    """`text` for a terminal or a log: control characters are escaped, line breaks and tabs kept."""
    return CONTROL.sub(lambda it: ascii(it[0])[1:-1], text)


def as_cell(value: object) -> str:
    """`value` for a cell of a CSV file: spreadsheets must not take it for a formula.

    `from_cell` is the reverse.
    """
    text = str(value)
    return f"'{text}" if FORMULA.match(text) else text


def from_cell(text: str) -> str:
    """The text that `as_cell` wrote."""
    return text[1:] if text[:1] == "'" and FORMULA.match(text) else text


def normalize_space(text: str) -> str:
    """Replace each run of whitespace, NUL and lone surrogates by one space, and strip both ends."""
    return SPACE.sub(" ", text).strip()


def compose(text: str) -> str:
    """The text in Unicode's normal form C, in which an accented letter is one character."""
    return unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """The text without case and accents, to compare words."""
    decomposed = unicodedata.normalize("NFKD", text.lower().translate(FOLDED))
    letters = "".join(char for char in decomposed if not "\u0300" <= char <= "\u036f")
    return letters.lower().translate(FOLDED)


def is_placeholder(text: str) -> bool:
    """Whether the text stands for a missing value, such as "N/A"."""
    return text.lower() in PLACEHOLDERS


def html_to_text(text: str) -> str:
    """The text that a reader of the HTML sees, on one line. Text without markup is unchanged.

    Markup is a complete tag of HTML or an entity, so that "2<3", "<medium>" and "A & B" are none.
    The content of scripts and styles is left out. Feeds may escape HTML twice, which is undone too.
    """
    for _ in range(2):
        if not MARKUP.search(text):
            break
        parser = _Text()
        parser.feed(LESS_THAN.sub("&lt;", text))
        parser.close()
        text = normalize_space("".join(parser.parts))
    return text


def readable(name: str) -> str:
    """The name of an attribute as a label: without underscores, with a capital letter."""
    words = normalize_space(name.replace("_", " "))
    return words[:1].upper() + words[1:]


class _Text(HTMLParser):
    """Collects the visible text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.hidden += tag in HIDDEN
        self._separate(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self._separate(tag)

    def handle_endtag(self, tag: str) -> None:
        self.hidden = max(0, self.hidden - (tag in HIDDEN))
        self._separate(tag)

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(data)

    def _separate(self, tag: str) -> None:
        if tag not in INLINE and not self.hidden:
            self.parts.append(" ")
