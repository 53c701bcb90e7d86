from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser

from catalog import config
from catalog.db.connection import connect, require_sessions
from catalog.indexing.worker import Worker, running
from demo import write_catalogue
from embedding.progress import Progress
from shop import server
from shop.management.arguments import positive
from shop.management.base import INTERRUPTED, MAX_LISTED, CatalogCommand
from shop.management.commands.serve import port_number
from shop.management.demo_products import find_demo_products, remove_pictures, remove_products


class Command(CatalogCommand):
    help = (
        "Prepare the database, load the demo catalogue if it is empty, embed it and serve the"
        " shop. Completed steps are not repeated. Refuses a catalogue that contains only other"
        " products. Exit status: 0 done, 2 refused, misuse or no database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=port_number, default=8000)
        parser.add_argument("--products", type=positive, default=640, metavar="N")
        parser.add_argument("--no-serve", action="store_true", help="do everything except serving")
        parser.add_argument(
            "--remove",
            action="store_true",
            help="only remove the demo's products and their pictures; products whose title,"
            " description or brand was edited are kept",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["remove"]:
            self.remove()
            return
        server.check_port(options["port"])
        require_sessions()
        call_command("migrate", verbosity=0)
        with connect() as connection:
            found = find_demo_products(connection)
        if found.others and not found.ids:
            raise CommandError(
                f"the catalogue has products that are not the demo's ({found.others}), so the demo"
                " is not loaded. Start the shop with ./manage.py serve, or set DATABASE_URL to an"
                " empty database",
                returncode=2,
            )
        if not found.ids:
            self.load(options["products"])
        try:
            call_command("embed_catalog")
        except SystemExit as end:  # some rows could not be embedded; the shop starts anyway
            if end.code == INTERRUPTED:
                raise
        if not options["no_serve"]:
            with running(Worker()):
                call_command("serve", port=options["port"], processes=1)  # the worker's threads

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
            f"Removed {len(found.ids)} products of the demo and"
            f" {sum(it.removed for it in pruned)} files of their pictures."
            f" Kept {found.others} other products"
        )
        if found.edited:
            skus = ", ".join(found.edited[:MAX_LISTED])
            more = (
                f" and {len(found.edited) - MAX_LISTED} more"
                if len(found.edited) > MAX_LISTED
                else ""
            )
            self.stderr.write(
                f"Kept because the text was edited, with a SKU of the demo: {skus}{more}"
            )
        for failure in [it for store in pruned for it in store.failed][:MAX_LISTED]:
            self.stderr.write(f"  {failure}")
