import json
from argparse import ArgumentTypeError
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.template.loader import render_to_string
from sqlalchemy import Connection

from catalog import config
from catalog.active_models import default_model, require_tables
from catalog.db.connection import connect
from catalog.evaluation.derive_judgments import KINDS, derive, save_records
from catalog.evaluation.html_report import report_context
from catalog.evaluation.judgment_parsers import FormatError
from catalog.evaluation.judgments import (
    Judgment,
    JudgmentError,
    parse_judgments,
    read_judgments,
)
from catalog.evaluation.product_lookup import Catalogue
from catalog.evaluation.report_tables import as_json, as_markdown, sizes_as_markdown
from catalog.evaluation.runner import run_judgments
from catalog.evaluation.setup_result import Setup, SetupResult
from catalog.evaluation.sizes import Size, measure_sizes
from catalog.search.fusion import FUSIONS, SIGNALS
from catalog.search.pipeline import search
from catalog.search.weights import smallest_window
from embedding.config import split_list
from embedding.progress import Progress
from embedding.registry import get_spec
from shop.management.arguments import positive
from shop.management.base import CatalogCommand
from shop.management.outputs import output_file
from shop.search_params import DEFAULT_LIMIT

MAX_DEPTH = 1000


def depth(text: str) -> int:
    if (number := positive(text)) > MAX_DEPTH:
        raise ArgumentTypeError(f"{text!r} is more than {MAX_DEPTH}")
    return number


def dimensions(text: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(map(positive, split_list(text))))


def signals(text: str) -> tuple[str, ...]:
    if text == "all":
        return ()
    names = tuple(text.split("+"))
    if not set(names) <= set(SIGNALS) or len(set(names)) < len(names):
        known = ", ".join(SIGNALS)
        raise ArgumentTypeError(f"{text!r} is neither 'all' nor some of {known}, joined by '+'")
    return names


class Command(CatalogCommand):
    help = (
        "Measure the quality of the search with judgments from a file or derived from the"
        " catalogue, for each combination of model, signals and fusion (docs/evaluation.md). Exit"
        " status: 0 done, 2 misuse, malformed judgments, or no database."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "judgments",
            nargs="*",
            type=Path,
            help="JSON Lines files with queries and their relevant products (or use --derive)",
        )
        parser.add_argument(
            "--derive",
            action="append",
            choices=KINDS,
            help="derive judgments from the catalogue, can be repeated",
        )
        parser.add_argument(
            "--sample", type=positive, metavar="N", help="derive at most N judgments of each kind"
        )
        parser.add_argument(
            "--seed",
            type=int,
            default=0,
            metavar="S",
            help="seed of all random samples (default: 0)",
        )
        parser.add_argument(
            "--save",
            type=output_file,
            metavar="FILE",
            help="write the derived judgments to a file that can be used in the next run",
        )
        parser.add_argument(
            "--model",
            action="append",
            metavar="NAME",
            help="a model, or two joined by '+' (default: the shop's). This option and the next two"
            " can be repeated; all combinations are measured",
        )
        parser.add_argument(
            "--signals",
            action="append",
            type=signals,
            metavar="A+B",
            help=f"the signals to use, of {', '.join(SIGNALS)} (default: all)",
        )
        parser.add_argument(
            "--fusion",
            action="append",
            choices=sorted(FUSIONS),
            help="how signals are combined into one score (default: the shop's)",
        )
        parser.add_argument(
            "--dims",
            type=dimensions,
            metavar="N,N",
            help="measure instead how many dimensions the vectors of one model need, such as"
            " 256,128,64: recall, nDCG, bytes and speed (docs/models.md)",
        )
        parser.add_argument(
            "--binary",
            action="store_true",
            help="with --dims, or alone: also measure indexes of the signs of the vectors",
        )
        parser.add_argument(
            "--page",
            action="store_true",
            help="measure what the shop's page shows, with its minimum match and with grouped"
            " variants, instead of the order of all products",
        )
        parser.add_argument(
            "--depth",
            type=depth,
            metavar="N",
            help="number of hits to evaluate (default: SEARCH_WINDOW, or with --page"
            f" {DEFAULT_LIMIT}; at most {MAX_DEPTH}). A value above SEARCH_WINDOW widens the"
            " window, so it measures another search",
        )
        parser.add_argument("--json", type=output_file, metavar="FILE", help="write all results")
        parser.add_argument(
            "--report",
            type=output_file,
            metavar="FILE.html",
            help="write an HTML page with plots and pictures",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["judgments"]) == bool(options["derive"]):
            raise CommandError("use either judgments files or --derive", returncode=2)
        if options["dims"] or options["binary"]:
            for other in ("signals", "fusion", "page", "depth", "report"):
                if options[other]:
                    raise CommandError(f"--dims and --binary exclude --{other}", returncode=2)
            if len(options["model"] or []) > 1 or "+" in (options["model"] or [""])[0]:
                raise CommandError("--dims and --binary measure one model", returncode=2)
        if options["save"] and not options["derive"]:
            raise CommandError("--save requires --derive", returncode=2)
        try:
            with connect() as connection:
                options["window"] = smallest_window(connection)
                usual = DEFAULT_LIMIT if options["page"] else options["window"]
                options["depth"] = options["depth"] or usual
                default = default_model(connection)
                catalogue = Catalogue(connection)
                judgments = self.judgments(catalogue, options)
                if options["dims"] or options["binary"]:
                    self.measure_sizes(connection, judgments, default, options)
                    return
                runs = self.measure(connection, judgments, catalogue, options)
                self.write(runs, catalogue, len(judgments), default, options)
        except (JudgmentError, FormatError) as error:
            raise CommandError(str(error), returncode=2) from error

    def judgments(self, catalogue: Catalogue, options: dict[str, Any]) -> list[Judgment]:
        if options["judgments"]:
            files = options["judgments"]
            return [judgment for file in files for judgment in read_judgments(file, catalogue)]
        folder = options["save"].parent if options["save"] else config.settings().media_root
        records = [
            record
            for kind in dict.fromkeys(options["derive"])
            for record in derive(kind, catalogue, folder, options["sample"], options["seed"])
        ]
        if options["save"]:
            save_records(records, options["save"])
        return parse_judgments(enumerate(records, start=1), folder, catalogue)

    def measure(
        self,
        connection: Connection,
        judgments: list[Judgment],
        catalogue: Catalogue,
        options: dict[str, Any],
    ) -> list[SetupResult]:
        for model in options["model"] or []:
            for name in model.split("+"):
                get_spec(name)
        setups = [
            Setup(*each, page=options["page"])
            for each in product(
                options["model"] or [""], options["signals"] or [()], options["fusion"] or [""]
            )
        ]
        total = len(setups) * (len(judgments) + 1)
        runs = []
        with Progress("queries", " queries", total, quiet=options["verbosity"] == 0) as bar:
            for setup in setups:
                bar.relabel(str(setup))
                runs.append(
                    run_judgments(
                        connection,
                        judgments,
                        setup,
                        search,
                        options["depth"],
                        catalogue.products,
                        bar.advance,
                    )
                )
        return runs

    def measure_sizes(
        self,
        connection: Connection,
        judgments: list[Judgment],
        default: str,
        options: dict[str, Any],
    ) -> None:
        """Measure the vectors of one model at several sizes, and write one table."""
        spec = get_spec((options["model"] or [default])[0])
        require_tables(connection, spec.name)
        wanted = options["dims"] or (spec.dimensions,)
        sizes = [Size(it) for it in wanted]
        sizes += [Size(it, binary=True) for it in wanted if options["binary"]]
        total = len(judgments) + len(spec.modalities) * (1 + len(sizes))
        with Progress(spec.name, " steps", total, quiet=options["verbosity"] == 0) as bar:
            results = list(measure_sizes(connection, spec, judgments, sizes, bar.advance))
        self.stdout.write(f"Vectors of {spec.name}, {len(judgments)} judgments.\n")
        self.stdout.write(sizes_as_markdown(results))
        if file := options["json"]:
            content = {"model": spec.name, "sizes": [asdict(each) for each in results]}
            file.write_text(json.dumps(content, indent=2) + "\n")

    def write(
        self,
        runs: list[SetupResult],
        catalogue: Catalogue,
        judgments: int,
        default: str,
        options: dict[str, Any],
    ) -> None:
        about = {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "products": len(catalogue.products),
            "judgments": judgments,
            "source": " + ".join(map(str, options["judgments"] or options["derive"])),
            "default_model": default,
            "page": options["page"],
            "depth": options["depth"],
            "window": max(options["depth"], options["window"]),
            "sample": options["sample"],
            "seed": options["seed"] if options["derive"] else None,
        }
        what = "the shop's page, " if options["page"] else ""
        self.stdout.write(
            f"Evaluated: {what}the first {about['depth']} hits of a window of {about['window']}."
            f" The default model is {default}.\n"
        )
        self.stdout.write(as_markdown(runs))
        if file := options["json"]:
            content = json.dumps(about | {"setups": as_json(runs)}, indent=2) + "\n"
            file.write_text(content)
        if file := options["report"]:
            context = {"about": about} | report_context(runs, catalogue)
            page = render_to_string("evaluation/report.html", context)
            file.write_text(page, encoding="utf-8")
