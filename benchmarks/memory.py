"""Peak memory of a fill by number of products. It must not grow.

    python -m benchmarks.memory [--rows 10000 100000]

Each size runs in a separate process. A trivial encoder replaces the model, so that 100,000 pictures
take minutes instead of hours; only the pipeline is measured.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 160
"""Side of the pictures in pixels. Small, because decoding takes most of the time."""
FILES = 64
BATCH = 64


class ColourEncoder:
    """An encoder without a model: the vector is the picture, reduced to 8 x 16 RGB pixels."""

    preparation = None

    def __init__(self) -> None:
        from embedding.registry import get_spec

        self.spec = get_spec("fashion")

    def encode_images(self, images: Sequence[Image.Image]) -> np.ndarray:
        small = [np.asarray(image.convert("RGB").resize((16, 8))) for image in images]
        vectors = np.stack(small).reshape(len(small), -1).astype(np.float32) + 1
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / lengths, dtype=np.float32)


def measure(rows: int) -> None:
    """Fill an empty table; prints the seconds, and the peak memory in MiB before and after."""
    from catalog import config
    from catalog.indexing import fill

    folder = config.settings().var_dir / "bench" / "small"
    os.environ["MEDIA_ROOT"] = str(folder)
    from benchmarks import embed_database

    files = draw(folder)
    encoder = ColourEncoder()
    embed_database.prepare(encoder.spec, files, rows)
    before = peak()
    started = time.perf_counter()
    summary = fill(encoder, "image", batch_size=BATCH)  # type: ignore[arg-type]
    seconds = time.perf_counter() - started
    assert summary.embedded == rows, summary
    print(f"| {rows:,} | {seconds:.0f} | {before:.0f} | {peak():.0f} |", flush=True)


def draw(folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    files = [folder / f"{number}.jpg" for number in range(FILES)]
    for file in files:
        noise = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((SIDE, SIDE)).save(file, quality=90)
    return files


def peak() -> float:
    """The peak memory of this process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.in_this_process:
        measure(arguments.rows[0])
        return
    print(
        "| products | seconds | peak before, MiB | peak after, MiB |\n|---|---|---|---|", flush=True
    )
    for rows in arguments.rows:
        command = [sys.executable, "-m", "benchmarks.memory", "--in-this-process", "--rows"]
        subprocess.run([*command, str(rows)], check=True)


if __name__ == "__main__":
    main()
