import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from catalog.db.connection import connect
from catalog.evaluation.comparisons import (
    ComparedQuery,
    Comparison,
    all_comparisons,
    as_judgments,
    count_wins,
)
from catalog.evaluation.judgment_parsers import parse_line
from catalog.evaluation.judgments import JudgmentError, parse_judgments
from catalog.evaluation.product_lookup import Catalogue
from shop.management.base import CatalogCommand
from shop.management.outputs import output_file
from shop.query_pictures import judged_picture


class Command(CatalogCommand):
    help = (
        "Show how often each setup was judged better on the page /compare/, and write the verdicts"
        " as judgments that evaluate_search reads (docs/compare.md). Exit status: 0 done, 2 misuse,"
        " no database, or a file that cannot be written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            nargs="?",
            type=output_file,
            help="the JSON Lines file to write; pictures go to a folder beside it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with connect() as connection:
            comparisons = all_comparisons(connection)
            self.show_wins(comparisons)
            if options["file"] is None:
                return
            records = list(self.records(comparisons, Catalogue(connection), options["file"]))
        with options["file"].open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        self.stdout.write(f"{len(records)} judgments written to {options['file']}")

    def show_wins(self, comparisons: list[Comparison]) -> None:
        if not comparisons:
            self.stdout.write("There are no verdicts yet.")
            return
        self.stdout.write("| left | right | left better | equal | right better | p |")
        self.stdout.write("|---|---|---|---|---|---|")
        for it in count_wins(comparisons):
            self.stdout.write(
                f"| {it.left_setup} | {it.right_setup} | {it.left} | {it.equal} | {it.right}"
                f" | {it.p_value:.3f} |"
            )

    def records(
        self, comparisons: list[Comparison], catalogue: Catalogue, file: Path
    ) -> Iterator[dict[str, Any]]:
        for number, (query, relevant) in enumerate(
            as_judgments(comparisons, catalogue.products), start=1
        ):
            if len(query.pictures) > 1:
                self.leave_out(query, "a judgment has at most one picture")
                continue
            record: dict[str, Any] = {"id": f"comparison-{number}", "kind": "comparison"}
            record |= {"text": query.text} if query.text else {}
            record |= {"like": query.liked} if query.liked else {}
            record |= {"filters": dict(query.filters)} if query.filters else {}
            record["relevant"] = relevant
            if query.pictures:
                kept = judged_picture(query.pictures[0])
                if not kept.is_file():
                    self.leave_out(query, "its picture was not kept")
                    continue
                folder = file.parent / f"{file.stem}_pictures"
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(kept, folder / kept.name)
                record["image"] = f"{folder.name}/{kept.name}"
            try:
                written = parse_line(json.dumps(record).encode())  # as evaluate_search reads it
                parse_judgments([(number, written)], file.parent, catalogue)
            except JudgmentError as error:  # the catalogue has changed
                self.leave_out(query, str(error).partition(": ")[2])
                continue
            yield record

    def leave_out(self, query: ComparedQuery, reason: str) -> None:
        name = query.text or query.liked or query.pictures[0]
        self.stderr.write(f"“{name}” was left out: {reason}")
