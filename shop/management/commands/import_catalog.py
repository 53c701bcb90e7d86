import csv
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from catalog.importing import FIELDS, FileError, Report, import_catalog

SHOWN = 20


class Command(BaseCommand):
    help = (
        "Load products from a CSV, TSV or JSON Lines file, with their pictures from a folder."
        " Products are matched by SKU. Exit status: 0 all rows landed, 1 some were left out,"
        " 2 the file cannot be read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the catalogue; UTF-8, first line the header")
        parser.add_argument(
            "--images", type=Path, metavar="DIR", help="the folder that holds the picture files"
        )
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="COLUMN=FIELD",
            help=f"read a column as a field ({', '.join(FIELDS)}); an empty field ignores it",
        )
        parser.add_argument(
            "--errors", type=Path, metavar="FILE", help="write the rows left out to a CSV file"
        )
        parser.add_argument("--dry-run", action="store_true", help="check all, change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        quiet = options["verbosity"] == 0
        try:
            size = path.stat().st_size if path.is_file() else 0
            with tqdm(total=size, unit="B", unit_scale=True, desc="import", disable=quiet) as bar:
                report = import_catalog(
                    path,
                    options["images"],
                    self.mapping(options["map"]),
                    dry_run=options["dry_run"],
                    progress=bar.update,
                )
            if options["errors"]:
                write_errors(options["errors"], report)
        except FileError as error:
            raise CommandError(str(error), returncode=2) from error
        self.show(report, options["dry_run"])
        if report.errors:
            raise SystemExit(1)

    def mapping(self, pairs: list[str]) -> dict[str, str]:
        mapping = {}
        for pair in pairs:
            column, equals, field = pair.rpartition("=")
            if not equals or not column:
                raise CommandError(f"--map {pair}: write COLUMN=FIELD", returncode=2)
            mapping[column.strip()] = field.strip()
        return mapping

    def show(self, report: Report, dry_run: bool) -> None:
        for error in report.errors[:SHOWN]:
            named = f" ({error.sku})" if error.sku else ""
            self.stderr.write(f"line {error.line}{named}: {error.reason}")
        if len(report.errors) > SHOWN:
            more = len(report.errors) - SHOWN
            self.stderr.write(f"... and {more} more; --errors FILE writes them all")
        self.stdout.write(
            f"{'Would be: ' if dry_run else ''}{report.added} added, {report.updated} updated,"
            f" {report.unchanged} unchanged, {len(report.errors)} left out"
        )


def write_errors(path: Path, report: Report) -> None:
    """Raises FileError where the file cannot be written."""
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["line", "sku", "reason"])
            writer.writerows([error.line, error.sku, error.reason] for error in report.errors)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from error
