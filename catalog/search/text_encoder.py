"""Encodes the words of a query, or reads their stored embedding."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from pgvector import HalfVector
from sqlalchemy import Connection

from catalog.db.connection import driver_connection
from embedding.encoder import Encoder

MAX_UNREAD = 0.5
"""A text is not encoded if more than this share of its tokens says nothing to the model. Its vector
would be similar to all texts that the model cannot read."""


@dataclass(slots=True)
class TextEncoder:
    """Encodes words, or reads their embedding from `query_embedding` if it is stored there.

    New vectors are rounded to half precision as stored ones are, so that the same words always give
    the same vector here and in SQL.
    """

    connection: Connection
    encoder_for: Callable[[str], Encoder]
    encoded: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)
    """All embeddings requested so far, float32 (d,), by words and model."""
    stored: int = 0
    """How many of them were read from `query_embedding`."""
    unread: list[tuple[str, str]] = field(default_factory=list)
    """The words, with the model, that the model cannot read."""

    def encode(self, words: str, model: str) -> np.ndarray | None:
        """The embedding of `words` as a unit vector, float32 (d,); None if the model cannot read
        them.

        Raises:
            EncoderError: no embedding is stored and the model cannot be loaded.
        """
        key = words, model
        if key not in self.encoded:
            found = driver_connection(self.connection).execute(
                "SELECT embedding FROM query_embedding"
                " WHERE text = %(text)s AND model = %(model)s AND embedding IS NOT NULL",
                {"text": words, "model": model},
            )
            if (row := found.fetchone()) is not None:
                stored = row[0]
                self.stored += 1
            else:
                encoder = self.encoder_for(model)
                if encoder.unread_share(words) > MAX_UNREAD:
                    self.unread.append(key)
                    return None
                stored = HalfVector(encoder.encode_texts([words])[0])
            self.encoded[key] = stored.to_numpy().astype(np.float32)
        return self.encoded[key]
