from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser

from catalog.db.connection import connect
from catalog.reduction import stored_encoder
from catalog.synonyms.suggestions import PRECISION, Measured, suggest
from catalog.synonyms.unknown_words import (
    UnknownWord,
    apply_proposals,
    read_unknown_words,
    store_unknown_words,
)
from embedding.progress import Progress
from shop.management.arguments import positive
from shop.management.base import CatalogCommand

LIMIT = 200
HEADER = ("word", "unanswered", "searches", "proposal", "score", "right", "above bar", "by")


class Command(CatalogCommand):
    help = (
        "Propose meanings for words of logged queries that no synonym explains and the catalogue"
        " does not contain (docs/synonyms.md). The admin lists the words with their proposals."
        " Measures with known words how often proposals are right. Exit status: 0 done, 2 misuse,"
        " no database, or no model."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--apply",
            action="store_true",
            help="write the proposals above the bar as close synonyms of the source meaning",
        )
        parser.add_argument(
            "--limit",
            type=positive,
            default=LIMIT,
            metavar="N",
            help=f"only the N words with the most unanswered searches (default: {LIMIT})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        quiet = options["verbosity"] == 0
        with connect() as connection:
            words = read_unknown_words(connection, options["limit"])
        with Progress("known and unknown words", " words", quiet=quiet) as progress:
            found = suggest(words, stored_encoder, progress.advance)
        with connect() as connection:
            applied = apply_proposals(connection, found.words) if options["apply"] else 0
            store_unknown_words(connection, found.words)
        for line in _table(found.words):
            self.stdout.write(line)
        for way, measured in found.measured.items():
            self.stdout.write(f"by {way} with {found.model}: {_summary(measured)}")
        if options["apply"]:
            self.stdout.write(f"{applied} close synonyms written")


def _table(words: tuple[UnknownWord, ...]) -> Iterator[str]:
    if not words:
        yield "All words of logged queries are known."
        return
    rows = [HEADER, *(row for word in words for row in _rows(word))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, widths, strict=True)
        yield "  ".join(cell.ljust(width) for cell, width in cells).rstrip()


def _rows(word: UnknownWord) -> Iterator[tuple[str, ...]]:
    counts = (word.word, str(word.unanswered), str(word.searches))
    if not word.proposals:
        yield (*counts, "-", "", "", "", "")
    for proposal in word.proposals:
        yield (
            *counts,
            proposal.meaning,
            f"{proposal.score:.2f}",
            f"{proposal.precision:.0%}",
            "yes" if proposal.is_above else "no",
            f"name: {proposal.like}" if proposal.like else proposal.way,
        )


def _summary(measured: Measured) -> str:
    if not measured.words:
        return "not measured: no known word means a facet value of this catalogue"
    right = f"right for {measured.right} of {measured.words} words that were left out"
    if measured.bar is None:
        return (
            f"{right}; no score reaches {PRECISION:.0%} right proposals, so none is above the bar"
        )
    return (
        f"{right}; {measured.right_above} of {measured.above} proposals above the bar of"
        f" {measured.bar:.2f} are right, for {measured.right_above / measured.words:.1%}"
        " of these words"
    )
