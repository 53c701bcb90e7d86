"""What `benchmarks.embed` times: each part of the pipeline alone, all together, a plain loop.

Rates are in pictures a second.
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

from benchmarks import tables
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
"""Pictures that the plain loop hands to `SentenceTransformer.encode`: its default batch."""


class Ready:
    """An encoder that has its vectors already."""

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
        """All figures, for JSON; of each rate the best of the rounds, the least disturbed."""
        alone = {"decode": self.decode, "encode": self.encode}
        together: dict[str, Callable[[], float]] = {"pipeline": self.pipeline_without_database}
        if database:
            tables.prepare(self.encoder.spec, self.files, self.rows)
            alone["write"] = self.write
            together = {"pipeline": self.pipeline, "pipeline without a model": self.overhead}
            if self.encoder.spec.loader == "checkpoint":
                together["plain loop"] = partial(self.loop, loop_rows)
        rates: dict[str, list[float]] = {name: [] for name in alone | together}
        for _ in tqdm(range(rounds), desc=self.encoder.spec.name, unit="round"):
            for name, way in (alone | together).items():
                rates[name].append(way())
        rate = {name: max(values) for name, values in rates.items()}
        slowest = min(alone, key=rate.__getitem__)
        findings = {
            "slowest part alone": slowest,
            "limit as profiled": self.profile.limit,
            f"pipeline / {slowest}": round(rate["pipeline"] / rate[slowest], 3),
        }
        if database:
            findings["CPU of the pipeline's process without a model, ms a picture"] = self.cost
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
        """Decoding alone, by workers that have started."""
        with keeping_memory(), self._decoder() as decoder:
            list(decode_batches(decoder, islice(self._batches(), BATCHES_IN_USE)))
            return _rate(lambda: sum(map(len, decode_batches(decoder, self._batches()))))

    def encode(self) -> float:
        """Encoding alone, of pixels in memory."""
        files = [row.file for row in self.pending[: self.batch_size]]
        distinct = {file: open_prepared(file, self.preparation) for file in set(files)}
        pixels = np.stack([distinct[file] for file in files])
        encode = self.encoder.encode_pixels
        with keeping_memory():
            encode(pixels)
            return _rate(lambda: sum(len(encode(pixels[: len(rows)])) for rows in self._batches()))

    def write(self) -> float:
        """Writing alone, of vectors in memory."""
        spec = self.encoder.spec
        tables.empty(spec)
        vectors = np.random.default_rng(0).normal(size=(self.batch_size, spec.dimensions))

        def write_all() -> int:
            for rows in self._batches():
                encoded = Encoded(rows, vectors[: len(rows)].astype(np.float32), [])
                write(spec.name, "image", encoded)
            return self.rows

        return _rate(write_all)

    def pipeline(self) -> float:
        """As the command runs it, from the start of its workers to the last commit."""
        tables.empty(self.encoder.spec)
        summary = fill(self.encoder, "image", batch_size=self.batch_size, workers=self.workers)
        assert summary.embedded == self.rows, summary.failures[:3]
        self.profile = summary.profile
        return summary.rate

    def overhead(self) -> float:
        """The same with an encoder that costs nothing, and decoding in processes of its own: what
        is left keeps one interpreter busy, and bounds what the fastest device can be fed."""
        tables.empty(self.encoder.spec)
        ready = cast(Encoder, Ready(self.encoder, self.batch_size))
        workers = self.workers or os.cpu_count() or 1
        started = time.process_time()
        summary = fill(ready, "image", batch_size=self.batch_size, workers=workers)
        self.cost = round(1000 * (time.process_time() - started) / summary.embedded, 3)
        return summary.rate

    def pipeline_without_database(self) -> float:
        """The same from files to vectors in memory."""
        self.profile = Profile()
        with keeping_memory(), self._decoder() as decoder:
            batches = decode_batches(decoder, self._batches())
            encode_batch = partial(encode, self.encoder, "image")
            run_pipeline(batches, encode_batch, lambda encoded: None, self.profile)
        return self.rows / self.profile.seconds

    def loop(self, rows: int) -> float:
        """What one writes first: open, encode, insert; committed a batch."""
        from sentence_transformers import SentenceTransformer

        spec = self.encoder.spec
        tables.empty(spec)
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
    """Items a second of `work`, which returns their number."""
    started = time.perf_counter()
    return work() / (time.perf_counter() - started)
