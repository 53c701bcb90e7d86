"""The pixels of the products' pictures: in memory while they fit, otherwise decoded each time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from embedding.decoder_pool import Decoder
from embedding.finetuning.errors import FineTuningError
from embedding.finetuning.products import Product
from embedding.preprocessing import Preparation

MAX_IN_MEMORY = 4 << 30
"""Bytes of pixels that are kept."""

MAX_UNREADABLE = 0.1
"""The largest share of the pictures that may be missing or unreadable."""

LISTED = 3
"""Unreadable pictures that a message names."""

BATCH = 64


class Pictures:
    """The readable pictures of the products.

    Args:
        products: whose pictures.
        preparation: the model's.
        advance: called with the number of pictures that were read.

    Raises:
        FineTuningError: too many cannot be read.
    """

    def __init__(
        self,
        products: Sequence[Product],
        preparation: Preparation,
        advance: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._decoder = Decoder(preparation, workers=0, batch_size=BATCH, in_use=2)
        size = int(np.prod(preparation.shape))
        every = [(file, index) for index, it in enumerate(products) for file in it.pictures]
        self.problems: list[str] = []
        """Why each unreadable picture could not be read."""
        self.files: list[Path] = []
        self.owners: list[int] = []
        """For each readable picture, the index of its product."""
        keeps = len(every) * size <= MAX_IN_MEMORY
        kept: list[NDArray[np.uint8]] = []
        for start in range(0, len(every), BATCH):
            batch = every[start : start + BATCH]
            decoded = self._decoder.submit([file for file, _ in batch]).result()
            for place, (file, index) in enumerate(batch):
                if place in decoded.errors:
                    self.problems.append(f"{file}: {decoded.errors[place]}")
                else:
                    self.files.append(file)
                    self.owners.append(index)
            if keeps:
                kept.append(np.asarray(decoded.pictures))
            advance(len(batch))
        self._kept = np.concatenate(kept) if kept else None
        if len(self.problems) > MAX_UNREADABLE * len(every):
            shown = "; ".join(self.problems[:LISTED])
            raise FineTuningError(
                f"{len(self.problems)} of {len(every)} pictures are missing or unreadable, more"
                f" than {MAX_UNREADABLE:.0%}: {shown}: import the catalogue with its pictures"
                " again, or check MEDIA_ROOT"
            )
        self._rows: dict[int, list[int]] = {}
        for row, owner in enumerate(self.owners):
            self._rows.setdefault(owner, []).append(row)

    def __len__(self) -> int:
        return len(self.files)

    def of(self, products: Sequence[int]) -> list[int]:
        """The rows of the pictures of the given products."""
        return [row for product in products for row in self._rows.get(product, ())]

    def pixels(self, rows: Sequence[int]) -> torch.Tensor:
        """Their pixels, uint8 (n, h, w, 3).

        Raises:
            FineTuningError: a file has changed since it was first read.
        """
        if self._kept is not None:
            return torch.from_numpy(self._kept[list(rows)])
        decoded = self._decoder.submit([self.files[row] for row in rows]).result()
        if decoded.errors:
            place, reason = next(iter(decoded.errors.items()))
            raise FineTuningError(f"{self.files[rows[place]]} was readable before: {reason}")
        return torch.from_numpy(np.asarray(decoded.pictures))
