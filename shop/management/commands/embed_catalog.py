import json
import signal
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Event, current_thread, main_thread
from types import FrameType
from typing import Any

from django.core.management.base import CommandError, CommandParser

from catalog import config
from catalog.active_models import default_model, require_tables
from catalog.db.connection import connect, require_sessions
from catalog.indexing import FillingError, Summary, default_workers, estimate, fill
from catalog.indexing.calibrate import calibrate, is_due
from catalog.indexing.hnsw import defer_index, ensure_index
from catalog.indexing.pending import EVERYTHING, Selection
from catalog.indexing.ray_engine import fill_on_ray
from catalog.indexing.versions import plan
from catalog.reduction import stored_encoder
from embedding.encoder import EncoderError
from embedding.progress import Progress
from embedding.registry import Modality, ModelSpec, get_spec
from shop.management.arguments import positive
from shop.management.base import INTERRUPTED, MAX_LISTED, CatalogCommand
from shop.management.outputs import SummaryLine, output_file
from shop.management.variants import find_variants_with_bar


def non_negative(text: str) -> int:
    return 0 if text == "0" else positive(text)


def timestamp(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a date or time such as 2026-11-20") from error


def as_time(seconds: float) -> str:
    minutes, seconds = divmod(max(1, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{seconds} s"


@contextmanager
def stopping() -> Iterator[Event]:
    """Yield an event that the first Ctrl-C sets; the second one ends the process."""
    stop = Event()
    if current_thread() is not main_thread():
        yield stop
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)
        print("\nStopping after the current batch ...", file=sys.stderr, flush=True)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


class Command(CatalogCommand):
    help = (
        "Embed the products' texts and pictures whose embedding is missing or stale. Can be"
        " stopped at any time; the next run continues. Exit status: 0 done, 1 some rows could"
        " not be embedded, 2 misuse or no database, 130 stopped by Ctrl-C."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--model",
            action="append",
            metavar="NAME",
            help="a model in the registry, can be repeated (default: those in MODELS:"
            f" {', '.join(config.settings().models)})",
        )
        parser.add_argument("--modality", choices=["text", "image"], help="only this modality")
        parser.add_argument(
            "--device",
            help="cpu, cuda or cuda:N of this machine (default: ENCODER_URL, EMBEDDING_DEVICE, or"
            " cuda if available)",
        )
        parser.add_argument(
            "--batch-size",
            type=positive,
            metavar="N",
            help="rows per batch and transaction (default: measured in a few seconds)",
        )
        parser.add_argument(
            "--workers",
            type=non_negative,
            metavar="N",
            help="processes that decode pictures; 0 means threads (default: 0 if this machine's CPU"
            " encodes, otherwise one per core)",
        )
        parser.add_argument(
            "--profile",
            type=output_file,
            metavar="FILE",
            help="write the time of each stage as JSON",
        )
        parser.add_argument(
            "--engine",
            choices=["plain", "ray"],
            default="plain",
            help="plain: this machine (default); ray: a Ray cluster (docs/scaling.md)",
        )
        parser.add_argument(
            "--address",
            help="of the Ray cluster: auto or HOST:PORT (default: start one on this machine)",
        )
        parser.add_argument(
            "--limit",
            type=positive,
            metavar="N",
            help="embed at most N rows per model and modality",
        )
        parser.add_argument(
            "--sku", action="append", metavar="SKU", help="only this product, can be repeated"
        )
        parser.add_argument(
            "--since",
            type=timestamp,
            metavar="TIME",
            help="only products changed since then, such as 2026-11-20 or 2026-11-20T18:00, in the"
            " local time zone",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="count the rows, estimate the time from a sample, and change nothing",
        )
        parser.add_argument(
            "--rebuild",
            action="store_true",
            help="also embed rows that are up to date; continues a rebuild that was interrupted",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with SummaryLine(self.stdout) as self.summary:
            self.embed_all(options)

    def embed_all(self, options: dict[str, Any]) -> None:
        if options["address"] and options["engine"] != "ray":
            raise CommandError("--address requires --engine ray", returncode=2)
        selection = Selection(tuple(options["sku"] or ()), options["since"])
        if selection != EVERYTHING and options["engine"] == "ray":
            raise CommandError("--sku and --since require --engine plain", returncode=2)
        if unknown := self.unknown(selection.skus):
            raise CommandError(f"no product has the SKU {unknown[0]!r}", returncode=2)
        specs = [get_spec(name) for name in options["model"] or config.settings().models]
        require_sessions()
        with connect() as connection:
            require_tables(connection, *(spec.name for spec in specs))
        tasks = [(get_spec(spec.owner(it)), it) for spec in specs for it in spec.modalities]
        tasks = list(dict.fromkeys(tasks))
        if wanted := options["modality"]:
            tasks = [(spec, modality) for spec, modality in tasks if modality == wanted]
            if not tasks:
                names = ", ".join(spec.name for spec in specs)
                raise CommandError(
                    f"{names}: these models have no {wanted} embeddings", returncode=2
                )
        summaries = []
        with stopping() as stop:
            for spec, modality in tasks:
                if not stop.is_set():
                    summaries.append(self.embed(spec, modality, selection, stop, options))
        if stop.is_set():
            self.stderr.write("Stopped. The same command continues from here.")
            raise SystemExit(INTERRUPTED)
        if not options["dry_run"]:
            for spec, modality in tasks:
                self.build_index(spec, modality, options)
            with connect() as connection:
                chosen = default_model(connection)
            for spec in specs:
                self.calibrate(spec, options)
                if spec.name == chosen:
                    find_variants_with_bar(spec.name, quiet=options["verbosity"] == 0)
        if file := options["profile"]:
            runs = [
                {"model": run.model, "modality": run.modality, "embedded": run.embedded}
                | run.profile.as_json()
                for run in summaries
            ]
            file.write_text(json.dumps(runs, indent=2) + "\n")
        if any(summary.failures for summary in summaries):
            raise SystemExit(1)

    def unknown(self, skus: tuple[str, ...]) -> list[str]:
        """The SKUs that no product has."""
        with connect() as connection:
            known = connection.exec_driver_sql(
                "SELECT sku FROM product WHERE sku = ANY(%(skus)s)", {"skus": list(skus)}
            ).scalars()
            return sorted(set(skus) - set(known))

    def embed(
        self,
        spec: ModelSpec,
        modality: Modality,
        selection: Selection,
        stop: Event,
        options: dict[str, Any],
    ) -> Summary:
        name = f"{spec.name} {modality}"
        with connect() as connection:
            planned = plan(
                connection, spec, modality, rebuild=options["rebuild"], selection=selection
            )
        if planned.reason:
            self.summary.add(f"{name}: {planned.reason}")
        total = min(planned.rows, options["limit"] or planned.rows)
        if not total:
            self.summary.add(f"{name}: 0 to embed")
            return Summary(spec.name, modality)
        try:
            if options["dry_run"]:
                return self.estimate(spec, modality, selection, total, options)
            with connect() as connection:
                defer_index(connection, spec.name, modality, total)
            if options["engine"] == "ray":
                return self.embed_on_ray(spec, modality, total, stop, options)
            device = options["device"]
            encoder = stored_encoder(spec.name, device)
            workers = options["workers"]
            with Progress(name, f" {modality}s", total, quiet=options["verbosity"] == 0) as bar:
                summary = fill(
                    encoder,
                    modality,
                    batch_size=options["batch_size"],
                    workers=default_workers(device) if workers is None else workers,
                    limit=options["limit"],
                    rebuild=options["rebuild"],
                    renew=True,
                    selection=selection,
                    stop=stop,
                    progress=bar.advance,
                    on_wait=lambda: bar.note(f"{name}: another process is embedding this, waiting"),
                )
        except (EncoderError, FillingError) as error:
            raise CommandError(f"{name}: {error}", returncode=2) from error
        self.show(name, summary)
        return summary

    def estimate(
        self,
        spec: ModelSpec,
        modality: Modality,
        selection: Selection,
        total: int,
        options: dict[str, Any],
    ) -> Summary:
        """Report the number of rows to embed, and the time at the speed of a sample."""
        device = options["device"]
        workers = default_workers(device) if options["workers"] is None else options["workers"]
        encoder = stored_encoder(spec.name, device)
        rate = estimate(encoder, modality, workers=workers, selection=selection)
        took = f", about {as_time(total / rate)} at {rate:.0f}/s" if rate else ""
        self.summary.add(f"{spec.name} {modality}: {total} to embed{took}")
        return Summary(spec.name, modality)

    def embed_on_ray(
        self,
        spec: ModelSpec,
        modality: Modality,
        total: int,
        stop: Event,
        options: dict[str, Any],
    ) -> Summary:
        name = f"{spec.name} {modality}"
        with Progress(name, f" {modality}s", total, quiet=options["verbosity"] == 0) as bar:
            summary = fill_on_ray(
                spec.name,
                modality,
                address=options["address"],
                device=options["device"],
                batch_size=options["batch_size"],
                limit=options["limit"],
                rebuild=options["rebuild"],
                progress=bar.advance,
                stop=stop,
                on_wait=lambda: bar.note(f"{name}: another process is embedding this, waiting"),
            )
        self.show(name, summary)
        return summary

    def build_index(self, spec: ModelSpec, modality: Modality, options: dict[str, Any]) -> None:
        """Build the index if it was dropped for many rows or is unfinished."""
        name = f"{spec.name} {modality}"
        quiet = options["verbosity"] == 0
        with Progress(f"{name} index", " rows", quiet=quiet, transient=True) as bar:
            seconds = ensure_index(spec.name, modality, bar.reach)
        if seconds:
            self.summary.add(f"{name}: index built in {seconds:.1f} s")

    def calibrate(self, spec: ModelSpec, options: dict[str, Any]) -> None:
        """Calibrate the model's similarities if that is due."""
        with connect() as connection:
            if not is_due(connection, spec.name):
                return
        if products := calibrate(stored_encoder(spec.name, options["device"])):
            self.summary.add(f"{spec.name}: calibrated with pairs of {products:,} products")

    def show(self, name: str, summary: Summary) -> None:
        self.summary.add(
            f"{name}: {summary.embedded} embedded in {summary.profile.seconds:.1f} s"
            f" ({summary.rate:.0f}/s, limited by the {summary.profile.limit}),"
            f" {len(summary.failures)} failed"
        )
        for row, reason in summary.failures[:MAX_LISTED]:
            self.stderr.write(f"  {row.content[:80]!r}: {reason}")
