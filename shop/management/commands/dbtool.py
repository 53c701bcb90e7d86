import os
import shutil
import signal
import subprocess
import sys
from argparse import REMAINDER
from typing import Any

from django.core.management.base import CommandError, CommandParser

from catalog import config
from catalog.db.connection import connection_environment
from shop.management.base import CatalogCommand

TOOLS = (
    *("psql", "pg_dump", "pg_dumpall", "pg_restore", "createdb", "dropdb", "vacuumdb"),
    *("reindexdb", "pg_isready"),
)


class Command(CatalogCommand):
    help = (
        "Run a program of PostgreSQL, such as pg_dump, on the shop's database: those of the"
        " embedded PostgreSQL, or with DATABASE_URL those on PATH. The address and the password"
        " are passed in the environment. Exit status: that of the program, 2 misuse."
    )
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tool", choices=TOOLS)
        parser.add_argument(
            "arguments", nargs=REMAINDER, help="of the program, such as --file=shop.dump"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # First, since it starts the embedded server.
        environment = os.environ | connection_environment()
        done = subprocess.Popen(
            [find_tool(options["tool"]), *options["arguments"]], env=environment
        )
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # psql's Ctrl-C cancels a query
        try:
            status = done.wait()
        finally:
            signal.signal(signal.SIGINT, before)
        sys.exit(status if status >= 0 else 128 - status)


def find_tool(tool: str) -> str:
    """The path of a program of PostgreSQL that fits the shop's database.

    Raises:
        CommandError: it is not on PATH.
    """
    if config.settings().database_url is None:
        from catalog.db.embedded import tool_path

        return str(tool_path(tool))
    if path := shutil.which(tool):
        return path
    raise CommandError(
        f"{tool} is not on PATH: install PostgreSQL's client programs, at least of the server's"
        " version (Debian: the package postgresql-client-NN of apt.postgresql.org)",
        returncode=2,
    )
