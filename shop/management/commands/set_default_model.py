from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.choice import ChoiceError, default_model, set_default_model
from catalog.database import connect
from embedding.registry import RegistryError, UnknownModel


class Command(BaseCommand):
    help = (
        "Have searches use another model, from one moment to the next, in the shop and in SQL. It"
        " must be in MODELS and have embedded everything. Exit status: 0 done, 1 refused, 2 misuse."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="a model of the registry")
        parser.add_argument(
            "--force", action="store_true", help="even if it has not embedded everything"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with connect() as connection:
                before = default_model(connection)
                set_default_model(connection, options["name"], force=options["force"])
        except (UnknownModel, RegistryError) as error:
            raise CommandError(str(error), returncode=2) from error
        except ChoiceError as error:
            raise CommandError(f"{error}, or use --force", returncode=1) from error
        self.stdout.write(f"The default model is {options['name']}; it was {before}")
