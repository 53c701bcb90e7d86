"""Decodes batches of picture files on many cores, in threads or in processes.

Pillow releases the GIL while it decodes and resizes, but a fifth of the time is Python code.
Threads therefore stop scaling at a few cores, and feeding a GPU needs processes. The worker
processes import only Pillow, numpy and what opens files, and write pixels into memory shared with
the parent.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from multiprocessing import connection, get_context, parent_process
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from embedding.image_decoding import DECODED_SIDE, ImageError, open_image
from embedding.malloc import keep_memory
from embedding.preprocessing import Opener, Preparation, needed_side
from embedding.shared_memory import SharedPixels

NICENESS = 19
"""Niceness of decoding threads. They share the cores with the encoder, whose threads wait for each
other, so that a delay on one core delays all: 59 pictures per second instead of 55 on two cores."""

CHUNK = 16
"""Maximum number of pictures in one task of a worker, enough to make its overhead negligible."""


Outcome = Image.Image | str | None
"""Result for one file: a picture, an error message, or None if its pixels have been written."""


@dataclass(slots=True)
class Decoded:
    """A decoded batch.

    `pictures` are pixels, uint8 (n, h, w, 3), or, without a preparation, Pillow images. `errors`
    maps the batch indices of files that could not be decoded to reasons; `pictures` has the others
    in order.
    """

    pictures: NDArray[np.uint8] | list[Image.Image]
    errors: dict[int, str]


@dataclass(slots=True)
class Decoding:
    """A batch that is being decoded. `pixels`, (n, h, w, 3), is filled in if it is not None."""

    chunks: list[Future[list[Outcome]]]
    pixels: NDArray[np.uint8] | None = None

    def result(self) -> Decoded:
        """Wait until the batch is decoded and return it."""
        outcomes = [outcome for chunk in self.chunks for outcome in chunk.result()]
        errors = {n: outcome for n, outcome in enumerate(outcomes) if isinstance(outcome, str)}
        if self.pixels is None:
            return Decoded([it for it in outcomes if isinstance(it, Image.Image)], errors)
        kept = np.delete(self.pixels, list(errors), axis=0) if errors else self.pixels
        return Decoded(kept, errors)


class Decoder:
    """Decodes and prepares batches of picture files, several at a time. A context manager.

    Args:
        preparation: turns a picture into pixels. Without it, pictures are decoded in threads and
            returned as Pillow images.
        workers: number of decoding processes; 0 means threads, one per core.
        batch_size: maximum number of pictures in a batch.
        in_use: number of batches kept in memory: the pixels of a batch may be overwritten after
            `in_use` further batches have been submitted.
        opener: decodes a file; a function of a module, so that processes can import it.
    """

    def __init__(
        self,
        preparation: Preparation | None,
        workers: int,
        batch_size: int,
        in_use: int,
        opener: Opener = open_image,
    ) -> None:
        self._preparation, self._opener = preparation, opener
        self._slots = cycle(range(in_use))
        self._shared: SharedPixels | None = None
        self._executor: Executor
        if preparation is not None and workers:
            self._shared = SharedPixels.empty((in_use, batch_size, *preparation.shape))
            self._executor = ProcessPoolExecutor(
                workers,
                get_context("spawn"),  # forked processes would inherit locks held by other threads
                initializer=_start_worker,
                initargs=(self._shared, preparation, opener),
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
        """Start decoding a batch of at most `batch_size` files."""
        size = max(1, min(CHUNK, len(files) // (2 * self._workers)))
        parts = [slice(start, start + size) for start in range(0, len(files), size)]
        submit = self._executor.submit
        if self._preparation is None:
            return Decoding([submit(_open, self._opener, files[part]) for part in parts])
        if self._shared is None:
            pixels = np.empty((len(files), *self._preparation.shape), np.uint8)
            prepare = partial(_prepare, self._opener, self._preparation)
            chunks = [submit(prepare, files[part], pixels[part]) for part in parts]
        else:
            slot = next(self._slots)
            pixels = self._shared.array[slot, : len(files)]
            chunks = [submit(_prepare_shared, files[part], slot, part) for part in parts]
        return Decoding(chunks, pixels)


def _lower_priority() -> None:
    """Lower the priority of a decoding thread below the encoder's. Only Linux has it per thread."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def _open(opener: Opener, files: Sequence[Path]) -> list[Outcome]:
    def outcome(file: Path) -> Outcome:
        try:
            return opener(file, DECODED_SIDE)
        except ImageError as error:
            return str(error)

    return [outcome(file) for file in files]


def _prepare(
    opener: Opener, preparation: Preparation, files: Sequence[Path], pixels: NDArray[np.uint8]
) -> list[Outcome]:
    """Write the pixels of each file into its row of `pixels`, (n, h, w, 3); returns the errors."""
    side = needed_side(preparation)

    def outcome(file: Path, row: NDArray[np.uint8]) -> str | None:
        try:
            row[:] = preparation(opener(file, side))
        except ImageError as error:
            return str(error)
        return None

    return [outcome(file, row) for file, row in zip(files, pixels, strict=True)]


_worker: tuple[SharedPixels, Preparation, Opener]
"""In a worker process: the shared memory that it writes to, the preparation, and the opener."""


def _start_worker(shared: SharedPixels, preparation: Preparation, opener: Opener) -> None:
    global _worker
    _worker = shared, preparation, opener
    os.environ["OMP_NUM_THREADS"] = "1"  # an opener may load a model; there is a process per core
    keep_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops its workers itself
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    """Exit when the parent dies. The executor does not notice it, and would wait indefinitely."""
    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)


def _prepare_shared(files: Sequence[Path], slot: int, part: slice) -> list[Outcome]:
    shared, preparation, opener = _worker
    return _prepare(opener, preparation, files, shared.array[slot, part][: len(files)])
