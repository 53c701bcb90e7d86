import io
from typing import Any

from django.core.management.base import CommandParser

from catalog.db.connection import connect
from catalog.synonyms.csv_files import export_synonyms
from shop.management.base import CatalogCommand
from shop.management.outputs import output_file


class Command(CatalogCommand):
    help = (
        "Write all synonyms as CSV, in the form that import_synonyms reads, to a file or to"
        " standard output. Exit status: 0 done, 2 misuse, no database, or a file that cannot be"
        " written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=output_file, help="the CSV file to write")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["file"] is None:
            text = io.StringIO(newline="")
            with connect() as connection:
                export_synonyms(connection, text)
            self.stdout.write(text.getvalue(), ending="")
            return
        with (
            options["file"].open("w", newline="", encoding="utf-8") as file,
            connect() as connection,
        ):
            count = export_synonyms(connection, file)
        self.stdout.write(f"{count} synonyms written to {options['file']}")
