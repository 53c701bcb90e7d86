"""What the frozen layers make of the pictures, computed once and kept on disk.

Where only the last layers are trained, most of the time would be spent in the layers before them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from embedding.finetuning.errors import unwritable
from embedding.finetuning.pictures import Pictures
from embedding.finetuning.towers import Towers
from embedding.finetuning.views import random_views

VIEWS = 4
"""Views of each picture whose features are kept. The first one is the picture as it is."""

BATCH = 8


class FrozenFeatures:
    """Features of `VIEWS` views of each picture, in half precision, in a file.

    Args:
        file: is written in batches, and read through memory mapping.
        shape: of the features of one view.
        count: number of pictures.
    """

    def __init__(self, file: Path, shape: tuple[int, ...], count: int) -> None:
        self._shape = shape
        self._values: NDArray[np.float16] = np.memmap(
            file, np.float16, "r", shape=(count, VIEWS, *shape)
        )

    def of(self, rows: Sequence[int], views: Sequence[int] | int = 0) -> Tensor:
        """Features of the pictures in `rows`, (n, ...), each in its view, by default plain."""
        return torch.from_numpy(self._values[list(rows), views].astype(np.float32))


def read_features(
    towers: Towers,
    pictures: Pictures,
    device: torch.device,
    seed: int,
    folder: Path,
    key: str,
    advance: Callable[[int], None] = lambda _: None,
) -> FrozenFeatures | None:
    """The features of all pictures; None if the model's kind has none.

    A stopped run continues with the first batch that its file lacks.

    Args:
        seed: of the random views.
        folder: where the file is written.
        key: names what the features depend on, except for the pictures' number.
        advance: called with the number of pictures that were read.

    Raises:
        FineTuningError: the disk is full.
    """
    count, shape = len(pictures), features_shape(towers, device)
    if shape is None:
        return None
    row_bytes = bytes_of_features(shape, 1)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"features-{key[:16]}.f16"
    done = file.stat().st_size // (row_bytes * BATCH) * BATCH if file.is_file() else 0
    done = min(done, count)
    advance(done)
    try:
        with file.open("ab") as output, torch.inference_mode():
            output.truncate(done * row_bytes)
            for start in range(done, count, BATCH):
                rows = range(start, min(start + BATCH, count))
                output.write(_batch(towers, pictures, device, rows, seed).tobytes())
                advance(len(rows))
    except OSError as error:
        raise unwritable(file, error) from error
    return FrozenFeatures(file, shape, count)


def features_shape(towers: Towers, device: torch.device) -> tuple[int, ...] | None:
    """The shape of the features of one view; None if the model's kind has none."""
    pixels = torch.zeros((1, *towers.preparation.shape), dtype=torch.uint8, device=device)
    with torch.inference_mode():
        features = towers.features(pixels)
    return None if features is None else tuple(features.shape[1:])


def bytes_of_features(shape: tuple[int, ...], count: int) -> int:
    """The size of the file with the features of `count` pictures."""
    return count * VIEWS * math.prod(shape) * np.dtype(np.float16).itemsize


def _batch(
    towers: Towers, pictures: Pictures, device: torch.device, rows: range, seed: int
) -> NDArray[np.float16]:
    """Features (n, VIEWS, ...) of a batch, whose views depend on the seed and its place only."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + rows.start)
    pixels = pictures.pixels(rows).to(device)
    views = []
    for number in range(VIEWS):
        features = towers.features(random_views(pixels, generator) if number else pixels)
        assert features is not None
        views.append(features.half().cpu())
    result: NDArray[np.float16] = torch.stack(views, 1).contiguous().numpy()
    return result
