"""Filling one modality of one model: which reader, encoder and writer, and how large a batch."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from threading import Event

from catalog.db.connection import connect, persist
from catalog.db.locks import embedding_lock
from catalog.indexing.encoding import Encoded, encode
from catalog.indexing.pending import EVERYTHING, Selection, coverage, next_pending
from catalog.indexing.pipeline import AHEAD, run_pipeline
from catalog.indexing.profile import Profile
from catalog.indexing.reader import DECODING, Failure, Reader
from catalog.indexing.writer import forget_failures, write
from catalog.tables import embedding_table_name
from embedding.decoder_pool import Decoder
from embedding.encoder import Encoder
from embedding.malloc import keeping_memory
from embedding.registry import Modality

SMALLEST_BATCH = 64
"""Rows in a batch, at least, unless told otherwise: a transaction costs some milliseconds."""

BATCHES_IN_USE = DECODING + AHEAD + 1
"""Whose pixels must be kept: those being decoded, those waiting, and the one being encoded."""

SAMPLE = 256
"""Rows from which an estimate is made."""

ANALYZE_SHARE = 0.1
"""New rows, as a share of those counted last, above which they are counted anew, as autovacuum
does."""

Progress = Callable[[int], None]
"""Called with the number of rows that a batch has dealt with, once it is committed."""


@dataclass(slots=True)
class Summary:
    """What one run did for one model and modality."""

    model: str
    modality: Modality
    embedded: int = 0
    failures: list[Failure] = field(default_factory=list)
    profile: Profile = field(default_factory=Profile)

    @property
    def rate(self) -> float:
        """Rows embedded a second of wall time."""
        return self.embedded / self.profile.seconds if self.profile.seconds else 0.0


def fill(
    encoder: Encoder,
    modality: Modality,
    *,
    batch_size: int | None = None,
    workers: int = 0,
    limit: int | None = None,
    rebuild: bool = False,
    selection: Selection = EVERYTHING,
    progress: Progress = lambda rows: None,
    stop: Event | None = None,
    wait: bool = True,
    on_wait: Callable[[], None] = lambda: None,
) -> Summary:
    """Embed what is missing or stale in one modality; one process at a time does so.

    Args:
        encoder: what encodes.
        modality: texts or pictures.
        batch_size: rows that are read, encoded and committed together; found by a probe of some
            seconds if not given.
        workers: processes that decode pictures; 0 decodes in threads (see `Decoder`).
        limit: at most so many rows.
        rebuild: embed everything anew, and give what failed another chance.
        selection: only these products.
        progress: see `Progress`; called in the writer's thread.
        stop: when it is set, the run ends after the batch in hand.
        wait: for another process that embeds the same; else leave it to that one.
        on_wait: called where it has to wait.
    """
    model = encoder.spec.name
    summary = Summary(model, modality)
    with embedding_lock(model, modality, on_wait if wait else None) as mine:
        if mine:
            older_than = begin_rebuild(model, modality) if rebuild else None
            with ExitStack() as stack, keeping_memory():
                size = batch_size or find_batch_size(encoder, modality)
                decoder = _decoder(stack, encoder, modality, workers, size)
                reader = Reader(model, modality, size, limit, older_than, decoder, selection)
                run_pipeline(
                    reader,
                    partial(encode, encoder, modality),
                    partial(_record, summary, progress),
                    summary.profile,
                    stop,
                )
            analyze(model, modality, summary.embedded)
    return summary


def estimate(
    encoder: Encoder,
    modality: Modality,
    *,
    workers: int = 0,
    selection: Selection = EVERYTHING,
    rows: int = SAMPLE,
) -> float:
    """Rows a second that a fill would come to, from a sample that is encoded and thrown away."""
    profile = Profile()
    with ExitStack() as stack, keeping_memory():
        size = find_batch_size(encoder, modality)
        decoder = _decoder(stack, encoder, modality, workers, size)
        reader = Reader(encoder.spec.name, modality, size, rows, None, decoder, selection)
        run_pipeline(reader, partial(encode, encoder, modality), lambda encoded: None, profile)
    return profile.encoder.rows / profile.seconds if profile.seconds else 0.0


def _decoder(
    stack: ExitStack, encoder: Encoder, modality: Modality, workers: int, size: int
) -> Decoder | None:
    if modality == "text":
        return None
    return stack.enter_context(Decoder(encoder.preparation, workers, size, BATCHES_IN_USE))


def _record(summary: Summary, progress: Progress, encoded: Encoded) -> None:
    persist(partial(write, summary.model, summary.modality, encoded))
    summary.embedded += len(encoded.rows)
    summary.failures += encoded.failures
    progress(len(encoded))


def count_pending(
    model: str, modality: Modality, rebuild: bool = False, selection: Selection = EVERYTHING
) -> int:
    """How many rows `fill` would embed."""
    with connect() as connection:
        state = coverage(connection, model, modality, selection=selection)
    return state.total if rebuild else state.pending


def is_any_pending(model: str, modality: Modality) -> bool:
    """Whether `fill` would embed anything: found out without counting all."""
    with connect() as connection:
        return bool(next_pending(connection, model, modality, after=0, limit=1))


def default_workers(device: str) -> int:
    """Processes that decode for a model on `device`.

    A model on the CPU is so much slower than decoding that threads do, and start at once.
    """
    return 0 if device.startswith("cpu") else os.cpu_count() or 1


def find_batch_size(encoder: Encoder, modality: Modality) -> int:
    """A whole number of the encoder's mini-batches, which it finds by a probe."""
    tuned = encoder.tune(modality)
    return -(-SMALLEST_BATCH // tuned) * tuned


def begin_rebuild(model: str, modality: Modality) -> datetime:
    """Forget what failed; embeddings made before the time that this returns are to be renewed."""
    with connect() as connection:
        forget_failures(connection, model, modality)
    return datetime.now(UTC)


def analyze(model: str, modality: Modality, written: int) -> None:
    """The search takes the catalogue's size from the statistics. Where few rows are new they may
    stay: counting takes longer than embedding these did."""
    table = embedding_table_name(model, modality)
    with connect() as connection:
        counted = connection.exec_driver_sql(
            "SELECT reltuples FROM pg_class WHERE oid = %(table)s::regclass", {"table": table}
        ).scalar_one()
        if written > ANALYZE_SHARE * counted:
            connection.exec_driver_sql(f"ANALYZE product, {table}")
