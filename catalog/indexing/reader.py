"""The reader: pending rows in batches, with their texts or decoded pictures."""

import socket
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image

from catalog import config
from catalog.db.connection import connect, retry_transient
from catalog.indexing.pending import EVERYTHING, Pending, Selection, next_pending
from catalog.media.folders import media
from embedding import config as models
from embedding.decoder_pool import Decoder, Decoding
from embedding.errors import UserFacingError
from embedding.preprocessing import Preparation
from embedding.regions.garments import open_best_part
from embedding.registry import Modality

PAGE = 2048
"""Minimum number of rows per query; texts are sorted by length within these rows."""

DECODING = 3
"""Number of batches decoded at a time, enough that no worker waits at the end of a batch."""

Failure = tuple[Pending, str]
"""A row that could not be embedded, and the reason."""


class FillingError(UserFacingError, RuntimeError):
    """Embedding cannot run; the message says what to do."""


@dataclass(slots=True)
class Batch:
    """Rows with their contents, and the rows that could not be read, with the reason.

    `contents` are the texts of `rows`, or their pixels, uint8 (n, h, w, 3), or their pictures.
    """

    rows: list[Pending]
    contents: list[str] | list[Image.Image] | np.ndarray
    unreadable: list[Failure]

    def __len__(self) -> int:
        return len(self.rows) + len(self.unreadable)


@dataclass(frozen=True, slots=True)
class Reader:
    """Iterates over the pending rows in batches, by ascending id.

    Texts are sorted by length within a page. Pictures require `decoder`.
    """

    model: str
    modality: Modality
    batch_size: int
    limit: int | None = None
    decoder: Decoder | None = None
    selection: Selection = EVERYTHING

    def __iter__(self) -> Iterator[Batch]:
        if self.decoder is not None:
            yield from decode_batches(self.decoder, self._rows())
            return
        for rows in self._rows():
            yield Batch(rows, [row.content for row in rows], [])

    def _rows(self) -> Iterator[list[Pending]]:
        """The rows of each batch."""
        for page in self._pages():
            if self.modality == "text":
                page.sort(key=lambda row: len(row.content))
            for start in range(0, len(page), self.batch_size):
                yield page[start : start + self.batch_size]

    def _pages(self) -> Iterator[list[Pending]]:
        """The pending rows in pages, each a whole number of batches except for the last."""
        size = -(-PAGE // self.batch_size) * self.batch_size
        left = self.limit if self.limit is not None else float("inf")
        after = 0
        while left > 0:
            page = retry_transient(partial(self._page, after, int(min(size, left))))
            if not page:
                return
            left -= len(page)
            after = page[-1].id
            yield page

    def _page(self, after: int, limit: int) -> list[Pending]:
        with connect() as connection:
            page = next_pending(
                connection,
                self.model,
                self.modality,
                after=after,
                limit=limit,
                selection=self.selection,
            )
        if page and self.modality == "image":
            _require_pictures()
        return page


def picture_decoder(
    preparation: Preparation | None, workers: int, batch_size: int, in_use: int
) -> Decoder:
    """A `Decoder` for products' pictures, which cuts them as `EMBED_REGIONS` says."""
    if config.settings().embed_regions != "best":
        return Decoder(preparation, workers, batch_size, in_use)
    if models.settings().encoder_url:  # finds the garments; threads of one process take turns
        workers = 0
    return Decoder(preparation, workers, batch_size, in_use, open_best_part)


def decode_batches(decoder: Decoder, batches: Iterable[list[Pending]]) -> Iterator[Batch]:
    """Yield the batches with their pictures, in order, while the next ones are being decoded."""
    in_progress: deque[tuple[list[Pending], Decoding]] = deque()
    for rows in batches:
        media.fetch(row.content for row in rows)
        in_progress.append((rows, decoder.submit([row.file for row in rows])))
        if len(in_progress) == DECODING:
            yield _decoded(*in_progress.popleft())
    while in_progress:
        yield _decoded(*in_progress.popleft())


def _require_pictures() -> None:
    """Check that the media folder has files; else every picture would be recorded as failed."""
    if config.settings().media_store:
        return  # a store that does not answer ends the run
    folder = config.settings().media_root
    if not folder.is_dir() or not any(folder.iterdir()):
        raise FillingError(
            f"there are no pictures in {folder} on {socket.gethostname()}: every machine that"
            " embeds must see the shop's MEDIA_ROOT"
        )


def _decoded(rows: list[Pending], decoding: Decoding) -> Batch:
    decoded = decoding.result()
    return Batch(
        [row for place, row in enumerate(rows) if place not in decoded.errors],
        decoded.pictures,
        [(rows[place], reason) for place, reason in decoded.errors.items()],
    )
