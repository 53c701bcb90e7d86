"""What `EMBED_REGIONS=best` changes: how well products are found, and what cutting costs.

    python -m benchmarks.product_regions ../shared/data [--products 400] [--rounds 3] [--workers 0]

Two catalogues of the same products, which nothing was trained on: scenes, with each product on a
backdrop of `benchmarks.regions`, and the shop's photographs. Both are embedded with whole and with
cut pictures, by the decoder and the encoder of `embed_catalog`, in turn. They are searched with the
photographs and with other scenes, cut as the shop cuts query pictures. Ranks are by the pictures
alone. The database is asked for the types of products only.

"Kind" and "type" are the shares of the right subcategory and product type among the first 8 hits,
without the product itself; "itself" is the share of queries whose own product is among them.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.regions import FIRST, backdrops, held_out
from catalog.db.connection import connect
from embedding.decoder_pool import Decoder
from embedding.encoder import get_encoder
from embedding.image_decoding import open_image
from embedding.preprocessing import Opener
from embedding.regions.finder import find_garments
from embedding.regions.garments import open_best_part
from embedding.training.scenes import Cutout, compose, cut_out

BATCH = 64
OPENERS: dict[str, Opener] = {"whole": open_image, "cut": open_best_part}

Vectors = NDArray[np.float32]


def write_scenes(shared: Path, cutouts: list[Cutout], folder: Path, name: str) -> list[Path]:
    """A scene of each garment, with the backdrops in turn, as JPEG files."""
    makers = list(backdrops(shared).items())
    files = []
    for number, cutout in enumerate(cutouts):
        kind, backdrop = makers[number % len(makers)]
        scene = compose(Random(f"{name} {kind} {cutout.product}"), [cutout], backdrop)
        files.append(folder / f"{name}-{number}.jpg")
        scene.image.save(files[-1], quality=92)
    return files


def embed(files: Sequence[Path], opener: Opener, workers: int) -> tuple[Vectors, float, float]:
    """The vectors, (n, d), and the wall and CPU seconds; three batches are decoded at a time."""
    encoder = get_encoder("fashion")
    batches = [files[start : start + BATCH] for start in range(0, len(files), BATCH)]
    with Decoder(encoder.preparation, workers, BATCH, 6, opener) as decoder:
        decoder.submit(files[:4]).result()  # loads the finder
        wall, cpu = time.perf_counter(), time.process_time()
        waiting = [decoder.submit(batch) for batch in batches[:3]]
        vectors = []
        for number in range(len(batches)):
            decoded = waiting.pop(0).result()
            assert isinstance(decoded.pictures, np.ndarray)
            vectors.append(encoder.encode_pixels(decoded.pictures))
            if number + 3 < len(batches):
                waiting.append(decoder.submit(batches[number + 3]))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return np.concatenate(vectors), wall, cpu


def query_vectors(files: Sequence[Path]) -> Vectors:
    """The vectors of query pictures, cut as the shop cuts them: (n, d)"""

    def best(image: Image.Image) -> Image.Image:
        found = find_garments(image).best
        return found.region.crop(image) if found else image

    encoder = get_encoder("fashion")
    return np.concatenate([encoder.encode_images([best(open_image(file))]) for file in files])


def figures(queries: Vectors, stored: Vectors, labels: list[NDArray[np.str_]]) -> list[float]:
    """For each labelling, the share of right labels among the first hits without the product
    itself; then the share of queries that find it."""
    similarity = queries @ stored.T
    order = np.argsort(-similarity, axis=1)
    own = np.arange(len(queries))[:, None]
    others = np.stack([row[row != number][:FIRST] for number, row in enumerate(order)])
    shares = [float((label[others] == label[own]).mean()) for label in labels]
    return [*shares, float((order[:, :FIRST] == own).any(1).mean())]


def alternate(
    files: Sequence[Path], workers: int, rounds: int
) -> tuple[dict[str, Vectors], float, float]:
    """The vectors of whole and cut pictures, and how many times longer the latter take, by wall and
    by CPU time: medians of rounds in turn."""
    found: dict[str, Vectors] = {}
    ratios: list[tuple[float, float]] = []
    for _ in range(rounds):
        seconds = {}
        for name, opener in OPENERS.items():
            found[name], *seconds[name] = embed(files, opener, workers)
        ratios.append(
            (seconds["cut"][0] / seconds["whole"][0], seconds["cut"][1] / seconds["whole"][1])
        )
    wall, cpu = (statistics.median(column) for column in zip(*ratios, strict=True))
    return found, wall, cpu


def rows(
    catalogues: dict[str, Sequence[Path]],
    queries: dict[str, Vectors],
    labels: list[NDArray[np.str_]],
    measure: Callable[[Sequence[Path]], tuple[dict[str, Vectors], float, float]],
) -> Iterator[str]:
    yield "| catalogue | searched by | pictures | kind | type | itself |"
    yield "|---|---|---|---|---|---|"
    costs = []
    for catalogue, files in catalogues.items():
        stored, wall, cpu = measure(files)
        same = (stored["whole"] == stored["cut"]).all(1).mean()
        costs.append(f"{catalogue}: {1 - same:.0%} cut; {wall:.1f} times the time, {cpu:.1f} CPU")
        for query, vectors in queries.items():
            for name in OPENERS:
                shares = [f"{it:.3f}" for it in figures(vectors, stored[name], labels)]
                yield f"| {catalogue} | {query} | {name} | {' | '.join(shares)} |"
    yield ""
    yield from costs


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("shared", type=Path, help="folder with ecommerce/ and clothing/")
    parser.add_argument("--products", type=int, default=400, help="at most so many (400)")
    parser.add_argument("--rounds", type=int, default=3, help="of embedding (3)")
    parser.add_argument("--workers", type=int, default=0, help="decoding processes (0: threads)")
    options = parser.parse_args(arguments)
    with connect() as connection:
        known = {
            row.sku: (row.subcategory, row.product_type)
            for row in connection.exec_driver_sql(
                "SELECT sku, product_type, subcategory FROM product"
            )
        }
    pictures = [it for it in held_out(options.shared / "ecommerce") if it.product in known]
    chosen = Random(0).sample(pictures, min(len(pictures), options.products))
    cutouts = {it.path: made for it in chosen if (made := cut_out(it.path, it.product))}
    labels = [np.array([known[it.product][at] for it in cutouts.values()]) for at in (0, 1)]
    with tempfile.TemporaryDirectory() as folder:
        make = partial(write_scenes, options.shared, list(cutouts.values()), Path(folder))
        catalogues: dict[str, Sequence[Path]] = {
            "scenes": make("catalogue"),
            "photographs": list(cutouts),
        }
        queries = {
            "photographs": query_vectors(catalogues["photographs"]),
            "other scenes": query_vectors(make("query")),
        }
        measure = partial(alternate, workers=options.workers, rounds=options.rounds)
        print(f"{len(cutouts)} products\n", flush=True)
        for row in rows(catalogues, queries, labels, measure):
            print(row, flush=True)


if __name__ == "__main__":
    main()
