"""A process that embeds, for tests that kill it.

Its encoder computes vectors without a model, slowed down so that there is time to kill it.
"""

import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess

import numpy as np

from catalog.indexing import fill
from tests.fakes import WordsAndColours

BATCH = 16

# Processes are forked from one that has already imported this module, which takes a second.
context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload([__name__])


class Slow(WordsAndColours):
    """Waits before each batch, and after `batches` of them until the process is killed."""

    def __init__(self, batches: int | None) -> None:
        super().__init__()
        self.left = batches

    def encode_texts(self, texts: list[str]) -> np.ndarray:
        if self.left is not None:
            if not self.left:
                threading.Event().wait()
            self.left -= 1
        time.sleep(0.02)
        return super().encode_texts(texts)


class Filling:
    """A running process that embeds the texts of the database at `url`."""

    def __init__(self, url: str, batches: int | None) -> None:
        self._results, results = context.Pipe(duplex=False)
        self.process: ForkServerProcess = context.Process(
            target=_fill, args=(url, batches, results)
        )
        self.process.start()
        results.close()
        assert self._results.recv() == "started"

    def finish(self) -> int:
        """Wait for the process to end; returns the number of rows that it embedded."""
        assert self._results.poll(300)
        embedded = self._results.recv()  # an EOFError if the process failed
        self.process.join()
        assert self.process.exitcode == 0
        assert isinstance(embedded, int)
        return embedded

    def kill(self) -> None:
        self.process.kill()
        self.process.join()


@contextmanager
def filling(url: str, batches: int | None = None) -> Iterator[Filling]:
    """Start a process that embeds, and kill it at the end; it stops by itself after `batches`."""
    started = Filling(url, batches)
    try:
        yield started
    finally:
        started.kill()


def _fill(url: str, batches: int | None, results: Connection) -> None:
    os.environ["DATABASE_URL"] = url
    results.send("started")
    results.send(fill(Slow(batches), "text", batch_size=BATCH).embedded)
