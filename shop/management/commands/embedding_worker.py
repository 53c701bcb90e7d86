import logging
import signal
import sys
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.worker import POLL, Worker
from embedding.encoder import EncoderError, get_encoder
from embedding.registry import RegistryError, UnknownModel


class Command(BaseCommand):
    help = (
        "Embed the words that SQL asks for (search.embed), and products soon after they change,"
        " until Ctrl-C or SIGTERM. Several may run. Exit status: 0 stopped, 2 misuse."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--poll",
            type=float,
            default=POLL,
            metavar="SECONDS",
            help=f"look at the tables this often without being notified ({POLL:g})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["poll"] <= 0:
            raise CommandError("--poll must be more than 0 seconds", returncode=2)
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
        stop = Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: stop.set())
        worker = Worker(get_encoder, options["poll"])
        try:
            self.stderr.write("The worker listens (Ctrl-C stops it)")
            worker.run(stop)
        except (EncoderError, UnknownModel, RegistryError) as error:
            raise CommandError(str(error), returncode=2) from error
