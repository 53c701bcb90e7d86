"""The loop that ties reader, encoder and writer together."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

import numpy as np

from catalog.database import connect
from catalog.filling.pending import Pending, coverage
from catalog.filling.reader import Batch, Failure, read_batches
from catalog.filling.writer import forget_failures, record_failures, write_embeddings
from catalog.tables import embedding_table_name
from embedding.encoder import Encoder
from embedding.registry import Modality

DEFAULT_BATCH_SIZE = 64

Progress = Callable[[int], None]
"""Called with the number of rows that a batch has dealt with."""


@dataclass(slots=True)
class Summary:
    """What one run did for one model and modality; `seconds` is wall time."""

    model: str
    modality: Modality
    embedded: int = 0
    failures: list[Failure] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.embedded / self.seconds if self.seconds else 0.0


def fill(
    encoder: Encoder,
    modality: Modality,
    *,
    batch_size: int = DEFAULT_BATCH_SIZE,
    limit: int | None = None,
    rebuild: bool = False,
    progress: Progress = lambda rows: None,
) -> Summary:
    """Embed what is missing or stale in one modality, up to `limit` rows.

    `rebuild` embeds everything anew and gives what failed another chance.
    """
    summary = Summary(encoder.spec.name, modality)
    started = time.monotonic()
    older_than = datetime.now(UTC) if rebuild else None
    if rebuild:
        with connect() as connection:
            forget_failures(connection, encoder.spec.name, modality)
    for batch in read_batches(encoder.spec.name, modality, batch_size, limit, older_than):
        rows, vectors, failures = _encode(encoder, modality, batch)
        with connect() as connection:
            write_embeddings(connection, encoder.spec.name, modality, rows, vectors)
            record_failures(connection, encoder.spec.name, modality, failures)
        summary.embedded += len(rows)
        summary.failures += failures
        progress(len(rows) + len(failures))
    summary.seconds = time.monotonic() - started
    _analyze(encoder.spec.name, modality)
    return summary


def count_pending(model: str, modality: Modality, rebuild: bool = False) -> int:
    """How many rows `fill` would embed."""
    with connect() as connection:
        state = coverage(connection, model, modality)
    return state.total if rebuild else state.pending


def _encode(
    encoder: Encoder, modality: Modality, batch: Batch
) -> tuple[list[Pending], np.ndarray, list[Failure]]:
    """The rows encoded, their vectors, float32 (n, d), and the rows that failed.

    What makes a whole batch fail is found by encoding its rows one by one.
    """
    encode = cast(
        Callable[[Sequence[object]], np.ndarray],
        encoder.encode_texts if modality == "text" else encoder.encode_images,
    )
    nothing = np.empty((0, encoder.spec.dimensions), np.float32)
    try:
        return batch.rows, encode(batch.contents), batch.unreadable
    except Exception as error:
        if len(batch.rows) == 1:
            return [], nothing, [*batch.unreadable, (batch.rows[0], _reason(error))]
    rows, vectors, failures = [], [nothing], []
    last_error: Exception | None = None
    for row, content in zip(batch.rows, batch.contents, strict=True):
        try:
            vectors.append(encode([content]))
            rows.append(row)
        except Exception as error:
            last_error = error
            failures.append((row, _reason(error)))
    if last_error is not None and not rows:
        raise last_error  # every row of a batch: the model is at fault, not the products
    return rows, np.concatenate(vectors), batch.unreadable + failures


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _analyze(model: str, modality: Modality) -> None:
    """The search takes the catalogue's size from the statistics."""
    with connect() as connection:
        connection.exec_driver_sql(f"ANALYZE product, {embedding_table_name(model, modality)}")
