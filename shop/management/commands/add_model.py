import sys
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from catalog import config
from catalog.model_tables import add_model, change_schema
from embedding.registry import get_spec, install_entry
from shop.management.base import CatalogCommand


class Command(CatalogCommand):
    help = (
        "Create a model's tables, indexes and SQL objects while searches continue. FILE.toml is"
        " first copied into the registry: into the first folder of EMBEDDING_REGISTRY, or into"
        " VAR_DIR/registry. Exit status: 0 done, 2 misuse or no database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "model",
            metavar="NAME|FILE.toml",
            help="a model in the registry, or the file of its entry",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        model = options["model"]
        if model.endswith(".toml"):
            spec, file = install_entry(Path(model))
            self.stdout.write(f"Copied the entry of {spec.name} to {file}")
        else:
            spec = get_spec(model)
        added = change_schema(partial(add_model, spec=spec), self.tell)
        self.stdout.write(
            f"Created the tables of {spec.name}" if added else f"{spec.name} already has tables"
        )
        if spec.name not in config.settings().models:
            names = ",".join([*config.settings().models, spec.name])
            self.stdout.write(f"To search with it, set MODELS={names} and run ./manage.py migrate")
        self.stdout.write(f"Next: ./manage.py embed_catalog --model {spec.name}")

    def tell(self) -> None:
        print("The tables are in use, trying again ...", file=sys.stderr)
