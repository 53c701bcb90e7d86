"""Progress of long tasks on stderr: a bar on a terminal, otherwise a line every so often."""

import sys
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self, TextIO, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")

INTERVAL = 30.0
"""Minimum number of seconds between two lines. The last line is printed at the end."""
LINE = "{desc}: {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_noinv_fmt}{postfix}]"


class Progress:
    """Shows the progress of a task until the end of its `with` block.

    Args:
        label: the name of the task.
        unit: the unit that is counted, with a leading space: the rate is shown as `24 texts/s`.
        total: the number of units, if it is known.
        quiet: show nothing.
        transient: remove the bar from the terminal at the end.
        more: further arguments of `tqdm`.
    """

    def __init__(
        self,
        label: str,
        unit: str,
        total: int | None = None,
        *,
        quiet: bool = False,
        transient: bool = False,
        **more: Any,
    ) -> None:
        self._by_lines = not sys.stderr.isatty()
        if self._by_lines:  # the delay suppresses the empty bar at the start
            more |= {"file": _Lines(sys.stderr), "leave": False, "bar_format": LINE}
            more |= {"mininterval": INTERVAL, "miniters": 1, "delay": 1e-9}
        else:
            more |= {"file": sys.stderr, "leave": not transient}
        self._bar = tqdm(total=total, desc=label, unit=unit, disable=quiet, **more)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._by_lines and not self._bar.disable and self._bar.n != self._bar.last_print_n:
            self._bar.refresh()
        self._bar.close()

    def advance(self, amount: int = 1, detail: str = "") -> None:
        """Add `amount` to the progress; `detail` is shown after the rate."""
        if detail:
            self._bar.set_postfix_str(detail, refresh=False)
        self._bar.update(amount)

    def count(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items, and count each."""
        for item in items:
            self._bar.update()
            yield item

    def reach(self, done: int, total: int) -> None:
        """Set the progress and the total, for tasks that report absolute numbers."""
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def relabel(self, label: str) -> None:
        self._bar.desc = label

    def note(self, text: str) -> None:
        """Print a line without breaking the bar."""
        self._bar.write(text, file=sys.stderr)


class _Lines:
    """A file for tqdm that prints each state of the bar as a line."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> None:
        if line := text.strip():
            self.stream.write(f"{line}\n")

    def flush(self) -> None:
        self.stream.flush()
