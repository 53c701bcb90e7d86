from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from catalog.db.connection import connect
from catalog.synonyms.csv_files import SynonymFileError, import_synonyms
from shop.management.base import MAX_LISTED, CatalogCommand
from shop.security_log import record


class Command(CatalogCommand):
    help = (
        "Import synonyms from a UTF-8 CSV file with the header"
        " phrase,meaning,relation,language,source,enabled. Only the first two columns are"
        " necessary. A synonym with the same phrase, meaning and language is replaced, others are"
        " kept. Exit status: 0 all lines imported, 1 some lines skipped, 2 misuse, no database, or"
        " a file without a valid header."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the CSV file")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            with path.open("rb") as file, connect() as connection:
                report = import_synonyms(connection, file)
        except SynonymFileError as error:
            raise CommandError(f"{path}: {error}", returncode=2) from error
        record("synonyms imported", file=path, report=report)
        for line in report.errors[:MAX_LISTED]:
            self.stderr.write(str(line))
        if len(report.errors) > MAX_LISTED:
            self.stderr.write(f"... and {len(report.errors) - MAX_LISTED} more")
        self.stdout.write(str(report))
        if report.errors:
            raise SystemExit(1)
