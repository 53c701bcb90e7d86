import sys
from functools import partial
from typing import Any

from django.core.management.base import CommandParser

from catalog.model_tables import change_schema, partition_model
from embedding.registry import canonical_name
from shop.management.arguments import positive
from shop.management.base import CatalogCommand


class Command(CatalogCommand):
    help = (
        "Divide the tables of a model into partitions by a hash of the product, for more than 100"
        " million products (docs/scaling.md). They must be empty. Exit status: 0 done, 2 misuse or"
        " no database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="a model that has tables, and no embeddings yet")
        parser.add_argument("partitions", type=positive, help="the number of partitions")

    def handle(self, *args: Any, **options: Any) -> None:
        name, partitions = canonical_name(options["name"]), options["partitions"]
        change_schema(partial(partition_model, name=name, partitions=partitions), self.tell)
        self.stdout.write(f"Divided the tables of {name} into {partitions} partitions")
        self.stdout.write(f"Next: ./manage.py embed_catalog --model {name}")

    def tell(self) -> None:
        print("The tables are in use, trying again ...", file=sys.stderr)
