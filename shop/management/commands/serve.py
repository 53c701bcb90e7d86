from argparse import ArgumentTypeError
from contextlib import suppress
from typing import Any

import psycopg
from django.core.management.base import CommandParser
from sqlalchemy.exc import DBAPIError

from catalog import config
from catalog.db.connection import connect, connection_parameters
from catalog.db.replica import replica_options
from shop import server
from shop.checks import warn_of_schema
from shop.management.arguments import positive
from shop.management.base import CatalogCommand
from shop.processes import MAX_PROCESSES, default_processes
from shop.static_files import collect_static_files


def port_number(text: str) -> int:
    """An argument type for argparse: a TCP port."""
    if not text.isdecimal() or not 1 <= int(text) <= server.MAX_PORT:
        raise ArgumentTypeError(f"must be a number from 1 to {server.MAX_PORT}, not {text!r}")
    return int(text)


class Command(CatalogCommand):
    help = "Serve the storefront with a production server until Ctrl-C, SIGTERM or SIGHUP."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--host", default=server.HOST, help="the address to listen at (default: %(default)s)"
        )
        parser.add_argument(
            "--port", type=port_number, default=8000, help="the port (default: %(default)s)"
        )
        parser.add_argument(
            "--processes",
            type=positive,
            default=default_processes(),
            metavar="N",
            help="processes that answer pages (default: as many as cores, at most"
            f" {MAX_PROCESSES}; 1 where there is little memory)",
        )
        parser.add_argument(
            "--threads",
            type=positive,
            metavar="N",
            help="requests at the same time in each process (default: 8 in all, at least 4)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        connection_parameters()  # fails on an invalid DATABASE_URL
        if config.settings().database_replica_url:
            replica_options()
        with suppress(psycopg.Error, DBAPIError), connect():
            pass  # fails on a database that can never work; one that is down may come back
        server.check_port(options["port"], options["host"])
        collect_static_files()
        warn_of_schema(self.stderr)
        server.serve(options["port"], options["host"], options["threads"], options["processes"])
