from typing import Any

from django.core.management.base import CommandParser

from catalog.indexing.recall import measure_recall
from embedding.progress import Progress
from shop.management.arguments import positive
from shop.management.base import CatalogCommand

QUERIES = 200
NEAREST = 10


class Command(CatalogCommand):
    help = (
        "Measure how many of the nearest embeddings the indexes find for stored queries of"
        " shoppers, and store it for /metrics. Run it each night. Exit status: 0 done, 2 misuse or"
        " no database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--queries",
            type=positive,
            default=QUERIES,
            metavar="N",
            help=f"the N stored queries of each model that were used last (default: {QUERIES})",
        )
        parser.add_argument(
            "--nearest",
            type=positive,
            default=NEAREST,
            metavar="K",
            help=f"compare the K nearest embeddings (default: {NEAREST})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        quiet = options["verbosity"] == 0
        with Progress("queries", " queries", quiet=quiet) as progress:
            found = list(measure_recall(options["queries"], options["nearest"], progress.advance))
        for it in found:
            self.stdout.write(
                f"{it.model} {it.modality}: recall {it.recall:.3f} of the {it.nearest} nearest,"
                f" {it.queries} queries"
            )
        if not found:
            self.stdout.write("Nothing to measure: no stored queries, or no index.")
