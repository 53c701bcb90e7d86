"""Mini-batches: halved where the device's memory does not hold them, found by a probe."""

import time

import numpy as np
import pytest
import torch

from embedding.loaders.base import TorchEncoder
from embedding.preparation import FitSquare
from embedding.registry import get_spec


class Small(TorchEncoder):
    """Holds `room` pictures at a time, each of which takes some time beside that of a batch."""

    preparation = FitSquare(4)

    def __init__(self, room: int, call: float = 0.0, picture: float = 0.0) -> None:
        super().__init__(get_spec("fashion"), "cpu")
        self.room, self.call, self.picture = room, call, picture
        self.sizes: list[int] = []

    def _embed_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(pixels))
        if len(pixels) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        time.sleep(self.call + self.picture * len(pixels))
        values = pixels.float().mean((1, 2, 3))
        return torch.stack([values, torch.ones_like(values)], 1).repeat(1, 192)


def pixels(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)


def test_a_batch_that_does_not_fit_is_halved_and_nothing_is_lost() -> None:
    encoder = Small(room=5)
    vectors = encoder.encode_pixels(pixels(40))
    assert encoder.sizes == [32, 16, 8, *[4] * 10]
    np.testing.assert_allclose(vectors, Small(room=99).encode_pixels(pixels(40)), atol=1e-6)
    encoder.sizes.clear()
    encoder.encode_pixels(pixels(9))
    assert encoder.sizes == [4, 4, 1]


def test_one_picture_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        Small(room=0).encode_pixels(pixels(3))


def test_the_probe_finds_what_fits() -> None:
    encoder = Small(room=20, call=0.002)
    assert encoder.tune("image") == encoder.batch_size == 16


def test_the_probe_stops_where_larger_is_no_faster() -> None:
    encoder = Small(room=9999, call=0.001, picture=0.002)
    assert 4 <= encoder.tune("image") <= 64
    assert max(encoder.sizes) <= 512
