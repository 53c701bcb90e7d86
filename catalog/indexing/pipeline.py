"""Reader, encoder and writer at work at the same time, a few batches apart.

The encoder works in the calling thread, the two others in one thread each. They meet here alone:
this module knows neither what a batch holds nor where it comes from and goes to.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import TypeVar

from catalog.indexing.profile import Profile

AHEAD = 2
"""Batches that wait for the encoder, or for the writer, at most: all memory that a run takes."""

Read = TypeVar("Read", bound=Sized)
Encoded = TypeVar("Encoded", bound=Sized)


def run_pipeline(
    batches: Iterable[Read],
    encode: Callable[[Read], Encoded],
    write: Callable[[Encoded], None],
    profile: Profile,
    stop: Event | None = None,
) -> None:
    """Take each batch through all three parts, in order, and add the times to `profile`.

    When `stop` is set, the batch that is being encoded is the last. An error in any part ends the
    run with that error, after what has been encoded is written. The length of a batch is its
    number of rows.
    """
    reader, encoder, writer = profile.reader, profile.encoder, profile.writer
    iterator = iter(batches)

    def read() -> Read | None:
        with reader.working() as part:
            batch = next(iterator, None)
            part.rows += 0 if batch is None else len(batch)
        return batch

    def record(encoded: Encoded) -> None:
        with writer.working() as part:
            write(encoded)
            part.rows += len(encoded)

    started = time.perf_counter()
    # Each executor has one thread, so batches keep their order. Leaving waits for what has been
    # handed over.
    with ThreadPoolExecutor(1, "writer") as writing, ThreadPoolExecutor(1, "reader") as reading:
        coming = deque(reading.submit(read) for _ in range(AHEAD))
        going: deque[Future[None]] = deque()
        while (batch := coming.popleft().result()) is not None:
            if stop is not None and stop.is_set():
                break
            coming.append(reading.submit(read))
            with encoder.working() as part:
                encoded = encode(batch)
                part.rows += len(encoded)
            going.append(writing.submit(record, encoded))
            if len(going) > AHEAD:
                going.popleft().result()
        for written in going:
            written.result()
    profile.seconds += time.perf_counter() - started
