from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from catalog.db.connection import connect
from catalog.importing import FIELDS, FileError, Report, import_catalog
from embedding.progress import Progress
from shop.management.base import INTERRUPTED, MAX_LISTED, CatalogCommand
from shop.management.demo_products import find_demo_products
from shop.management.outputs import output_file, write_csv


class Command(CatalogCommand):
    help = (
        "Import products from a CSV, TSV or JSON Lines file, and their pictures from a folder."
        " Products are matched by SKU. Products and columns that are not in the file are kept."
        " Exit status: 0 all rows imported, 1 some rows skipped, 2 misuse, no database, or a file"
        " that cannot be read completely, 130 stopped by Ctrl-C."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            type=Path,
            help="a UTF-8 file: .csv or .tsv with a header, or .jsonl with one object per line",
        )
        parser.add_argument(
            "--images",
            type=Path,
            metavar="DIR",
            help="the folder of the picture files, if the file names any",
        )
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="COLUMN=FIELD",
            help=f"read a column as a field ({', '.join(FIELDS)}), can be repeated; COLUMN= ignores"
            " the column; columns that match no field become attributes",
        )
        parser.add_argument(
            "--errors",
            type=output_file,
            metavar="FILE",
            help="write the skipped rows and the reasons to a CSV file",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="check everything, including pictures, and change nothing",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        report = Report()
        try:
            self.load(report, options)
        except BaseException as error:
            if report.rows:  # these rows are committed
                self.write_report(report, options)
            if isinstance(error, KeyboardInterrupt):
                self.stderr.write(
                    "Stopped. Imported rows stay; the same command imports the others."
                )
                raise SystemExit(INTERRUPTED) from None
            if isinstance(error, FileError):
                after = f"stopped after {report.rows} rows: " if report.rows else ""
                raise CommandError(f"{after}{error}", returncode=2) from error
            raise
        self.write_report(report, options)
        if not options["dry_run"]:
            self.warn_of_demo()
        if report.errors:
            raise SystemExit(1)

    def load(self, report: Report, options: dict[str, Any]) -> None:
        path: Path = options["file"]
        with connect() as connection:  # fails on missing tables, before the file is read
            connection.exec_driver_sql("SELECT FROM product LIMIT 0")
        size = path.stat().st_size if path.is_file() else 0
        quiet = options["verbosity"] == 0
        with Progress("import", "B", size, quiet=quiet, unit_scale=True) as bar:
            import_catalog(
                path,
                options["images"],
                self.mapping(options["map"]),
                dry_run=options["dry_run"],
                progress=bar.advance,
                report=report,
            )

    def warn_of_demo(self) -> None:
        with connect() as connection:
            found = find_demo_products(connection)
        if found.ids and found.others:
            self.stderr.write(
                f"The catalogue still has products of the demo ({len(found.ids)});"
                " ./manage.py demo --remove removes them"
            )

    def mapping(self, pairs: list[str]) -> dict[str, str]:
        mapping = {}
        for pair in pairs:
            column, equals, field = pair.rpartition("=")
            if not equals or not column:
                raise CommandError(f"--map {pair}: must be COLUMN=FIELD", returncode=2)
            mapping[column.strip()] = field.strip()
        return mapping

    def write_report(self, report: Report, options: dict[str, Any]) -> None:
        for error in report.errors[:MAX_LISTED]:
            named = f" ({error.sku})" if error.sku else ""
            self.stderr.write(f"line {error.line}{named}: {error.reason}")
        if len(report.errors) > MAX_LISTED:
            more = len(report.errors) - MAX_LISTED
            self.stderr.write(f"... and {more} more; --errors FILE writes all of them")
        self.stdout.write(
            f"{'Would be: ' if options['dry_run'] else ''}{report.added} added,"
            f" {report.updated} updated, {report.unchanged} unchanged,"
            f" {len(report.errors)} skipped"
        )
        if file := options["errors"]:
            rows = ([error.line, error.sku, error.reason] for error in report.errors)
            write_csv(file, ["line", "sku", "reason"], rows)
