from typing import Any

from django.core.management.base import CommandParser

from catalog.analysts import MAX_CONNECTIONS, TIME_LIMIT, add_analyst
from catalog.db.connection import connect
from shop.management.base import CatalogCommand
from shop.security_log import record


class Command(CatalogCommand):
    help = (
        "Create a database login that can read the catalogue and search it in SQL, or give an"
        " existing one of these a new password. It has at most"
        f" {MAX_CONNECTIONS} connections, and statements and idle transactions end after"
        f" {TIME_LIMIT}. Prints the password. Exit status: 0 done, 2 misuse or no database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the name of the login")
        parser.add_argument(
            "--can-embed",
            action="store_true",
            help="transactions are not read-only, so that CALL search.embed works",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with connect() as connection:
            password = add_analyst(connection, options["name"], can_embed=options["can_embed"])
        record("analyst added", name=options["name"], can_embed=options["can_embed"])
        self.stdout.write(password)
        if options["verbosity"]:
            self.stderr.write(
                f"{options['name']} can log in with this password. It is not shown again."
            )
