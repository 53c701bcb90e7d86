import json
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from catalog import config
from catalog.calibration import calibrate, is_due
from catalog.database import connect
from catalog.filling import Summary, count_pending, default_workers, fill
from catalog.queries import forget_embeddings
from catalog.variants import find_variants
from embedding.encoder import EncoderError, default_device, get_encoder
from embedding.registry import Modality, ModelSpec, RegistryError, UnknownModel, get_spec

SHOWN = 20


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


def natural(text: str) -> int:
    return 0 if text == "0" else positive(text)


class Command(BaseCommand):
    help = (
        "Embed the products' texts and pictures: what is missing or stale, and only that. May be"
        " stopped at any moment; the next run carries on. Exit status: 0 done, 1 some rows could"
        " not be embedded, 2 misuse."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--model",
            action="append",
            metavar="NAME",
            help=f"a model of the registry, may be repeated ({', '.join(config.enabled_models())})",
        )
        parser.add_argument("--modality", choices=["text", "image"], help="only this one")
        parser.add_argument(
            "--device", help="cpu, cuda or cuda:N (default: EMBEDDING_DEVICE, else cuda if there)"
        )
        parser.add_argument(
            "--batch-size",
            type=positive,
            metavar="N",
            help="rows encoded and committed together (default: found by a probe of some seconds)",
        )
        parser.add_argument(
            "--workers",
            type=natural,
            metavar="N",
            help="processes that decode pictures, 0: threads (default: 0 if the device is cpu, else"
            " one a core)",
        )
        parser.add_argument(
            "--profile", type=Path, metavar="FILE", help="write each part's times as JSON"
        )
        parser.add_argument("--limit", type=positive, metavar="N", help="rows a model and modality")
        parser.add_argument("--dry-run", action="store_true", help="count, and change nothing")
        parser.add_argument("--rebuild", action="store_true", help="embed everything anew")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            specs = [get_spec(name) for name in options["model"] or config.enabled_models()]
        except (UnknownModel, RegistryError) as error:
            raise CommandError(str(error), returncode=2) from error
        tasks = [(spec, modality) for spec in specs for modality in spec.modalities]
        if wanted := options["modality"]:
            tasks = [(spec, modality) for spec, modality in tasks if modality == wanted]
            if not tasks:
                names = ", ".join(spec.name for spec in specs)
                raise CommandError(f"{names}: no {wanted} embeddings to make", returncode=2)
        summaries = [self.embed(spec, modality, options) for spec, modality in tasks]
        if not options["dry_run"]:
            for spec in specs:
                self.calibrate(spec, options)
                if spec.name == config.enabled_models()[0]:
                    self.find_variants(spec, options)
        if file := options["profile"]:
            runs = [
                {"model": run.model, "modality": run.modality, "embedded": run.embedded}
                | run.profile.as_json()
                for run in summaries
            ]
            file.write_text(json.dumps(runs, indent=2) + "\n")
        if any(summary.failures for summary in summaries):
            raise SystemExit(1)

    def embed(self, spec: ModelSpec, modality: Modality, options: dict[str, Any]) -> Summary:
        name = f"{spec.name} {modality}"
        total = count_pending(spec.name, modality, options["rebuild"])
        total = min(total, options["limit"] or total)
        if options["dry_run"] or not total:
            self.stdout.write(f"{name}: {total} to embed")
            return Summary(spec.name, modality)
        try:
            device = options["device"] or default_device()
            encoder = get_encoder(spec.name, device)
            workers = options["workers"]
            quiet = options["verbosity"] == 0
            with tqdm(total=total, desc=name, unit=f" {modality}s", disable=quiet) as bar:
                summary = fill(
                    encoder,
                    modality,
                    batch_size=options["batch_size"],
                    workers=default_workers(device) if workers is None else workers,
                    limit=options["limit"],
                    rebuild=options["rebuild"],
                    progress=lambda rows: cast(None, bar.update(rows)),
                    on_wait=lambda: bar.write(f"{name}: another process is at it, waiting"),
                )
        except EncoderError as error:
            raise CommandError(f"{name}: {error}", returncode=2) from error
        self.show(name, summary)
        return summary

    def calibrate(self, spec: ModelSpec, options: dict[str, Any]) -> None:
        """Fit what the model's similarities mean, where that is due."""
        with connect() as connection:
            if not (options["rebuild"] or is_due(connection, spec.name)):
                return
            encoder = get_encoder(spec.name, options["device"] or default_device())
            if options["rebuild"] and "text" in spec.modalities:
                forget_embeddings(connection, spec.name)  # of queries: the model may be another
            if products := calibrate(connection, encoder):
                self.stdout.write(f"{spec.name}: calibrated on pairs of {products:,} products")

    def find_variants(self, spec: ModelSpec, options: dict[str, Any]) -> None:
        """Find which products are variants of others, by the default model's pictures."""
        if "image" not in spec.modalities:
            return
        with tqdm(desc="variants", unit=" products", disable=options["verbosity"] == 0) as bar:

            def update(products: int, total: int) -> None:
                bar.total = total
                bar.update(products)

            find_variants(spec.name, update)

    def show(self, name: str, summary: Summary) -> None:
        self.stdout.write(
            f"{name}: {summary.embedded} embedded in {summary.profile.seconds:.1f} s"
            f" ({summary.rate:.0f}/s, limited by the {summary.profile.limit}),"
            f" {len(summary.failures)} failed"
        )
        for row, reason in summary.failures[:SHOWN]:
            self.stderr.write(f"  {row.content[:80]!r}: {reason}")
