"""Computes the embeddings of the catalogue with a reader, an encoder and a writer in parallel.

Each batch is committed separately. A process that is killed loses at most the few batches in
progress, and the next run continues from there.
"""

from catalog.indexing.job import Summary, default_workers, estimate, fill
from catalog.indexing.pending import Coverage, coverage
from catalog.indexing.reader import FillingError

__all__ = [
    "Coverage",
    "FillingError",
    "Summary",
    "coverage",
    "default_workers",
    "estimate",
    "fill",
]
