from typing import Any

from django.core.management.base import CommandError, CommandParser

from catalog.media.fetching.address_table import FailedFetch, count_pending, dead_links
from catalog.media.fetching.http_client import Limits
from catalog.media.fetching.job import FetchOptions, Summary, fetch_images
from embedding.progress import Progress
from shop.management.arguments import positive, seconds
from shop.management.base import INTERRUPTED, MAX_LISTED, CatalogCommand
from shop.management.outputs import output_file, write_csv


class Command(CatalogCommand):
    help = (
        "Download the pictures whose addresses are in the catalogue (the field image_url). Can be"
        " stopped at any time; the next run continues. Private addresses are rejected unless"
        " FETCH_ALLOW contains them. Exit status: 0 all fetched, 1 there are dead links (of any"
        " run) or some were not reached, 2 misuse or no database, 130 stopped by Ctrl-C."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        defaults = FetchOptions()
        parser.add_argument(
            "--workers",
            type=positive,
            default=defaults.workers,
            metavar="N",
            help=f"requests at the same time (default: {defaults.workers})",
        )
        parser.add_argument(
            "--per-host",
            type=positive,
            default=defaults.per_host,
            metavar="N",
            help=f"requests to one host at the same time (default: {defaults.per_host})",
        )
        parser.add_argument(
            "--interval",
            type=seconds,
            default=defaults.interval,
            metavar="SECONDS",
            help=f"time between two requests to one host (default: {defaults.interval:g})",
        )
        parser.add_argument(
            "--timeout",
            type=seconds,
            default=defaults.limits.total_timeout,
            metavar="SECONDS",
            help=f"timeout of a whole request (default: {defaults.limits.total_timeout:g})",
        )
        parser.add_argument("--retry-dead", action="store_true", help="try dead links again")
        parser.add_argument("--limit", type=positive, metavar="N", help="fetch at most N addresses")
        parser.add_argument(
            "--dry-run", action="store_true", help="count the addresses and fetch nothing"
        )
        parser.add_argument(
            "--dead",
            type=output_file,
            metavar="FILE",
            help="write all dead links, including those of earlier runs, to a CSV file",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["timeout"]:
            raise CommandError("--timeout must be more than 0 seconds", returncode=2)
        total = count_pending(retry_dead=options["retry_dead"])
        total = min(total, options["limit"] or total)
        summary = Summary()
        if options["dry_run"]:
            self.stdout.write(f"{total} to fetch")
        else:
            self.fetch(total, summary, options)
        dead = dead_links()
        if not options["dry_run"]:
            self.show(summary, dead)
        if options["dead"]:
            rows = ([link.sku, link.url, link.reason] for link in dead)
            write_csv(options["dead"], ["sku", "url", "reason"], rows)
        if not options["dry_run"] and (dead or summary.deferred):
            raise SystemExit(1)

    def fetch(self, total: int, summary: Summary, options: dict[str, Any]) -> None:
        limits = Limits(options["timeout"], min(options["timeout"], Limits().idle_timeout))
        fetch_options = FetchOptions(
            options["workers"], options["per_host"], options["interval"], limits
        )
        quiet = options["verbosity"] == 0
        try:
            with Progress("fetch", " pictures", total, quiet=quiet) as bar:
                fetch_images(
                    fetch_options,
                    limit=options["limit"],
                    retry_dead=options["retry_dead"],
                    summary=summary,
                    progress=bar.advance,
                )
        except KeyboardInterrupt:
            self.stderr.write(
                f"Stopped: {summary.fetched} fetched, {summary.dead} dead."
                " ./manage.py fetch_images continues with the others."
            )
            raise SystemExit(INTERRUPTED) from None

    def show(self, summary: Summary, dead: list[FailedFetch]) -> None:
        for kind, links in (("dead", dead), ("not reached", summary.deferred)):
            for link in links[:MAX_LISTED]:
                self.stderr.write(f"{kind}: {link.sku}: {ascii(link.url)[1:-1]}: {link.reason}")
            if len(links) > MAX_LISTED:
                more = " (--dead FILE writes all)" if kind == "dead" else ""
                self.stderr.write(f"... and {len(links) - MAX_LISTED} more {kind}{more}")
        self.stdout.write(
            f"{summary.fetched} fetched, {summary.dead} dead ({len(dead)} in all),"
            f" {len(summary.deferred)} not reached (the next run tries them again)"
        )
