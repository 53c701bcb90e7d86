from typing import Any

from django.core.management.base import CommandError, CommandParser

from catalog.media.prune import (
    PictureFolder,
    Pruned,
    any_product_has_picture,
    product_pictures,
    prune,
)
from embedding.progress import Progress
from shop.management.base import INTERRUPTED, MAX_LISTED, CatalogCommand
from shop.management.outputs import SummaryLine
from shop.thumbnails import thumbnails


class Command(CatalogCommand):
    help = (
        "Remove picture files and thumbnails that no product uses any more. Removes only files"
        " that this shop wrote at least an hour ago. Exit status: 0 done, 1 some files could not be"
        " removed, 2 misuse or no database, 130 stopped by Ctrl-C."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="count the files and remove nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folders = (product_pictures(), thumbnails())
        if not any_product_has_picture():
            paths = " and ".join(str(folder.files.root) for folder in folders)
            raise CommandError(
                "no product in this database has a picture: is DATABASE_URL right? If so, the"
                f" files of this shop in {paths} can be removed by hand",
                returncode=2,
            )
        try:
            with SummaryLine(self.stdout) as summary:
                done = [self.prune(folder, summary, options) for folder in folders]
        except KeyboardInterrupt:
            self.stderr.write("Stopped. The same command continues from here.")
            raise SystemExit(INTERRUPTED) from None
        if any(pruned.failed for pruned in done):
            raise SystemExit(1)

    def prune(self, folder: PictureFolder, summary: SummaryLine, options: dict[str, Any]) -> Pruned:
        dry_run = options["dry_run"]
        with Progress(folder.name, " files", quiet=options["verbosity"] == 0) as bar:
            pruned = prune(folder, dry_run=dry_run, progress=bar.advance)
        summary.add(
            f"{folder.name}: {pruned.removed} files ({pruned.size / 1e6:.1f} MB)"
            f" {'to remove' if dry_run else 'removed'}, {pruned.in_use} in use,"
            f" {pruned.recent} younger than an hour, {len(pruned.failed)} failed"
        )
        for failure in pruned.failed[:MAX_LISTED]:
            self.stderr.write(f"  {failure}")
        return pruned
