import subprocess
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from catalog import config
from catalog.active_models import default_model
from catalog.db.connection import connect
from catalog.indexing.retirement import write_migration
from embedding.registry import registry_file
from shop.management.base import CatalogCommand


class Command(CatalogCommand):
    help = (
        "Remove a model: its file in the registry is deleted, and its tables with all embeddings,"
        " by a migration that is written and run. Not the default model (set_default_model). Exit"
        " status: 0 done, 2 misuse or no database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="a model of the registry")
        parser.add_argument(
            "--no-upgrade",
            action="store_true",
            help="write the migration and leave it to you to run `alembic upgrade head`",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        entry = registry_file(name)
        with connect() as connection:
            if name == default_model(connection):
                raise CommandError(
                    f"{name} is the default model: choose another with set_default_model",
                    returncode=2,
                )
        migration = write_migration(name)
        entry.unlink()
        self.stdout.write(f"Removed {shown(entry)}, wrote {shown(migration)}: commit both")
        if name in config.settings().models:
            self.stdout.write(f"Take {name} out of MODELS before processes start again")
        if not options["no_upgrade"]:
            # In a process of its own, which reads the registry without the model.
            done = subprocess.run(
                [sys.executable, "-m", "alembic", "upgrade", "head"], cwd=config.PROJECT
            )
            if done.returncode:
                raise CommandError("the migration failed; it can be run again", returncode=2)


def shown(path: Path) -> str:
    return str(path.relative_to(config.PROJECT) if path.is_relative_to(config.PROJECT) else path)
