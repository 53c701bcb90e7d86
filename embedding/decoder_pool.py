"""Batches of picture files decoded on many cores, in threads or in processes.

Pillow decodes and resizes without the interpreter's lock, but a fifth of the time goes into its
Python code, so that threads stop gaining at a handful of cores: a GPU needs processes. These
import Pillow and numpy alone, and write into memory that they share with their parent.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from multiprocessing import connection, get_context, parent_process
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from embedding.image_decoding import ImageError, open_image
from embedding.malloc import keep_memory
from embedding.preprocessing import Preparation, open_prepared
from embedding.shared_memory import SharedPixels

NICENESS = 19
"""Of decoding threads. They share the cores with an encoder whose threads wait for one another, so
that taking one core's time costs that of all: 59 pictures a second instead of 55 on two cores."""

CHUNK = 16
"""Pictures that a worker takes at a time, at most: enough to make the hand-over negligible."""


Outcome = Image.Image | str | None
"""Of one file: the picture; why there is none; or nothing, where its pixels have been written."""


@dataclass(slots=True)
class Decoded:
    """The pictures of a batch that could be decoded, and why the others could not.

    `pictures` are pixels, uint8 (n, h, w, 3), or, without a preparation, upright pictures.
    `errors` maps places in the batch to reasons; the pictures are those of the places left.
    """

    pictures: NDArray[np.uint8] | list[Image.Image]
    errors: dict[int, str]


@dataclass(slots=True)
class Decoding:
    """A batch on its way, and where its pixels go, (n, h, w, 3), if it has any."""

    chunks: list[Future[list[Outcome]]]
    pixels: NDArray[np.uint8] | None = None

    def result(self) -> Decoded:
        """Wait for the batch."""
        outcomes = [outcome for chunk in self.chunks for outcome in chunk.result()]
        errors = {n: outcome for n, outcome in enumerate(outcomes) if isinstance(outcome, str)}
        if self.pixels is None:
            return Decoded([it for it in outcomes if isinstance(it, Image.Image)], errors)
        kept = np.delete(self.pixels, list(errors), axis=0) if errors else self.pixels
        return Decoded(kept, errors)


class Decoder:
    """Decodes and prepares batches of picture files, several at a time. A context manager.

    Args:
        preparation: what makes pixels of a picture. Without it pictures are decoded in threads
            and left as they are.
        workers: processes that decode; 0 decodes in as many threads as there are cores.
        batch_size: pictures in a batch, at most.
        in_use: how many batches are kept: a batch's pixels may be written over as soon as
            `in_use` more have been submitted.
    """

    def __init__(
        self, preparation: Preparation | None, workers: int, batch_size: int, in_use: int
    ) -> None:
        self._preparation = preparation
        self._slots = cycle(range(in_use))
        self._shared: SharedPixels | None = None
        self._executor: Executor
        if preparation is not None and workers:
            self._shared = SharedPixels.empty((in_use, batch_size, *preparation.shape))
            self._executor = ProcessPoolExecutor(
                workers,
                get_context("spawn"),  # forked processes would keep locks that no one releases
                initializer=_start_worker,
                initargs=(self._shared, preparation),
            )
        else:
            workers = os.cpu_count() or 1
            self._executor = ThreadPoolExecutor(workers, "decoder", _lower_priority)
        self._workers = workers

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(cancel_futures=True)
        if self._shared is not None:
            self._shared.close()

    def submit(self, files: Sequence[Path]) -> Decoding:
        """Begin to decode a batch."""
        size = max(1, min(CHUNK, len(files) // (2 * self._workers)))
        parts = [slice(start, start + size) for start in range(0, len(files), size)]
        submit = self._executor.submit
        if self._preparation is None:
            return Decoding([submit(_open, files[part]) for part in parts])
        if self._shared is None:
            pixels = np.empty((len(files), *self._preparation.shape), np.uint8)
            chunks = [
                submit(_prepare, self._preparation, files[part], pixels[part]) for part in parts
            ]
        else:
            slot = next(self._slots)
            pixels = self._shared.array[slot, : len(files)]
            chunks = [submit(_prepare_shared, files[part], slot, part) for part in parts]
        return Decoding(chunks, pixels)


def _lower_priority() -> None:
    """Let a decoding thread have what the encoder leaves of the cores, where threads can differ."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def _open(files: Sequence[Path]) -> list[Outcome]:
    def outcome(file: Path) -> Outcome:
        try:
            return open_image(file)
        except ImageError as error:
            return str(error)

    return [outcome(file) for file in files]


def _prepare(
    preparation: Preparation, files: Sequence[Path], pixels: NDArray[np.uint8]
) -> list[Outcome]:
    """Write the pixels of each file that can be decoded into its row of `pixels`."""

    def outcome(file: Path, row: NDArray[np.uint8]) -> str | None:
        try:
            row[:] = open_prepared(file, preparation)
        except ImageError as error:
            return str(error)
        return None

    return [outcome(file, row) for file, row in zip(files, pixels, strict=True)]


_worker: tuple[SharedPixels, Preparation]
"""In a worker process: where it writes, and how it prepares."""


def _start_worker(shared: SharedPixels, preparation: Preparation) -> None:
    global _worker
    _worker = shared, preparation
    keep_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers itself
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Executors do not notice that their parent was killed, and would wait for ever."""
    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)


def _prepare_shared(files: Sequence[Path], slot: int, part: slice) -> list[Outcome]:
    shared, preparation = _worker
    return _prepare(preparation, files, shared.array[slot, part][: len(files)])
