import sys
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from sqlalchemy import Connection

from catalog import config
from catalog.model_tables import add_model, change_schema
from embedding.registry import (
    ModelSpec,
    get_spec,
    install_entry,
    read_entry,
    require_checkpoint,
)
from shop.management.base import CatalogCommand


class Command(CatalogCommand):
    help = (
        "Create a model's tables, indexes and SQL objects while searches continue. FILE.toml is"
        " also copied into the registry: into the first folder of EMBEDDING_REGISTRY, or into"
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
        path = Path(model) if model.endswith(".toml") else None
        spec = read_entry(path) if path else get_spec(model)
        require_checkpoint(spec)
        added, copy = change_schema(partial(_add, spec=spec, path=path), self.tell)
        if copy:
            self.stdout.write(f"Copied the entry of {spec.name} to {copy}")
        self.stdout.write(
            f"Created the tables of {spec.name}" if added else f"{spec.name} already has tables"
        )
        if spec.name not in config.settings().models:
            names = ",".join([*config.settings().models, spec.name])
            self.stdout.write(f"To search with it, set MODELS={names} and run ./manage.py migrate")
        self.stdout.write(f"Next: ./manage.py embed_catalog --model {spec.name}")

    def tell(self) -> None:
        print("The tables are in use, trying again ...", file=sys.stderr)


def _add(connection: Connection, spec: ModelSpec, path: Path | None) -> tuple[bool, Path | None]:
    """Create the tables, then copy the entry; returns whether tables were created, and the copy.

    If the entry cannot be copied, the transaction ends without the tables.
    """
    added = add_model(connection, spec)
    file, is_new = install_entry(path) if path else (None, False)
    return added, file if is_new else None
