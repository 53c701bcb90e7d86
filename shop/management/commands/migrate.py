import sys
from typing import Any

from django.core.management.commands import migrate

from catalog.db.connection import connect
from catalog.db.migrations import migrate as migrate_catalogue
from catalog.db.migrations import pending_migrations
from shop.management.base import CatalogCommand


class Command(CatalogCommand, migrate.Command):
    help = (
        "Create or upgrade the database: first the catalogue's tables, indexes and SQL functions,"
        " then Django's tables. With an app label or --fake, only Django's tables. Exit status: 0"
        " done, 1 --check found pending migrations, 2 no database."
    )

    def get_check_kwargs(self, options: dict[str, Any]) -> Any:
        """Skip the database checks, since this command creates what they would find missing."""
        return super().get_check_kwargs(options) | {"databases": []}

    def handle(self, *args: Any, **options: Any) -> None:
        if options["app_label"] or options["fake"]:
            super().handle(*args, **options)
            return
        with connect() as connection:
            pending = [f"{it.revision} {it.doc}" for it in pending_migrations(connection)]
        looks_only = options["plan"] or options["check_unapplied"]
        if not looks_only:
            migrate_catalogue()
        if options["verbosity"] > 0:
            heading = "Planned for the catalogue:" if looks_only else "Applied to the catalogue:"
            self.stdout.write(heading, self.style.MIGRATE_HEADING)
            for line in pending or ["nothing"]:
                self.stdout.write(f"  {line}")
        super().handle(*args, **options)
        if options["check_unapplied"] and pending:
            sys.exit(1)
