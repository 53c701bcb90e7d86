import sys
from contextlib import suppress
from functools import partial
from typing import Any

from django.core.management.base import CommandParser

from catalog import config
from catalog.model_tables import change_schema, drop_model
from embedding.registry import RegistryError, UnknownModel, canonical_name, registry_file
from shop.management.base import CatalogCommand


class Command(CatalogCommand):
    help = (
        "Drop a model's tables with all its embeddings, its SQL objects and its calibration,"
        " while searches continue. Its entry stays in the registry. The default model, and the one"
        " that is planned as the next default, cannot be dropped (see set_default_model). Exit"
        " status: 0 done, 2 misuse or no database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="a model that has tables")

    def handle(self, *args: Any, **options: Any) -> None:
        name = canonical_name(options["name"])
        change_schema(partial(drop_model, name=name), self.tell)
        self.stdout.write(f"Dropped the tables of {name}")
        with suppress(UnknownModel, RegistryError):
            self.stdout.write(f"Its entry stays in {registry_file(name)}")
        if name in config.settings().models:
            self.stdout.write(
                f"Remove {name} from MODELS, or the next migrate will create its tables again"
            )

    def tell(self) -> None:
        print("The tables are in use, trying again ...", file=sys.stderr)
