from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from catalog import config
from catalog.db.connection import connect
from catalog.importing import (
    FIELDS,
    CompleteCatalogue,
    FileError,
    MissingProductsError,
    Report,
    feed_formats,
    import_catalog,
    import_rows,
)
from catalog.importing.feeds.formats import PLAIN_NAMES
from catalog.importing.row_notes import Unit
from catalog.importing.sources.sql_query import read_query
from embedding.progress import Progress
from shop.management.base import INTERRUPTED, CatalogCommand, is_interrupted
from shop.management.demo_products import find_demo_products
from shop.management.import_report import ImportReport
from shop.management.outputs import output_file


class Command(CatalogCommand):
    help = (
        "Import products from a table (CSV, TSV), a shop's feed (also RSS) or a JSON Lines file, or"
        " from a query in another database, and their pictures from a folder. Products are matched"
        " by SKU. Products and columns that are not in the file are kept; with --complete, products"
        " that are not in it are hidden or deleted. Exit status: 0 all rows imported, perhaps with"
        " warnings, 1 some rows skipped, 2 misuse, no database, a file that cannot be read"
        " completely, or too many products missing from it, 130 stopped by Ctrl-C."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            type=Path,
            nargs="?",
            help="a file in UTF-8 or UTF-16: .csv, .tsv or .txt with a header, .jsonl with one"
            " object per line, or .xml with a feed in RSS or Atom",
        )
        parser.add_argument(
            "--format",
            default="",
            choices=[*feed_formats(), *PLAIN_NAMES],
            help="the format of the feed, if it is not recognised by its header; none reads the"
            " columns by their names alone",
        )
        parser.add_argument(
            "--encoding",
            default="",
            metavar="NAME",
            help="the encoding of a file that is not UTF-8 or UTF-16, such as windows-1252",
        )
        parser.add_argument(
            "--from-sql",
            type=Path,
            metavar="FILE",
            help="read the rows of the SELECT statement in this file instead, from --database",
        )
        parser.add_argument(
            "--database",
            metavar="URL",
            help="the database of --from-sql, as an address of SQLAlchemy (default:"
            " IMPORT_DATABASE_URL, which keeps a password out of the list of processes)",
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
            help="write the skipped rows, the rows left out and the warnings to a CSV file",
        )
        parser.add_argument(
            "--complete",
            action="store_true",
            help="the file contains all products: those that are missing from it are hidden or"
            " deleted, after all rows were read",
        )
        parser.add_argument(
            "--missing",
            choices=["hide", "delete"],
            help="with --complete: mark missing products as out of stock (default), or delete them",
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="with --complete: hide or delete even more than a fifth of the products",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="check everything, including pictures, and change nothing",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.check_options(options)
        report = Report()
        complete = None
        if options["complete"]:
            complete = CompleteCatalogue(options["missing"] or "hide", options["force"])
        try:
            self.load(report, complete, options)
        except BaseException as error:
            if report.rows:  # these rows are committed
                self.write_report(report, complete, options)
            if is_interrupted(error):
                self.stderr.write(
                    "Stopped. Imported rows stay; the same command imports the others."
                )
                raise SystemExit(INTERRUPTED) from None
            if isinstance(error, FileError):
                after = f"stopped after {report.rows} rows: " if report.rows else ""
                raise CommandError(f"{after}{error}", returncode=2) from error
            if isinstance(error, MissingProductsError):
                self.warn_of_demo()
            raise
        self.write_report(report, complete, options)
        if not options["dry_run"]:
            self.warn_of_demo()
        if report.errors:
            raise SystemExit(1)

    def check_options(self, options: dict[str, Any]) -> None:
        """Check that the options go together."""
        if (options["file"] is None) == (options["from_sql"] is None):
            raise CommandError("name either a file or --from-sql FILE", returncode=2)
        if options["from_sql"] and (options["format"] or options["encoding"]):
            raise CommandError("--format and --encoding require a file", returncode=2)
        if options["database"] and not options["from_sql"]:
            raise CommandError("--database requires --from-sql", returncode=2)
        if (options["missing"] or options["force"]) and not options["complete"]:
            raise CommandError("--missing and --force require --complete", returncode=2)

    def load(
        self, report: Report, complete: CompleteCatalogue | None, options: dict[str, Any]
    ) -> None:
        with connect() as connection:  # fails on missing tables, before the file is read
            connection.exec_driver_sql("SELECT FROM product LIMIT 0")
        quiet = options["verbosity"] == 0
        mapping = self.mapping(options["map"])
        if options["from_sql"]:
            self.load_query(report, complete, mapping, options)
            return
        path: Path = options["file"]
        size = path.stat().st_size if path.is_file() else 0
        with Progress("import", "B", size, quiet=quiet, unit_scale=True) as bar:
            import_catalog(
                path,
                options["images"],
                mapping,
                format=options["format"],
                encoding=options["encoding"],
                dry_run=options["dry_run"],
                complete=complete,
                progress=bar.advance,
                report=report,
            )

    def load_query(
        self,
        report: Report,
        complete: CompleteCatalogue | None,
        mapping: dict[str, str],
        options: dict[str, Any],
    ) -> None:
        address = options["database"] or config.settings().import_database_url
        if not address:
            raise CommandError(
                "--from-sql requires --database URL, or the setting IMPORT_DATABASE_URL",
                returncode=2,
            )
        rows = read_query(options["from_sql"], address, mapping, report.columns)
        with Progress("import", " rows", quiet=options["verbosity"] == 0) as bar:
            import_rows(
                bar.count(rows),
                options["images"],
                dry_run=options["dry_run"],
                complete=complete,
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

    def write_report(
        self, report: Report, complete: CompleteCatalogue | None, options: dict[str, Any]
    ) -> None:
        unit: Unit = "row" if options["from_sql"] else "line"
        written = ImportReport(self.stdout, self.stderr, report, complete, unit)
        written.write(options["verbosity"] > 0, options["dry_run"])
        if options["errors"]:
            written.write_file(options["errors"])
