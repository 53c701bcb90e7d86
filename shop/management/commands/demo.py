from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser

from catalog import config
from catalog.db.connection import connect
from catalog.indexing.worker import Worker, running
from demo import write_catalogue
from embedding.progress import Progress
from shop import server
from shop.management.arguments import positive
from shop.management.base import INTERRUPTED, SHOWN, CatalogCommand
from shop.management.commands.serve import port_number
from shop.management.demo_products import find_demo_products, remove_pictures, remove_products


class Command(CatalogCommand):
    help = (
        "Prepare the database, load the drawn demo catalogue into it if it is empty, embed it and"
        " serve the shop. What is done already is not done again. A catalogue with products of its"
        " own is refused. Exit status: 0 done, 2 refused, misuse or no database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=port_number, default=8000)
        parser.add_argument("--products", type=positive, default=640, metavar="N")
        parser.add_argument("--no-serve", action="store_true", help="set everything up, then end")
        parser.add_argument(
            "--remove",
            action="store_true",
            help="remove the demo's products and their pictures from the catalogue, and end;"
            " products whose title, description or brand is not the demo's stay",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["remove"]:
            self.remove()
            return
        server.check_port(options["port"])
        call_command("migrate", verbosity=0)
        with connect() as connection:
            found = find_demo_products(connection)
        if found.others and not found.ids:
            raise CommandError(
                f"the catalogue has products of its own ({found.others}), and the demo does not"
                " add drawn ones to them. Open the shop with ./manage.py serve, or set DATABASE_URL"
                " to an empty database for the demo",
                returncode=2,
            )
        if not found.ids:
            self.load(options["products"])
        try:
            call_command("embed_catalog")
        except SystemExit as end:  # it has told what could not be embedded; the shop still opens
            if end.code == INTERRUPTED:
                raise
        if not options["no_serve"]:
            with running(Worker()):
                call_command("serve", port=options["port"])

    def load(self, products: int) -> None:
        folder = config.settings().var_dir / "demo"
        with Progress("draw", " pictures") as bar:
            catalogue = write_catalogue(folder, products, progress=bar.reach)
        call_command("import_catalog", str(catalogue), images=folder / "images")

    def remove(self) -> None:
        with connect() as connection:
            found = find_demo_products(connection, lock=True)
            paths = remove_products(connection, found.ids)
        pruned = remove_pictures(paths)
        self.stdout.write(
            f"Removed products of the demo: {len(found.ids)}, files of their pictures:"
            f" {sum(it.removed for it in pruned)}. Other products, which stay: {found.others}"
        )
        if found.edited:
            skus = ", ".join(found.edited[:SHOWN])
            more = f" and {len(found.edited) - SHOWN} more" if len(found.edited) > SHOWN else ""
            self.stderr.write(f"Of these, with a SKU of the demo and another text: {skus}{more}")
        for failure in [it for store in pruned for it in store.failed][:SHOWN]:
            self.stderr.write(f"  {failure}")
