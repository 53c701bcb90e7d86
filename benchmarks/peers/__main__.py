"""The shop's search beside other engines, with the same products, questions, filters and vectors.

    python -m benchmarks.peers JUDGMENTS.jsonl [--rounds 5] [--json FILE]
    python -m benchmarks.peers --products 200000 [--queries 40]

The first form reads the shop's own catalogue and measures nDCG@10 too; the second uses the
synthetic catalogue of `benchmarks.filters`. Install the engines with `pip install --group peers`;
those that are missing are left out. All engines answer each question in turn, one question at a
time, in this process or, for PostgreSQL, on the embedded server. Query vectors are known before.
CPU time is that of this process and of PostgreSQL's. Recall is that of the nearest vectors alone,
against an exact scan.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from sqlalchemy import Connection

from benchmarks.filters import MODEL as DEFAULT
from benchmarks.filters import prepare
from benchmarks.peers.collection import (
    TOP,
    Collection,
    Engine,
    Question,
    exact,
    filtered,
    read_collection,
)
from benchmarks.peers.others import Chroma, Lance, Milvus
from benchmarks.peers.postgres import HandWritten, Shop
from benchmarks.synthetic import clustered
from catalog.active_models import models_in_use
from catalog.db.connection import connect
from catalog.evaluation.judgments import read_judgments
from catalog.evaluation.metrics import NAMES, measure
from catalog.evaluation.product_lookup import Catalogue
from embedding.encoder import Encoder, get_encoder
from embedding.preprocessing import Preparation
from embedding.registry import ModelSpec, get_spec

OTHERS: dict[str, Callable[[Path], Engine]] = {
    "lancedb": Lance,
    "pymilvus": Milvus,
    "chromadb": Chroma,
}


class KnownTexts:
    """An encoder of texts that encodes each once, or of given texts only."""

    preparation: Preparation | None = None

    def __init__(self, spec: ModelSpec, known: dict[str, np.ndarray] | None = None) -> None:
        self.spec = spec
        self._given = known is not None
        self._known = known or {}

    def encode_texts(self, texts: list[str]) -> np.ndarray:
        for text in texts:
            if text not in self._known and not self._given:
                self._known[text] = get_encoder(self.spec.name).encode_texts([text])[0]
        return np.stack([self._known[text] for text in texts])

    def unread_share(self, text: str) -> float:
        return 0.0 if self._given else get_encoder(self.spec.name).unread_share(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(get_encoder(self.spec.name), name)


@dataclass
class Figures:
    """What was measured of one engine; by filter the seconds of each question, elapsed and
    computed, and recalls."""

    build: float
    megabytes: float
    seconds: dict[str, list[float]] = field(default_factory=dict)
    computed: dict[str, list[float]] = field(default_factory=dict)
    recalls: dict[str, list[float]] = field(default_factory=dict)
    ndcg: list[float] = field(default_factory=list)

    def row(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = {"engine": name}
        for filters, seconds in self.seconds.items():
            p50, p95 = 1000 * np.percentile(seconds, [50, 95])
            found[f"{filters}: questions/s"] = round(1 / float(np.mean(seconds)), 1)
            found[f"{filters}: p50 (p95), ms"] = f"{p50:.1f} ({p95:.1f})"
            computed = 1000 * np.median(self.computed[filters])
            found[f"{filters}: CPU, p50, ms"] = round(float(computed), 1)
            found[f"{filters}: recall@{TOP}"] = round(float(np.mean(self.recalls[filters])), 3)
        if self.ndcg:
            found["nDCG@10"] = round(float(np.mean(self.ndcg)), 3)
        return found | {"MB": round(self.megabytes, 1), "build, s": round(self.build, 1)}


def ask(
    engines: Sequence[Engine], collection: Collection, questions: Sequence[Question], rounds: int
) -> dict[str, Figures]:
    """Build every engine, then let all of them answer each question in turn."""
    figures = {}
    for engine in engines:
        started = time.perf_counter()
        engine.build(collection)
        figures[engine.name] = Figures(time.perf_counter() - started, engine.disk() / 1e6)
        print(f"{engine.name}: built in {figures[engine.name].build:.1f} s", file=sys.stderr)
    for filters, asked in filtered(questions, collection).items():
        for question in asked:
            true = exact(collection, question)
            for engine in engines:
                found = set(engine.nearest(question))
                engine.hybrid(question)  # the first answer is not measured
                recalls = figures[engine.name].recalls.setdefault(filters, [])
                recalls.append(len(true & found) / len(true))
        for turn in range(rounds):
            for number, question in enumerate(asked):
                first = (turn + number) % len(engines)
                for engine in (*engines[first:], *engines[:first]):
                    measured = figures[engine.name]
                    started = time.perf_counter()
                    computed = time.process_time() + engine.computed()
                    skus = engine.hybrid(question)
                    computed = time.process_time() + engine.computed() - computed
                    took = time.perf_counter() - started
                    measured.seconds.setdefault(filters, []).append(took)
                    measured.computed.setdefault(filters, []).append(computed)
                    if question.relevant and turn == 0:
                        ranking = [(sku, rank) for rank, sku in enumerate(skus)]
                        values = measure(question.relevant, ranking)
                        measured.ndcg.append(float(values[NAMES.index("nDCG@10")]))
    return figures


def judged(connection: Connection, files: Sequence[Path], encoder: Encoder) -> list[Question]:
    """The judged questions of words alone, without those that nothing is relevant for."""
    catalogue = Catalogue(connection)
    read = [it for file in files for it in read_judgments(file, catalogue)]
    return [
        Question(it.text, encoder.encode_texts([it.text])[0], relevant=it.relevant)
        for it in read
        if it.text and it.relevant and not it.image and not it.like
    ]


def print_table(rows: Sequence[dict[str, Any]]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(str(row.get(name, '')) for name in columns)} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("judgments", nargs="*", type=Path)
    parser.add_argument("--products", type=int, help="use a synthetic catalogue of this size")
    parser.add_argument("--queries", type=int, default=40, help="with --products")
    parser.add_argument("--model", help="whose vectors are compared (default: the shop's)")
    parser.add_argument("--modality", choices=("image", "text"), default="image")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the table to this file")
    arguments = parser.parse_args()
    if bool(arguments.judgments) == bool(arguments.products):
        parser.error("name either files with judgments or --products")
    if arguments.products:
        prepare(arguments.products, get_spec(arguments.model or DEFAULT.name))
    with connect() as connection, TemporaryDirectory() as folder:
        spec = get_spec(arguments.model or models_in_use(connection)[0])
        encoder = KnownTexts(spec)
        if arguments.products:
            data = clustered(arguments.products, spec.dimensions, np.random.default_rng(1))
            words, vectors = data.words(arguments.queries), data.near(arguments.queries)
            encoder = KnownTexts(spec, dict(zip(words, vectors, strict=True)))
            questions = [Question(*each) for each in zip(words, vectors, strict=True)]
        else:
            questions = judged(connection, arguments.judgments, encoder)
        engines: list[Engine] = [
            Shop(connection, lambda _: encoder, spec.name, arguments.modality),
            HandWritten(),
        ]
        for module, engine in OTHERS.items():
            if find_spec(module):
                place = Path(folder) / module
                place.mkdir()
                engines.append(engine(place))
            else:
                print(f"{module} is not installed and is left out", file=sys.stderr)
        collection = read_collection(connection, spec.name, arguments.modality)
        figures = ask(engines, collection, questions, arguments.rounds)
        rows = [measured.row(name) for name, measured in figures.items()]
    print(f"{len(collection.skus):,} products, {len(questions)} questions, top {TOP}\n")
    print_table(rows)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
