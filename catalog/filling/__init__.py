"""Filling the embeddings: a reader, an encoder and a writer, one batch after another.

Each batch is committed by itself, so that a process killed at any moment loses one batch at most
and the next run carries on.
"""

from catalog.filling.fill import DEFAULT_BATCH_SIZE, Summary, count_pending, fill
from catalog.filling.pending import Coverage, coverage

__all__ = ["DEFAULT_BATCH_SIZE", "Coverage", "Summary", "count_pending", "coverage", "fill"]
