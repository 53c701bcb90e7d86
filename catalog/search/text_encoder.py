"""Encodes the words of a query, or reads their stored embedding."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from pgvector import HalfVector
from sqlalchemy import Connection

from embedding.encoder import Encoder


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

    def encode(self, words: str, model: str) -> np.ndarray:
        """The embedding of `words` as a unit vector, float32 (d,).

        Raises:
            EncoderError: no embedding is stored and the model cannot be loaded.
        """
        key = words, model
        if key not in self.encoded:
            stored = self.connection.exec_driver_sql(
                "SELECT embedding FROM query_embedding"
                " WHERE text = %(text)s AND model = %(model)s AND embedding IS NOT NULL",
                {"text": words, "model": model},
            ).scalar()
            if stored is None:
                stored = HalfVector(self.encoder_for(model).encode_texts([words])[0])
            self.encoded[key] = stored.to_numpy().astype(np.float32)
        return self.encoded[key]
