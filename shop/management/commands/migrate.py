import sys
from collections.abc import Iterator
from typing import Any

from django.core.management.commands import migrate
from sqlalchemy import Connection

from catalog.active_models import missing_models
from catalog.db.connection import connect
from catalog.db.migrations import migrate as migrate_catalogue
from catalog.db.migrations import pending_migrations
from catalog.lexemes import lexemes_are_current
from catalog.sqlapi.objects import differences
from catalog.synonyms.store import starter_changes
from shop.management.base import CatalogCommand


class Command(CatalogCommand, migrate.Command):
    help = (
        "Create or upgrade the database: first the catalogue's tables, indexes, SQL functions and"
        " starter synonyms, then Django's tables. With an app label or --fake, only Django's"
        " tables. Exit status: 0 done, 1 --check found pending migrations, 2 no database."
    )

    def get_check_kwargs(self, options: dict[str, Any]) -> Any:
        """Skip the database checks, since this command creates what they would find missing."""
        return super().get_check_kwargs(options) | {"databases": []}

    def handle(self, *args: Any, **options: Any) -> None:
        if options["app_label"] or options["fake"]:
            super().handle(*args, **options)
            return
        with connect() as connection:
            pending = list(_pending(connection))
        looks_only = options["plan"] or options["check_unapplied"]
        if not looks_only:
            migrate_catalogue(quiet=options["verbosity"] == 0)
        if options["verbosity"] > 0:
            heading = "Planned for the catalogue:" if looks_only else "Applied to the catalogue:"
            self.stdout.write(heading, self.style.MIGRATE_HEADING)
            for line in pending or ["nothing"]:
                self.stdout.write(f"  {line}")
        super().handle(*args, **options)
        if options["check_unapplied"] and pending:
            sys.exit(1)


def _pending(connection: Connection) -> Iterator[str]:
    """What `migrate` has to do in the catalogue, a line each."""
    if migrations := pending_migrations(connection):
        yield from (f"{it.revision} {it.doc}" for it in migrations)
        return
    yield from (f"tables of the model {name}" for name in missing_models(connection))
    if names := differences(connection):
        yield f"SQL functions and views: {', '.join(names)}"
    if changes := starter_changes(connection):
        yield f"starter synonyms: {changes}"
    if not lexemes_are_current(connection):
        yield "the words of all products, for other languages or roles of facets"
