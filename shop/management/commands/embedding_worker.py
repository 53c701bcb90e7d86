import logging
import signal
import sys
from contextlib import suppress
from threading import Event
from typing import Any

from django.core.management.base import CommandError, CommandParser
from sqlalchemy.exc import OperationalError

from catalog.active_models import default_model
from catalog.db.connection import connect, connection_parameters
from catalog.indexing.worker import POLL, Worker
from embedding.encoder import get_encoder
from shop.checks import warn_of_schema
from shop.management.arguments import seconds
from shop.management.base import CatalogCommand


class Command(CatalogCommand):
    help = (
        "Embed the words that SQL asks for (search.embed), and products soon after they change,"
        " until Ctrl-C or SIGTERM. Several may run. A database that is away is waited for. Exit"
        " status: 0 stopped, 2 misuse or no tables."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--poll",
            type=seconds,
            default=POLL,
            metavar="SECONDS",
            help=f"look at the tables this often without being notified (default: {POLL:g})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["poll"]:
            raise CommandError("--poll must be more than 0 seconds", returncode=2)
        connection_parameters()  # a database that is away is waited for, a wrong address is not
        with suppress(OperationalError), connect() as connection:
            default_model(connection)  # nor are missing tables
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
        stop = Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: stop.set())
        worker = Worker(get_encoder, options["poll"])
        self.stderr.write("The worker listens (Ctrl-C stops it)")
        warn_of_schema(self.stderr)
        worker.run(stop)
