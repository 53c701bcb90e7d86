"""Runs reader, encoder and writer in parallel, a few batches apart.

The encoder runs in the calling thread, the reader and the writer in one thread each. This module
does not depend on what a batch contains, where it comes from and where it goes.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import TypeVar

from catalog.indexing.profile import Profile

AHEAD = 2
"""Maximum number of batches that wait for the encoder, and for the writer; limits memory use."""

Read = TypeVar("Read", bound=Sized)
Encoded = TypeVar("Encoded", bound=Sized)


def run_pipeline(
    batches: Iterable[Read],
    encode: Callable[[Read], Encoded],
    write: Callable[[Encoded], None],
    profile: Profile,
    stop: Event | None = None,
) -> None:
    """Pass each batch through all three parts, in order, and add the times to `profile`.

    When `stop` is set, the batch being encoded is the last one. An error in any part is raised
    after the encoded batches are written. The length of a batch is its number of rows.
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
    # Each executor has one thread, so batches keep their order. On exit they wait for the
    # submitted batches.
    with ThreadPoolExecutor(1, "writer") as writing, ThreadPoolExecutor(1, "reader") as reading:
        reads = deque(reading.submit(read) for _ in range(AHEAD))
        writes: deque[Future[None]] = deque()
        while (batch := reads.popleft().result()) is not None:
            if stop is not None and stop.is_set():
                break
            reads.append(reading.submit(read))
            with encoder.working() as part:
                encoded = encode(batch)
                part.rows += len(encoded)
            writes.append(writing.submit(record, encoded))
            if len(writes) > AHEAD:
                writes.popleft().result()
        for written in writes:
            written.result()
    profile.seconds += time.perf_counter() - started
