"""The reader: pending rows in batches, their texts and decoded pictures at hand."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from PIL import Image

from catalog.database import connect
from catalog.filling.pending import Pending, next_pending
from embedding.images import ImageError, open_image
from embedding.registry import Modality

Failure = tuple[Pending, str]
"""A row that cannot be embedded, and the reason."""


@dataclass(slots=True)
class Batch:
    """Rows with what is to be encoded, and those that could not even be read, with the reason."""

    rows: list[Pending]
    contents: list[str] | list[Image.Image]
    unreadable: list[Failure]

    @property
    def last_id(self) -> int:
        return max(row.id for row in [*self.rows, *(row for row, _ in self.unreadable)])


def read_batches(
    model: str,
    modality: Modality,
    batch_size: int,
    limit: int | None,
    older_than: datetime | None,
) -> Iterator[Batch]:
    """Batches by ascending id, each prepared while the one before is in use."""
    left = limit if limit is not None else float("inf")

    def read(after: int, rows: int) -> Batch | None:
        with connect() as connection:
            pending = next_pending(
                connection, model, modality, after=after, limit=rows, older_than=older_than
            )
        return _load(pending, modality, decoders) if pending else None

    with (
        ThreadPoolExecutor(1, "reader") as reader,
        ThreadPoolExecutor(os.cpu_count() or 1, "decoder") as decoders,
    ):
        coming = reader.submit(read, 0, int(min(batch_size, left)))
        while left > 0 and (batch := coming.result()) is not None:
            left -= len(batch.rows) + len(batch.unreadable)
            if left > 0:
                coming = reader.submit(read, batch.last_id, int(min(batch_size, left)))
            yield batch


def _load(pending: list[Pending], modality: Modality, decoders: ThreadPoolExecutor) -> Batch:
    if modality == "text":
        return Batch(pending, [row.content for row in pending], [])
    opened = list(decoders.map(_open, pending))
    pairs = list(zip(pending, opened, strict=True))
    return Batch(
        [row for row, image in pairs if not isinstance(image, ImageError)],
        [image for image in opened if not isinstance(image, ImageError)],
        [(row, str(image)) for row, image in pairs if isinstance(image, ImageError)],
    )


def _open(row: Pending) -> Image.Image | ImageError:
    try:
        return open_image(row.file)
    except ImageError as error:
        return error
