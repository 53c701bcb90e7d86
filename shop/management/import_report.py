"""What `import_catalog` writes about an import."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from django.core.management.base import OutputWrapper

from catalog.importing import CompleteCatalogue, Report
from catalog.importing.columns.names import PICTURES
from catalog.importing.row_notes import RowNote, Unit
from shop.management.base import MAX_LISTED
from shop.management.outputs import write_csv

MAX_REASONS = 5
"""The maximum number of reasons for rows that are left out."""

MAX_ROWS = 3
"""The maximum number of rows that are named for each of them."""


class ImportReport:
    """The report of an import on the terminal, and as a file.

    Args:
        unit: what the numbers of the rows count.
    """

    def __init__(
        self,
        stdout: OutputWrapper,
        stderr: OutputWrapper,
        report: Report,
        complete: CompleteCatalogue | None,
        unit: Unit,
    ) -> None:
        self.stdout, self.stderr = stdout, stderr
        self.report, self.complete, self.unit = report, complete, unit

    def write(self, with_columns: bool, dry_run: bool) -> None:
        """Write the columns if wanted, the first notes, and one line with the numbers."""
        report = self.report
        if with_columns:
            self._write_columns()
        for warning in report.columns.warnings(self.unit):
            self.stderr.write(f"warning: {warning}")
        self._list_notes(report.warnings, "warning: ")
        self._list_notes(report.errors)
        self._list_left_out()
        counts = [
            *(f"{report.added} added", f"{report.updated} updated"),
            *(f"{report.unchanged} unchanged", f"{len(report.errors)} skipped"),
        ]
        if report.left_out:
            counts.append(f"{len(report.left_out)} left out")
        if report.warnings:
            counts.append(f"{len(report.warnings)} warning{'s' * (len(report.warnings) > 1)}")
        if self.complete:
            counts.append(f"{len(report.missing)} {self.complete.done}")
            self._write_missing(self.complete)
        self.stdout.write(f"{'Would be: ' if dry_run else ''}{', '.join(counts)}")

    def write_file(self, file: Path) -> None:
        """Write all notes, and the missing products, as CSV.

        Raises:
            OSError: the file cannot be written.
        """
        report = self.report
        kinds: dict[str, Sequence[RowNote]] = {
            **{"skipped": report.errors, "warning": report.warnings, "left out": report.left_out}
        }
        rows: list[tuple[object, ...]] = [
            (note.line, note.sku, kind, note.reason)
            for kind, notes in kinds.items()
            for note in notes
        ]
        if self.complete:
            rows += [("", sku, "missing", self.complete.done) for sku in report.missing]
        write_csv(file, [self.unit, "sku", "kind", "reason"], rows)

    def _write_columns(self) -> None:
        columns = self.report.columns
        self.stderr.write(f"Read as {columns.format}")
        uses = (
            name if it == (name,) else f"{name} from {' + '.join(it)}"
            for name, it in columns.fields.items()
        )
        lists = {
            **{"Fields": list(uses), "Used by the format": columns.by_format},
            **{"Attributes": columns.attributes, "Ignored": columns.ignored},
        }
        for use, names in lists.items():
            if names:
                self.stderr.write(f"{use}: {', '.join(name or '(no name)' for name in names)}")
        if not self.report.with_pictures and self.report.imported:
            by_name = columns.fields.keys().isdisjoint(PICTURES)
            hint = " --images DIR takes those that are named after the SKU." if by_name else ""
            self.stderr.write(f"No row has a picture.{hint}")

    def _write_missing(self, complete: CompleteCatalogue) -> None:
        done = complete.done
        self._list([f"{_printable(sku)}: missing: {done}" for sku in self.report.missing])
        if complete.without_sku:
            self.stderr.write(
                f"No missing product was {done}: the SKU on {self.unit}"
                f" {complete.without_sku[0]} is unknown"
            )

    def _list_notes(self, notes: Sequence[RowNote], prefix: str = "") -> None:
        lines = [f"{self._named(note)}: {note.reason}" for note in notes[: MAX_LISTED + 1]]
        self._list(lines, prefix, len(notes))

    def _list_left_out(self) -> None:
        """The most frequent reasons, each with its first rows."""
        rows: dict[str, list[RowNote]] = defaultdict(list)
        for note in self.report.left_out:
            rows[note.reason].append(note)
        frequent = sorted(rows.items(), key=lambda it: -len(it[1]))
        for reason, notes in frequent[:MAX_REASONS]:
            named = ", ".join(map(self._named, notes[:MAX_ROWS]))
            more = len(notes) - MAX_ROWS
            self.stderr.write(
                f"left out: {named}{f' and {more} more' if more > 0 else ''}: {reason}"
            )

    def _named(self, note: RowNote) -> str:
        return f"{self.unit} {note.line}" + (f" ({_printable(note.sku)})" if note.sku else "")

    def _list(self, lines: Sequence[str], prefix: str = "", total: int = 0) -> None:
        for line in lines[:MAX_LISTED]:
            self.stderr.write(f"{prefix}{line}")
        more = max(total, len(lines)) - MAX_LISTED
        if more > 0:
            self.stderr.write(f"{prefix}... and {more} more; --errors FILE writes all of them")


def _printable(sku: str) -> str:
    return repr(sku)[1:-1][:80]
