"""Measures which mini-batch size makes an encoder fastest; takes some seconds."""

import time
from collections.abc import Callable
from typing import Protocol

PROBE_SIZES = (4, 8, 16, 32, 64, 128, 256, 512, 1024)
PROBE_SECONDS = 5.0
PROBE_GAIN = 1.05
"""A larger mini-batch must be faster by this factor to be worth its memory."""


class HasBatchSize(Protocol):
    """An encoder that halves its `batch_size` if a mini-batch does not fit into memory."""

    batch_size: int


def find_batch_size(encoder: HasBatchSize, encode: Callable[[int], object]) -> int:
    """The smallest of `PROBE_SIZES` that is nearly as fast as the fastest.

    Args:
        encoder: the encoder to measure; its `batch_size` is changed.
        encode: encodes the given number of identical items.
    """
    rates: dict[int, float] = {}
    deadline = time.monotonic() + PROBE_SECONDS
    for size in PROBE_SIZES:
        encoder.batch_size = size
        encode(size)  # warm-up: the first use of a shape allocates memory and loads kernels
        started = time.monotonic()
        encode(size)
        if encoder.batch_size < size:  # it did not fit and was halved
            break
        rates[size] = size / (time.monotonic() - started)
        *before, last_but_one, last = [0.0, 0.0, *rates.values()]
        flat = max(last_but_one, last) < max(before) * PROBE_GAIN
        if flat or time.monotonic() > deadline:
            break
    enough = max(rates.values(), default=0) / PROBE_GAIN
    return next((n for n in rates if rates[n] >= enough), encoder.batch_size)
