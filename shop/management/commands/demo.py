from typing import Any

from alembic import command
from alembic.config import Config
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from catalog import config
from catalog.db.connection import connect
from catalog.indexing.worker import Worker, running
from demo import write_catalogue
from shop import server
from shop.management.base import INTERRUPTED
from shop.management.commands.serve import port_number


class Command(BaseCommand):
    help = (
        "Draw the demo catalogue, import and embed it, and serve the shop. What is done already"
        " is not done again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=port_number, default=8000)
        parser.add_argument("--products", type=int, default=640, metavar="N")
        parser.add_argument("--no-serve", action="store_true", help="set everything up, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            server.check_port(options["port"])
        except server.PortTaken as error:
            raise CommandError(str(error), returncode=2) from error
        command.upgrade(Config(toml_file=config.PROJECT / "pyproject.toml"), "head")
        call_command("migrate", verbosity=0)
        if self.empty():
            self.load(options["products"])
        try:
            call_command("embed_catalog")
        except SystemExit as end:  # it has told what could not be embedded; the shop still opens
            if end.code == INTERRUPTED:
                raise
        if not options["no_serve"]:
            with running(Worker()):
                call_command("serve", port=options["port"])

    def empty(self) -> bool:
        with connect() as connection:
            return not connection.exec_driver_sql("SELECT EXISTS (SELECT FROM product)").scalar()

    def load(self, products: int) -> None:
        with tqdm(desc="draw", unit=" pictures") as bar:

            def progress(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            folder = config.settings().var_dir / "demo"
            catalogue = write_catalogue(folder, products, progress=progress)
        call_command("import_catalog", str(catalogue), images=folder / "images")
