"""Reads feeds in XML, RSS and Atom, such as those for Google Merchant Center, item by item.

The file is read twice: first for the names of all elements, which become the columns, and then for
the items. Entities are refused, since a few lines of them can fill the memory.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from catalog.importing.cells.texts import FieldError
from catalog.importing.columns.mapping import Columns
from catalog.importing.columns.names import PICTURES
from catalog.importing.columns.report import ColumnReport
from catalog.importing.feeds.formats import PLAIN, feed_formats, normalise_name, recognise
from catalog.importing.feeds.variants import Record
from catalog.importing.product_row import ReadRow
from catalog.importing.sources.records import FileOptions, parse_rows
from catalog.importing.sources.text_file import Progress

ITEMS = ("item", "entry")
"""What RSS and Atom call an item."""

GOOGLE = "http://base.google.com/ns/1.0"
CHUNK = 65_536
MAX_VALUE = 1_000_000
"""The maximum length of a value, in characters."""

Item = tuple[int, dict[str, list[str]]]
"""The line on which an item begins, and its values by the names of its elements."""


def read_xml(
    file: BinaryIO, options: FileOptions, progress: Progress, report: ColumnReport
) -> Iterator[ReadRow]:
    """The rows of a feed.

    Raises:
        FieldError: the file is not well-formed, has entities or no items, or a column is missing.
    """
    names: dict[str, None] = {}
    is_google = False
    for _, values in _read_items(file, options.encoding, lambda size: None):
        names |= dict.fromkeys(values)
        is_google = is_google or GOOGLE in values
    names.pop(GOOGLE, None)
    if not names:
        raise FieldError("no products: RSS has them in <item>, Atom in <entry>")
    feed = options.chosen_format()
    if feed is None:
        feed = recognise(map(normalise_name, names)) or PLAIN
        if is_google and not feed:
            feed = feed_formats()["google_merchant"]
    columns = Columns.from_header(list(names), options.mapping, feed)
    report.format = f"{feed.label or 'a feed'} in XML"
    report.add(columns)
    records = _to_records(_read_items(file, options.encoding, progress), columns)
    yield from parse_rows(records, columns, report)


def _to_records(items: Iterator[Item], columns: Columns) -> Iterator[Record]:
    """The cells of each item. Only pictures and attributes may have several values."""
    fields = {it for name, them in columns.fields.items() if name not in PICTURES for it in them}
    for line, values in items:
        values.pop(GOOGLE, None)
        cells: dict[str, Any] = dict.fromkeys(columns.names, "")
        for name, texts in values.items():
            cells[name] = texts[0] if name in fields or len(texts) == 1 else texts
        yield line, cells, ""


def _read_items(file: BinaryIO, encoding: str, progress: Progress) -> Iterator[Item]:
    file.seek(0)
    builder = _Builder()
    parser = DefusedXMLParser(target=builder, encoding=encoding or None)
    builder.expat = parser.parser
    try:
        while content := file.read(CHUNK):
            parser.feed(content)
            progress(len(content))
            yield from builder.items
            builder.items.clear()
        parser.close()
    except DefusedXmlException as error:
        raise FieldError(
            f"the XML declares entities or other files, which is refused: {error}"
        ) from error
    except (ParseError, LookupError, ValueError) as error:
        if isinstance(error, FieldError):
            raise
        raise FieldError(f"the XML is not well-formed: {error}") from error
    yield from builder.items


class _Builder:
    """Collects the items of a feed from the events of a parser. A value in Google's namespace comes
    before one of RSS or Atom with the same name. Elements that contain others are left out."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.expat: Any = None
        self.item: dict[str, list[tuple[bool, str]]] | None = None
        self.line = self.depth = self.size = 0
        self.text: list[str] = []
        self.is_leaf = True

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Called at the beginning of an element."""
        if self.item is None:
            if tag.rpartition("}")[2] in ITEMS:
                self.item, self.depth, self.line = {}, 0, self.expat.CurrentLineNumber
            return
        self.depth += 1
        self.is_leaf = self.depth == 1
        self.text, self.size = [attributes.get("href", "")], 0

    def data(self, text: str) -> None:
        """Called with text, perhaps several times for one element."""
        if self.item is not None:
            self.size += len(text)
            if self.size > MAX_VALUE:
                line = self.expat.CurrentLineNumber
                raise FieldError(f"a value has more than {MAX_VALUE:,} characters: line {line}")
            self.text.append(text)

    def end(self, tag: str) -> None:
        """Called at the end of an element."""
        if self.item is None:
            return
        if self.depth == 0:
            self.items.append((self.line, _choose(self.item)))
            self.item = None
        elif self.depth == 1 and self.is_leaf:
            space, _, name = tag.removeprefix("{").rpartition("}")
            href, *texts = self.text
            value = "".join(texts).strip() or href
            self.item.setdefault(name, []).append((space == GOOGLE, value))
        self.depth -= 1
        self.size = 0

    def close(self) -> None:
        """Called at the end of the file."""


def _choose(item: dict[str, list[tuple[bool, str]]]) -> dict[str, list[str]]:
    """The values by name, and a mark if there are any of Google."""
    values = {}
    for name, found in item.items():
        of_google = [text for is_google, text in found if is_google]
        values[name] = of_google or [text for _, text in found]
        if of_google:
            values[GOOGLE] = []
    return values
