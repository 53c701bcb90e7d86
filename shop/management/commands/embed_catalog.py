from argparse import ArgumentTypeError
from typing import Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from catalog import config
from catalog.filling import DEFAULT_BATCH_SIZE, Summary, count_pending, fill
from embedding.encoder import EncoderError, get_encoder
from embedding.registry import Modality, ModelSpec, RegistryError, UnknownModel, get_spec

SHOWN = 20


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


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
        parser.add_argument("--batch-size", type=positive, default=DEFAULT_BATCH_SIZE, metavar="N")
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
        failed = False
        for spec, modality in tasks:
            failed |= bool(self.embed(spec, modality, options).failures)
        if failed:
            raise SystemExit(1)

    def embed(self, spec: ModelSpec, modality: Modality, options: dict[str, Any]) -> Summary:
        name = f"{spec.name} {modality}"
        total = count_pending(spec.name, modality, options["rebuild"])
        total = min(total, options["limit"] or total)
        if options["dry_run"] or not total:
            self.stdout.write(f"{name}: {total} to embed")
            return Summary(spec.name, modality)
        try:
            encoder = get_encoder(spec.name)
            quiet = options["verbosity"] == 0
            with tqdm(total=total, desc=name, unit=f" {modality}s", disable=quiet) as bar:
                summary = fill(
                    encoder,
                    modality,
                    batch_size=options["batch_size"],
                    limit=options["limit"],
                    rebuild=options["rebuild"],
                    progress=lambda rows: cast(None, bar.update(rows)),
                )
        except EncoderError as error:
            raise CommandError(f"{name}: {error}", returncode=2) from error
        self.show(name, summary)
        return summary

    def show(self, name: str, summary: Summary) -> None:
        self.stdout.write(
            f"{name}: {summary.embedded} embedded in {summary.seconds:.1f} s"
            f" ({summary.rate:.0f}/s), {len(summary.failures)} failed"
        )
        for row, reason in summary.failures[:SHOWN]:
            self.stderr.write(f"  {row.content[:80]!r}: {reason}")
