import logging
import signal
import sys
from contextlib import suppress
from threading import Event
from typing import Any

import psycopg
from django.core.management.base import CommandError, CommandParser
from sqlalchemy.exc import OperationalError

from catalog.active_models import default_model
from catalog.db.connection import connect, connection_parameters, require_sessions
from catalog.indexing.worker import POLL, Worker
from catalog.reduction import stored_encoder
from shop.checks import warn_of_schema
from shop.management.arguments import seconds
from shop.management.base import CatalogCommand


class Command(CatalogCommand):
    help = (
        "Embed the queries that search.embed requests, and products soon after they change, until"
        " Ctrl-C or SIGTERM. Several workers can run. Waits for a database that does not answer."
        " Exit status: 0 stopped, 2 misuse or no tables."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--poll",
            type=seconds,
            default=POLL,
            metavar="SECONDS",
            help=f"check the tables at least this often (default: {POLL:g})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["poll"]:
            raise CommandError("--poll must be more than 0 seconds", returncode=2)
        connection_parameters()  # fails on an invalid address, not on an unreachable database
        with suppress(psycopg.OperationalError, OperationalError):
            require_sessions()
            with connect() as connection:
                default_model(connection)  # fails on missing tables
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
        stop = Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: stop.set())
        worker = Worker(stored_encoder, options["poll"])
        self.stderr.write("The worker is running (Ctrl-C stops it)")
        warn_of_schema(self.stderr)
        worker.run(stop)
