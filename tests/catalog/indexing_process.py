"""A process that embeds, for tests that kill it: python -m tests.catalog.indexing_process

Its encoder is honest arithmetic, slowed down so that there is time to be killed.
"""

import sys
import time

import numpy as np

from catalog.indexing import fill
from tests.fakes import WordsAndColours

BATCH = 16


class Slow(WordsAndColours):
    """It writes each text down as it encodes it."""

    def encode_texts(self, texts: list[str]) -> np.ndarray:
        time.sleep(0.005)
        return super().encode_texts(texts)


def main() -> None:
    print("begins", flush=True)
    summary = fill(Slow(), "text", batch_size=BATCH, on_wait=lambda: print("waits", flush=True))
    print(summary.embedded, flush=True)


if __name__ == "__main__":
    sys.exit(main())
