"""Reads a file as lines of text: detects its encoding and its line ends.

Only a few kilobytes are in memory at once.
"""

import codecs
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from catalog.importing.row_notes import FileError

HEAD = 65_536
"""Bytes from which the encoding and the format are detected."""

MAX_LINE = 10_000_000
"""The maximum length of a line, in characters."""

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
NOT_TEXT = {
    b"PK\x03\x04": "an Excel workbook or a ZIP file: export it as CSV (UTF-8)",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: export it as CSV (UTF-8)",
    b"\x1f\x8b": "compressed: unpack it with gunzip",
    b"%PDF": "a PDF",
    b"<?xml": "XML: give its name the suffix .xml",
    b"<rss": "XML: give its name the suffix .xml",
    b"<!doctype": "a web page, perhaps the login page of the shop",
    b"<html": "a web page, perhaps the login page of the shop",
}
"""Beginnings of files that are no tables, and what to tell about them."""

LINE_END = re.compile(r"\r\n?|\n")
QUOTED = re.compile(r'"[^"]*"')

Progress = Callable[[int], None]
"""Called with the number of bytes read."""


class TextFile:
    """A file as text. `head` is its beginning, without a byte order mark.

    Args:
        encoding: "" detects it: UTF-8, or UTF-16 or UTF-32 with a byte order mark.

    Raises:
        FileError: unknown encoding, or the file is no text.
    """

    def __init__(self, file: BinaryIO, encoding: str = "") -> None:
        self.file = file
        head = file.read(HEAD)
        for mark, what in NOT_TEXT.items():
            if head.lstrip()[:20].lower().startswith(mark.lower()):
                raise FileError(f"the file is {what}")
        self.encoding = encoding or detect_encoding(head)
        try:
            text = head.decode(self.encoding, "ignore")
        except (LookupError, ValueError) as error:
            raise FileError(f"--encoding: no encoding {self.encoding!r}") from error
        self.head = text.removeprefix("\ufeff")
        self.line_end = _detect_line_end(self.head)

    def head_lines(self) -> list[str]:
        """The complete lines of the head, or the only one."""
        lines = self.head.split(self.line_end) if self.line_end else LINE_END.split(self.head)
        return lines[:-1] or lines

    def lines(self, progress: Progress = lambda size: None) -> Iterator[str]:
        """All lines with their ends. Bytes that are not UTF-8 become lone surrogates.

        Raises:
            FileError: a line is too long.
        """
        self.file.seek(0)
        yield from self._lines(self.file, progress)

    def reopened(self) -> Iterator[str]:
        """All lines, in a reading of their own beside `lines`."""
        with Path(self.file.name).open("rb") as file:
            yield from self._lines(file, lambda size: None)

    def _lines(self, file: BinaryIO, progress: Progress) -> Iterator[str]:
        # Surrogates stand for single bytes, which UTF-16 and UTF-32 have none of.
        errors = "replace" if "16" in self.encoding or "32" in self.encoding else "surrogateescape"
        text = io.TextIOWrapper(
            io.BufferedReader(_Counted(file, progress), HEAD),
            self.encoding,
            errors,
            newline=self.line_end,
        )
        for number, line in enumerate(iter(lambda: text.readline(MAX_LINE), ""), start=1):
            if len(line) == MAX_LINE:
                raise FileError(f"line {number} has more than {MAX_LINE:,} characters")
            yield line.removeprefix("\ufeff") if number == 1 else line


def detect_encoding(head: bytes) -> str:
    """The encoding by the byte order mark, or by the zeros of Latin letters in UTF-16."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return encoding
    if len(head) >= 4 and head[0] and head[2] and not head[1] and not head[3]:
        return "utf-16-le"
    if len(head) >= 4 and head[1] and head[3] and not head[0] and not head[2]:
        return "utf-16-be"
    return "utf-8"


def _detect_line_end(head: str) -> str:
    """CR or LF (with or without CR), or "" if the header ends with a CR and most rows do not.

    A CR within a cell is no line end if lines end otherwise, nor is an LF in files of old Macs.
    """
    ends = LINE_END.findall(QUOTED.sub("", head))
    if not ends or ends[0] != "\r":
        return "\n"
    return "\r" if 2 * ends.count("\r") > len(ends) else ""


class _Counted(io.RawIOBase):
    """A file that reports how much of it was read. Closing it does not close the file."""

    def __init__(self, file: BinaryIO, progress: Progress) -> None:
        self.file = file
        self.progress = progress

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        content = self.file.read(len(buffer))
        buffer[: len(content)] = content
        self.progress(len(content))
        return len(content)
