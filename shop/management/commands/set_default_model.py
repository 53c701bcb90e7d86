from typing import Any

from django.core.management.base import CommandError, CommandParser

from catalog.active_models import default_model
from catalog.db.connection import connect
from catalog.indexing.embed_queries import MAX_QUERIES, embed_queries, missing_queries
from catalog.indexing.switch_model import SwitchError, require_switchable, set_default_model
from catalog.reduction import stored_encoder
from embedding.progress import Progress
from embedding.registry import canonical_name, get_spec
from shop.management.arguments import positive
from shop.management.base import CatalogCommand
from shop.management.variants import find_variants_with_bar
from shop.security_log import record


class Command(CatalogCommand):
    help = (
        "Change the default model of all searches, in the shop and in SQL, at the same moment. The"
        " model must be in MODELS and have embedded everything. Embeds the stored queries with it"
        " first, so that saved SQL goes on working, and finds variants with it at the end."
        " Exit status: 0 done, 1 refused, 2 misuse, no database, or the model cannot be loaded."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="a model in the registry")
        parser.add_argument(
            "--force", action="store_true", help="even if it has not embedded everything"
        )
        parser.add_argument(
            "--queries",
            type=positive,
            default=MAX_QUERIES,
            metavar="N",
            help="embed at most N stored queries, the most frequent ones of shoppers first"
            f" (default: {MAX_QUERIES:,})",
        )
        parser.add_argument(
            "--no-queries",
            action="store_true",
            help="embed no queries: saved SQL fails until its words are embedded again",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name, force = canonical_name(options["name"]), options["force"]
        try:
            with connect() as connection:
                require_switchable(connection, name, force=force)
            if not options["no_queries"] and "text" in get_spec(name).modalities:
                self.embed_queries(name, options)
            with connect() as connection:
                before = default_model(connection)
                set_default_model(connection, name, force=force)
        except SwitchError as error:
            raise CommandError(f"{error}, or use --force", returncode=1) from error
        record("default model changed", model=name, before=before)
        self.stdout.write(f"The default model is {name}; it was {before}")
        find_variants_with_bar(name, quiet=options["verbosity"] == 0)

    def embed_queries(self, name: str, options: dict[str, Any]) -> None:
        with connect() as connection:
            texts = missing_queries(connection, name, options["queries"])
        if not texts:
            return
        encoder = stored_encoder(name)
        quiet = options["verbosity"] == 0
        with Progress(f"{name} queries", " queries", len(texts), quiet=quiet) as bar:
            embedded = embed_queries(texts, encoder, bar.advance)
        self.stdout.write(f"{name}: {embedded:,} stored queries embedded")
