"""Compares the models that have embedded the catalogue: how well they find, and what they cost.

    python -m benchmarks.models [--model fashion --model imagenet] [--part test] [--rounds 40]

Pictures of the products of a part are found among each other, by the stored vectors: a hash of the
SKU puts 20 % of the products into the part `test`, which `finetune_model` does not train on. Of a
model with an index of signs, the signs find four times as many as ten, and the vectors rank these.

- mAP type, mAP colour: pictures of other products with the type, or the colour, of the query's
- P@5, R@5, MRR: the same for products with both its type and its colour; R@5 is the share of the
  queries with one of them among the first five
- title R@10: the share of titles with a picture of a product with this title among the first ten
- text, picture: CPU time in milliseconds to encode one query in one thread, a picture with its
  decoding; pictures/s: the same as pictures in batches of 64, for each second of CPU time
- index: MB of the HNSW indexes of texts and pictures; queries/s: the 20 nearest pictures of the
  whole catalogue, by the index, in one session

Times are medians of rounds in which the models take turns, so that other programs on the machine
disturb all of them alike. Figures that a model has not are "-".
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray
from pgvector import HalfVector
from sqlalchemy import Connection

from catalog import config
from catalog.active_models import stored_models
from catalog.db.connection import compose, connect
from catalog.indexing.hnsw import get_index
from catalog.reduction import stored_encoder
from catalog.search.candidates import BINARY_FACTOR
from catalog.tables import embedding_table_name, nearby
from catalog.training_products import read_training_products
from embedding.encoder import Encoder
from embedding.finetuning.products import Product
from embedding.image_decoding import open_image
from embedding.registry import ModelSpec, get_spec
from embedding.training.metrics import (
    mean_average_precision,
    mean_reciprocal_rank,
    precision_at,
    recall_at,
)

FIRST = 10
NEAREST = 20
BATCH = 64

Matrix = NDArray[np.float32]
Mask = NDArray[np.bool_]

COLUMNS = (
    *("mAP type", "mAP colour", "P@5", "R@5", "MRR", "title R@10"),
    *("text", "picture", "pictures/s", "index", "queries/s"),
)
DIGITS = (3, 3, 3, 3, 3, 3, 1, 1, 0, 1, 0)


@dataclass
class Stored:
    """A model's embeddings of the measured products' pictures, (n, d), and their products."""

    spec: ModelSpec
    encoder: Encoder
    vectors: Matrix
    products: list[Product]
    figures: dict[str, float] = field(default_factory=dict)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", action="append", help="default: all that have embedded pictures")
    parser.add_argument("--part", choices=("test", "validation", "train", "all"), default="test")
    parser.add_argument("--rounds", type=int, default=40, help="of each time")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with connect() as connection:
        products = read_training_products(connection, config.settings().media_root)
        measured = [it for it in products if options.part in ("all", it.part)]
        names = options.model or stored_models(connection)
        stored = [it for name in names if (it := read(connection, name, measured))]
        for each in stored:
            each.figures |= qualities(each)
            each.figures["index"] = index_bytes(connection, each.spec) / 2**20
        measure_times(connection, stored, options.rounds)
    print(f"{len(measured)} of {len(products)} products\n")
    print(table({it.spec.name: it.figures for it in stored}))


def read(connection: Connection, name: str, products: Sequence[Product]) -> Stored | None:
    """The embeddings of the products' pictures; None if the model has none."""
    spec = get_spec(name)
    if "image" not in spec.modalities:
        return None
    by_sku = {it.sku: it for it in products}
    rows = connection.exec_driver_sql(
        compose(
            "SELECT p.sku, e.embedding FROM {table} e JOIN product p ON p.id = e.product_id"
            " WHERE p.sku = ANY(%(skus)s) ORDER BY p.sku, e.image_id",
            table=embedding_table_name(name, "image"),
        ),
        {"skus": list(by_sku)},
    ).all()
    if not rows:
        return None
    vectors = np.array([row.embedding.to_numpy() for row in rows], np.float32)
    return Stored(spec, stored_encoder(name), vectors, [by_sku[row.sku] for row in rows])


def qualities(stored: Stored) -> dict[str, float]:
    """The figures of what is found, by the names of `COLUMNS`."""
    products = stored.products
    scores = similarities(stored.spec, stored.vectors, stored.vectors)
    skus = np.array([it.sku for it in products])
    others = skus[:, None] != skus
    kind, colour = (
        alike([it.attributes.get(name, "") for it in products]) for name in ("type", "colour")
    )
    figures: dict[str, float] = {}
    for name, same in (("mAP type", kind), ("mAP colour", colour)):
        if (rows := (same & others).any(1)).any():
            relevant = (same & others)[rows]
            figures[name] = mean_average_precision(scores[rows], relevant, others[rows])
    both = kind & colour & others
    if (rows := both.any(1)).any():
        ranked = np.where(others, scores, -np.inf)[rows]
        figures["P@5"] = precision_at(5, ranked, both[rows])
        figures["R@5"] = recall_at(5, ranked, both[rows])
        figures["MRR"] = mean_reciprocal_rank(ranked, both[rows])
    titles = sorted({it.title for it in products} - {""})
    if titles and "text" in stored.spec.modalities:
        found = similarities(stored.spec, stored.encoder.encode_texts(titles), stored.vectors)
        relevant = np.array(titles)[:, None] == np.array([it.title for it in products])
        figures["title R@10"] = recall_at(FIRST, found, relevant)
    return figures


def alike(values: Sequence[str]) -> Mask:
    """Which of n values are known and equal, (n, n)."""
    known = np.array(values)
    result: Mask = (known[:, None] == known) & (known != "")
    return result


def similarities(spec: ModelSpec, queries: Matrix, vectors: Matrix) -> Matrix:
    """Scores of n vectors for q queries, (q, n), by which the index would rank them."""
    cosines = queries @ vectors.T
    if not spec.binary:
        return cosines
    agreeing = np.where(queries > 0, 1, -1) @ np.where(vectors > 0, 1, -1).T / vectors.shape[1]
    nearest = np.argsort(-agreeing, axis=1, kind="stable")[:, : BINARY_FACTOR * FIRST]
    scores: Matrix = agreeing.astype(np.float32)
    # Cosines and shares of signs are at most 1, so these come first.
    np.put_along_axis(scores, nearest, 3 + np.take_along_axis(cosines, nearest, 1), 1)
    return scores


def index_bytes(connection: Connection, spec: ModelSpec) -> int:
    """Bytes of the HNSW indexes of a model's own tables."""
    return sum(
        connection.exec_driver_sql(
            "SELECT coalesce(pg_relation_size(to_regclass(%(name)s)), 0)",
            {"name": get_index(connection, spec.name, modality).name},
        ).scalar_one()
        for modality in spec.own_modalities
    )


def measure_times(connection: Connection, stored: Sequence[Stored], rounds: int) -> None:
    """Add the times to the figures of each model."""
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    cases: dict[tuple[str, str], tuple[Callable[[int], object], Callable[[], float]]] = {}
    for each in stored:
        name, clock = each.spec.name, time.process_time
        if "text" in each.spec.modalities:
            cases[name, "text"] = (text_query(each), clock)
        cases[name, "picture"] = (picture_query(each), clock)
        cases[name, "queries/s"] = (nearest_query(connection, each), time.perf_counter)
    taken: dict[tuple[str, str], list[float]] = {key: [] for key in cases}
    for number in range(rounds + 1):
        for key, (run, clock) in cases.items():
            started = clock()
            run(number)
            if number:  # the first round warms up
                taken[key].append(clock() - started)
    figures = {it.spec.name: it.figures for it in stored}
    for (name, what), times in taken.items():
        seconds = median(times)
        figures[name][what] = 1 / seconds if what == "queries/s" else 1000 * seconds
    for each in stored:
        each.figures["pictures/s"] = pictures_per_second(each)


def text_query(stored: Stored) -> Callable[[int], object]:
    texts = [it.title or it.attributes.get("type", "shirt") for it in stored.products]
    return lambda number: stored.encoder.encode_texts([texts[number % len(texts)]])


def picture_query(stored: Stored) -> Callable[[int], object]:
    files = picture_files(stored)
    return lambda number: stored.encoder.encode_images([open_image(files[number % len(files)])])


def pictures_per_second(stored: Stored) -> float:
    """Pictures decoded and encoded in batches in a second of CPU time."""
    files = picture_files(stored)[:BATCH]
    started = time.process_time()
    stored.encoder.encode_images([open_image(file) for file in files])
    return len(files) / (time.process_time() - started)


def picture_files(stored: Stored) -> list[Path]:
    return [file for it in stored.products for file in it.pictures]


def nearest_query(connection: Connection, stored: Stored) -> Callable[[int], object]:
    spec = stored.spec
    factor = BINARY_FACTOR if spec.binary else 1
    statement = f"""
    SELECT id, distance
      FROM (SELECT e.image_id AS id, e.embedding <=> %(vector)s AS distance
              FROM {embedding_table_name(spec.owner("image"), "image")} e
             ORDER BY {nearby(spec.dimensions, spec.binary, "%(vector)s")}
             LIMIT {NEAREST * factor}) AS found
     ORDER BY distance
     LIMIT {NEAREST}"""
    vectors = [HalfVector(it) for it in stored.vectors]

    def run(number: int) -> object:
        vector = vectors[number % len(vectors)]
        return connection.exec_driver_sql(statement, {"vector": vector}).all()

    return run


def table(figures: dict[str, dict[str, float]]) -> str:
    """The figures in Markdown."""
    lines = [f"| model | {' | '.join(COLUMNS)} |", "|---|" + "---:|" * len(COLUMNS)]
    for name, of in figures.items():
        cells = [
            f"{of[column]:,.{digits}f}" if column in of else "-"
            for column, digits in zip(COLUMNS, DIGITS, strict=True)
        ]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
