"""Embeds one modality of one model: sets up reader, encoder and writer, and the batch size."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from threading import Event

from catalog.db.connection import connect, retry_transient
from catalog.db.locks import embedding_lock
from catalog.indexing.derive import derive
from catalog.indexing.encoding import Encoded, encode
from catalog.indexing.fit_reduction import with_reduction
from catalog.indexing.pending import EVERYTHING, Selection, next_pending
from catalog.indexing.pipeline import AHEAD, run_pipeline
from catalog.indexing.profile import Profile
from catalog.indexing.reader import DECODING, Failure, Reader, picture_decoder
from catalog.indexing.versions import begin_run
from catalog.indexing.writer import forget_restored_pictures, write
from catalog.tables import embedding_table_name
from embedding.config import settings
from embedding.decoder_pool import Decoder
from embedding.encoder import Encoder, default_device
from embedding.malloc import keeping_memory
from embedding.reduction import ReducedEncoder
from embedding.registry import Modality

MIN_BATCH_SIZE = 64
"""Minimum rows per batch when the size is chosen automatically: each transaction costs some
milliseconds."""

BATCHES_IN_USE = DECODING + AHEAD + 1
"""Number of batches whose pixels are in memory: being decoded, waiting, and being encoded."""

SAMPLE = 256
"""Number of rows that `estimate` encodes."""

ANALYZE_SHARE = 0.1
"""Share of new rows above which the statistics are updated, the same as for autovacuum."""

LOOKED_AT = 100
"""Number of failed pictures whose file a poll of the worker looks for. On a network's file system,
looking for thousands every few seconds is slow."""

Progress = Callable[[int], None]
"""Called with the number of rows of each batch after it is committed, failed rows included."""


@dataclass(slots=True)
class Summary:
    """The result of one run for one model and modality."""

    model: str
    modality: Modality
    embedded: int = 0
    failures: list[Failure] = field(default_factory=list)
    profile: Profile = field(default_factory=Profile)

    @property
    def rate(self) -> float:
        """Rows embedded per second of wall time."""
        return self.embedded / self.profile.seconds if self.profile.seconds else 0.0


def fill(
    encoder: Encoder,
    modality: Modality,
    *,
    batch_size: int | None = None,
    workers: int = 0,
    limit: int | None = None,
    rebuild: bool = False,
    renew: bool = False,
    selection: Selection = EVERYTHING,
    progress: Progress = lambda rows: None,
    stop: Event | None = None,
    wait: bool = True,
    on_wait: Callable[[], None] = lambda: None,
) -> Summary:
    """Embed the missing and stale rows of one modality, in one process at a time.

    Args:
        encoder: the model.
        modality: texts or pictures.
        batch_size: the number of rows that are read, encoded and committed together. If not given,
            it is determined by a probe of a few seconds.
        workers: the number of processes that decode pictures; 0 decodes in threads (see `Decoder`).
        limit: the maximum number of rows.
        rebuild: embed all rows again, including those that failed. If an earlier rebuild was
            interrupted, continue it.
        renew: do the same if the files of the model have changed.
        selection: the products to embed.
        progress: see `Progress`; called in the writer's thread.
        stop: when it is set, the run ends after the current batch.
        wait: whether to wait for another process that embeds the same model and modality. If
            false, the run does nothing in that case.
        on_wait: called before waiting.

    Raises:
        ChangedModel: the files of the model have changed, without `renew`.
        FillingError: the media folder is empty, or the catalogue is too small to fit the model's
            reduction.
    """
    model = encoder.spec.name
    summary = Summary(model, modality)
    with embedding_lock(model, modality, on_wait if wait else None) as mine:
        if mine:
            encoder = with_reduction(encoder, renew=renew)
            with connect() as connection:
                begin_run(
                    connection,
                    encoder.spec,
                    modality,
                    rebuild=rebuild,
                    renew=renew,
                    selection=selection,
                )
            derived = derive(encoder, modality, limit, selection, progress, stop)
            summary.embedded += derived.rows
            summary.profile.seconds += derived.seconds
            if limit is not None:
                limit -= derived.rows
            if derived.rows and not is_any_pending(model, modality):
                analyze(model, modality, summary.embedded)
                return summary
            with ExitStack() as stack, keeping_memory():
                size = batch_size or find_batch_size(encoder, modality)
                decoder = _decoder(stack, encoder, modality, workers, size)
                reader = Reader(model, modality, size, limit, decoder, selection)
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
    """Estimate the rows per second of `fill`, by encoding a sample and discarding the result."""
    model, profile = encoder.spec.name, Profile()
    if isinstance(encoder, ReducedEncoder):  # whose reduction may not be fitted yet
        encoder = encoder.unreduced
    with ExitStack() as stack, keeping_memory():
        size = find_batch_size(encoder, modality)
        decoder = _decoder(stack, encoder, modality, workers, size)
        reader = Reader(model, modality, size, rows, decoder, selection)
        run_pipeline(reader, partial(encode, encoder, modality), lambda encoded: None, profile)
    return profile.encoder.rows / profile.seconds if profile.seconds else 0.0


def _decoder(
    stack: ExitStack, encoder: Encoder, modality: Modality, workers: int, size: int
) -> Decoder | None:
    if modality == "text":
        return None
    return stack.enter_context(picture_decoder(encoder.preparation, workers, size, BATCHES_IN_USE))


def _record(summary: Summary, progress: Progress, encoded: Encoded) -> None:
    retry_transient(partial(write, summary.model, summary.modality, encoded))
    summary.embedded += len(encoded.rows)
    summary.failures += encoded.failures
    progress(len(encoded))


def is_any_pending(model: str, modality: Modality) -> bool:
    """Whether `fill` would embed any row; faster than `catalog.indexing.versions.plan`.

    Each call looks whether the files of some failed pictures are there again.
    """
    with connect() as connection:
        if modality == "image":
            forget_restored_pictures(connection, model, limit=LOOKED_AT)
        return bool(next_pending(connection, model, modality, after=0, limit=1))


def default_workers(device: str | None = None) -> int:
    """The number of decoding processes for a model on `device`.

    On the CPU the model is so much slower than decoding that threads (0) are enough, and they start
    faster. An encoder server on this machine is taken for one on the CPU.

    Args:
        device: None means the one that `get_encoder` uses.
    """
    url = settings().encoder_url
    if device is None and url:
        is_here = url.startswith("unix:")
    else:
        is_here = (device or default_device()).startswith("cpu")
    return 0 if is_here else os.cpu_count() or 1


def find_batch_size(encoder: Encoder, modality: Modality) -> int:
    """A multiple of the encoder's mini-batch size, which the encoder determines by a probe."""
    tuned = encoder.tune(modality)
    return -(-MIN_BATCH_SIZE // tuned) * tuned


def analyze(model: str, modality: Modality, written: int) -> None:
    """Update the planner's statistics, from which the search takes the size of the catalogue.

    Skipped if few rows were written, because it would take longer than embedding them.
    """
    table = embedding_table_name(model, modality)
    with connect() as connection:
        counted = connection.exec_driver_sql(
            "SELECT reltuples FROM pg_class WHERE oid = %(table)s::regclass", {"table": table}
        ).scalar_one()
        if written > ANALYZE_SHARE * counted:
            connection.exec_driver_sql(f"ANALYZE product, {table}, {table}_signs")
