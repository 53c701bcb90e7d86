"""The measurements of `benchmarks.embed`: each part of the pipeline, the pipeline, a plain loop.

All rates are in pictures per second.
"""

import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
from pgvector import HalfVector
from PIL import Image
from tqdm import tqdm

from benchmarks import embed_database
from catalog.db.connection import connect
from catalog.indexing import fill
from catalog.indexing.encoding import Encoded, encode
from catalog.indexing.job import BATCHES_IN_USE, find_batch_size
from catalog.indexing.pending import Pending
from catalog.indexing.pipeline import run_pipeline
from catalog.indexing.profile import Profile
from catalog.indexing.reader import decode_batches
from catalog.indexing.writer import write
from embedding.decoder_pool import Decoder
from embedding.encoder import Encoder, get_encoder
from embedding.malloc import keeping_memory
from embedding.preprocessing import open_prepared

LOOP_BATCH = 32
"""Mini-batch of the plain loop: the default of `SentenceTransformer.encode`."""


class InstantEncoder:
    """An encoder that returns random vectors, prepared in advance."""

    def __init__(self, encoder: Encoder, rows: int) -> None:
        self.spec, self.preparation = encoder.spec, encoder.preparation
        vectors = np.random.default_rng(0).normal(size=(rows, self.spec.dimensions))
        self.vectors = vectors.astype(np.float32)

    def encode_pixels(self, pixels: np.ndarray) -> np.ndarray:
        return self.vectors[: len(pixels)]


class Bench:
    """One model on one device, over `rows` pictures that share `files`."""

    def __init__(
        self,
        model: str,
        device: str,
        workers: int,
        batch_size: int | None,
        files: list[Path],
        rows: int,
    ) -> None:
        self.encoder = get_encoder(model, device)
        assert self.encoder.preparation is not None, f"{model} has no preparation"
        self.preparation = self.encoder.preparation
        self.device, self.workers, self.files, self.rows = device, workers, files, rows
        with keeping_memory():  # as `fill` does
            self.batch_size = batch_size or find_batch_size(self.encoder, "image")
        self.profile = Profile()
        self.cost = 0.0
        self.pending = [
            Pending(n, n, files[n % len(files)].name, str(n)) for n in range(1, rows + 1)
        ]

    def run(self, rounds: int, loop_rows: int, *, database: bool) -> dict[str, Any]:
        """All figures, as JSON values. Each rate is the best of all rounds, the least disturbed."""
        alone = {"decode": self.decode, "encode": self.encode}
        together: dict[str, Callable[[], float]] = {"pipeline": self.pipeline_without_database}
        if database:
            embed_database.prepare(self.encoder.spec, self.files, self.rows)
            alone["write"] = self.write
            together = {"pipeline": self.pipeline, "pipeline without a model": self.overhead}
            if self.encoder.spec.loader == "checkpoint":
                together["plain loop"] = partial(self.loop, loop_rows)
        rates: dict[str, list[float]] = {name: [] for name in alone | together}
        for _ in tqdm(range(rounds), desc=self.encoder.spec.name, unit="round"):
            for name, measure in (alone | together).items():
                rates[name].append(measure())
        rate = {name: max(values) for name, values in rates.items()}
        slowest = min(alone, key=rate.__getitem__)
        findings = {
            "slowest part": slowest,
            "bottleneck by the profile": self.profile.limit,
            f"pipeline / {slowest}": round(rate["pipeline"] / rate[slowest], 3),
        }
        if database:
            findings["CPU time of the main process without a model, ms per picture"] = self.cost
        if "plain loop" in rate:
            findings["pipeline / plain loop"] = round(rate["pipeline"] / rate["plain loop"], 2)
        return {
            "model": self.encoder.spec.name,
            "device": self.device,
            "rows": self.rows,
            "files": len(self.files),
            "kilobytes": round(np.mean([file.stat().st_size for file in self.files]) / 1000),
            "batch_size": self.batch_size,
            "workers": self.workers,
            "rates": {name: round(value, 1) for name, value in rate.items()},
            "rounds": {
                name: [round(value, 1) for value in values] for name, values in rates.items()
            },
            "findings": findings,
            "profile": self.profile.as_json(),
        }

    def decode(self) -> float:
        """The rate of decoding, with workers already started."""
        with keeping_memory(), self._decoder() as decoder:
            list(decode_batches(decoder, islice(self._batches(), BATCHES_IN_USE)))
            return _rate(lambda: sum(map(len, decode_batches(decoder, self._batches()))))

    def encode(self) -> float:
        """The rate of encoding pixels that are in memory."""
        files = [row.file for row in self.pending[: self.batch_size]]
        distinct = {file: open_prepared(file, self.preparation) for file in set(files)}
        pixels = np.stack([distinct[file] for file in files])
        encode = self.encoder.encode_pixels
        with keeping_memory():
            encode(pixels)
            return _rate(lambda: sum(len(encode(pixels[: len(rows)])) for rows in self._batches()))

    def write(self) -> float:
        """The rate of writing vectors that are in memory."""
        spec = self.encoder.spec
        embed_database.empty(spec)
        vectors = np.random.default_rng(0).normal(size=(self.batch_size, spec.dimensions))

        def write_all() -> int:
            for rows in self._batches():
                encoded = Encoded(rows, vectors[: len(rows)].astype(np.float32), [])
                write(spec.name, "image", encoded)
            return self.rows

        return _rate(write_all)

    def pipeline(self) -> float:
        """The rate of the whole pipeline, from the start of the workers to the last commit."""
        embed_database.empty(self.encoder.spec)
        summary = fill(self.encoder, "image", batch_size=self.batch_size, workers=self.workers)
        assert summary.embedded == self.rows, summary.failures[:3]
        self.profile = summary.profile
        return summary.rate

    def overhead(self) -> float:
        """The rate of the pipeline with an encoder that costs nothing and with decoding processes.

        What remains runs in one interpreter, and limits the rate even with the fastest device.
        """
        embed_database.empty(self.encoder.spec)
        encoder = cast(Encoder, InstantEncoder(self.encoder, self.batch_size))
        workers = self.workers or os.cpu_count() or 1
        started = time.process_time()
        summary = fill(encoder, "image", batch_size=self.batch_size, workers=workers)
        self.cost = round(1000 * (time.process_time() - started) / summary.embedded, 3)
        return summary.rate

    def pipeline_without_database(self) -> float:
        """The rate of the pipeline from files to vectors in memory."""
        self.profile = Profile()
        with keeping_memory(), self._decoder() as decoder:
            batches = decode_batches(decoder, self._batches())
            encode_batch = partial(encode, self.encoder, "image")
            run_pipeline(batches, encode_batch, lambda encoded: None, self.profile)
        return self.rows / self.profile.seconds

    def loop(self, rows: int) -> float:
        """The rate of a plain loop: open, encode, insert; one transaction per batch."""
        from sentence_transformers import SentenceTransformer

        spec = self.encoder.spec
        embed_database.empty(spec)
        model = SentenceTransformer(spec.checkpoint, device=self.device)
        insert = (
            f"INSERT INTO {spec.name}_image (image_id, product_id, embedding, source_sha256)"
            " VALUES (%s, %s, %s, %s)"
        )

        def encode_and_insert() -> int:
            for start in range(0, rows, LOOP_BATCH):
                batch = self.pending[start : min(start + LOOP_BATCH, rows)]
                pictures = [Image.open(row.file) for row in batch]
                vectors = model.encode(pictures, normalize_embeddings=True, show_progress_bar=False)
                with connect() as connection:
                    for row, vector in zip(batch, vectors, strict=True):
                        values = row.id, row.product_id, HalfVector(vector), row.source
                        connection.exec_driver_sql(insert, values)
            return rows

        return _rate(encode_and_insert)

    def _decoder(self) -> Decoder:
        return Decoder(self.preparation, self.workers, self.batch_size, BATCHES_IN_USE)

    def _batches(self) -> Iterator[list[Pending]]:
        for start in range(0, self.rows, self.batch_size):
            yield self.pending[start : start + self.batch_size]


def _rate(work: Callable[[], int]) -> float:
    """Items per second of `work`, which returns their number."""
    started = time.perf_counter()
    return work() / (time.perf_counter() - started)
