from typing import Any

from django.core.management.base import CommandError, CommandParser

from catalog.active_models import default_model
from catalog.db.connection import connect
from catalog.indexing.switch_model import SwitchError, set_default_model
from shop.management.base import CatalogCommand
from shop.management.variants import find_variants_with_bar


class Command(CatalogCommand):
    help = (
        "Change the default model of all searches, in the shop and in SQL, at the same moment. The"
        " model must be in MODELS and have embedded everything. Then finds variants with it."
        " Exit status: 0 done, 1 refused, 2 misuse or no database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="a model in the registry")
        parser.add_argument(
            "--force", action="store_true", help="even if it has not embedded everything"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with connect() as connection:
                before = default_model(connection)
                set_default_model(connection, options["name"], force=options["force"])
        except SwitchError as error:
            raise CommandError(f"{error}, or use --force", returncode=1) from error
        self.stdout.write(f"The default model is {options['name']}; it was {before}")
        find_variants_with_bar(options["name"], quiet=options["verbosity"] == 0)
