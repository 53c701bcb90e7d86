"""A process that embeds, for tests that kill it: python -m tests.catalog.indexing_process

Its encoder computes vectors without a model, slowed down so that there is time to kill it.
"""

import time

import numpy as np

from catalog.indexing import fill
from tests.fakes import WordsAndColours

BATCH = 16


class Slow(WordsAndColours):
    """Waits before each batch."""

    def encode_texts(self, texts: list[str]) -> np.ndarray:
        time.sleep(0.005)
        return super().encode_texts(texts)


def main() -> None:
    print("started", flush=True)
    summary = fill(Slow(), "text", batch_size=BATCH, on_wait=lambda: print("waiting", flush=True))
    print(summary.embedded, flush=True)


if __name__ == "__main__":
    main()
