"""The reader: pending rows in batches, their texts and decoded pictures at hand."""

import socket
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import numpy as np
from PIL import Image

from catalog import config
from catalog.db.connection import connect, persist
from catalog.indexing.pending import EVERYTHING, Pending, Selection, next_pending
from embedding.decoder_pool import Decoder, Decoding
from embedding.registry import Modality

PAGE = 2048
"""Rows that one query fetches, at least; texts are sorted by length within them."""

DECODING = 3
"""Batches being decoded at a time: enough for no worker to wait at the end of one."""

Failure = tuple[Pending, str]
"""A row that cannot be embedded, and the reason."""


class FillingError(RuntimeError):
    """Nothing can be embedded as things are; the message says what to do."""


@dataclass(slots=True)
class Batch:
    """Rows with what is to be encoded, and those that could not even be read, with the reason.

    `contents` are the rows' texts, or their pixels, uint8 (n, h, w, 3), or their pictures.
    """

    rows: list[Pending]
    contents: list[str] | list[Image.Image] | np.ndarray
    unreadable: list[Failure]

    def __len__(self) -> int:
        return len(self.rows) + len(self.unreadable)


@dataclass(frozen=True, slots=True)
class Reader:
    """Batches of what is pending, by ascending id; within a page texts are sorted by length.

    With `older_than`, embeddings made before it count as pending too. `decoder` is needed for
    pictures.
    """

    model: str
    modality: Modality
    batch_size: int
    limit: int | None = None
    older_than: datetime | None = None
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
        """A whole number of batches each, but for the last."""
        size = -(-PAGE // self.batch_size) * self.batch_size
        left = self.limit if self.limit is not None else float("inf")
        after = 0
        while left > 0:
            page = persist(partial(self._page, after, int(min(size, left))))
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
                older_than=self.older_than,
                selection=self.selection,
            )
        if page and self.modality == "image":
            _require_pictures()
        return page


def decode_batches(decoder: Decoder, batches: Iterable[list[Pending]]) -> Iterator[Batch]:
    """The batches with their pictures, in order, while the next ones are being decoded."""
    coming: deque[tuple[list[Pending], Decoding]] = deque()
    for rows in batches:
        coming.append((rows, decoder.submit([row.file for row in rows])))
        if len(coming) == DECODING:
            yield _decoded(*coming.popleft())
    while coming:
        yield _decoded(*coming.popleft())


def _require_pictures() -> None:
    """Without their folder all pictures would be noted as unreadable, and left alone for ever."""
    folder = config.media_root()
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
