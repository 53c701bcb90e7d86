"""Filling the embeddings: a reader, an encoder and a writer that work at the same time.

Each batch is committed by itself, so that a process killed at any moment loses what is on its way,
a few batches at most, and the next run carries on.
"""

from catalog.indexing.job import Summary, count_pending, default_workers, estimate, fill
from catalog.indexing.pending import Coverage, coverage
from catalog.indexing.reader import FillingError

__all__ = [
    "Coverage",
    "FillingError",
    "Summary",
    "count_pending",
    "coverage",
    "default_workers",
    "estimate",
    "fill",
]
