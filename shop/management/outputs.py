"""What commands write: the summary on stdout, and files, which are checked at the start and
written at the end."""

import csv
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from django.core.management.base import OutputWrapper

from catalog.text import as_cell, printable


class PlainOutput(OutputWrapper):
    """Escapes control characters, which a file or an address can contain, for the terminal."""

    def write(  # type: ignore[override]
        self,
        msg: str = "",
        style_func: Callable[[str], str] | None = None,
        ending: str | None = None,
    ) -> None:
        super().write(printable(msg), style_func, ending)


class SummaryLine:
    """The result of a command with several parts: each on a line of its own on a terminal, and all
    in one line of a log, at the end of the `with` block."""

    def __init__(self, stream: OutputWrapper) -> None:
        self._stream = stream
        self._parts: list[str] = []

    def __enter__(self) -> Self:
        return self

    def add(self, part: str) -> None:
        if self._stream.isatty():
            self._stream.write(part)
        else:
            self._parts.append(part)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._parts:
            self._stream.write("; ".join(self._parts))


def output_file(text: str) -> Path:
    """An argument type for argparse: a writable file.

    It is opened now, not after hours of work. Its content is not changed yet.
    """
    path = Path(text)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        path.open("a").close()
        if is_new:
            path.unlink()
    except OSError as error:
        raise ArgumentTypeError(f"{text}: {error.strerror}") from error
    return path


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file.

    Raises:
        OSError: the file cannot be written.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([as_cell(value) for value in row] for row in rows)
