"""Decoding batches in threads and in processes gives the same pixels and errors."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from embedding.decoder_pool import Decoder
from embedding.image_decoding import open_image
from embedding.preprocessing import FitSquare, open_prepared

SQUARE = FitSquare(24)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Thirty pictures, of which the fourth is damaged and the last missing."""
    folder = tmp_path_factory.mktemp("pictures")
    files = [folder / f"{number}.png" for number in range(30)]
    for number, file in enumerate(files[:-1]):
        Image.new("RGB", (20 + number, 30), (number * 8, 100, 50)).save(file)
    files[3].write_bytes(files[3].read_bytes()[:50])
    return files


@pytest.mark.parametrize("workers", [0, 2])
def test_pixels_and_errors(files: list[Path], workers: int) -> None:
    good = [n for n in range(30) if n not in (3, 29)]
    expected = np.stack([open_prepared(files[n], SQUARE) for n in good])
    with Decoder(SQUARE, workers, batch_size=30, in_use=3) as decoder:
        batches = [files, files[:10], [], files[4:9]]
        for batch in batches:  # one after the other, so that each is read before it is overwritten
            decoded = decoder.submit(batch).result()
            rows = [good.index(files.index(it)) for it in batch if files.index(it) in good]
            np.testing.assert_array_equal(decoded.pictures, expected[rows])
        pending = [decoder.submit(files[start : start + 10]) for start in (0, 10, 20)]
        found = np.concatenate([decoding.result().pictures for decoding in pending])
        np.testing.assert_array_equal(found, expected)
        reasons = decoder.submit(files).result().errors
    assert set(reasons) == {3, 29}
    assert "damaged" in reasons[3]
    assert "cannot be read" in reasons[29]


def test_without_preparation_pictures_are_returned(files: list[Path]) -> None:
    with Decoder(None, 2, batch_size=30, in_use=1) as decoder:
        decoded = decoder.submit(files).result()
    assert [picture.size for picture in decoded.pictures][:4] == [
        (20, 30),
        (21, 30),
        (22, 30),
        (24, 30),
    ]
    assert set(decoded.errors) == {3, 29}


def left_half(file: Path, side: int) -> Image.Image:
    image = open_image(file, side)
    return image.crop((0, 0, image.width // 2, image.height))


@pytest.mark.parametrize("workers", [0, 2])
def test_files_are_decoded_by_the_opener(files: list[Path], workers: int) -> None:
    with Decoder(SQUARE, workers, 30, 1, left_half) as decoder:
        decoded = decoder.submit(files).result()
    expected = np.stack(
        [SQUARE(left_half(it, 30)) for it in files if it not in (files[3], files[29])]
    )
    np.testing.assert_array_equal(decoded.pictures, expected)
    assert set(decoded.errors) == {3, 29}


@pytest.mark.process
def test_workers_end_when_their_parent_is_killed(files: list[Path]) -> None:
    code = f"""
from pathlib import Path
from embedding.decoder_pool import Decoder
from embedding.preprocessing import FitSquare
if __name__ == "__main__":
    decoder = Decoder(FitSquare(8), 2, 4, 2)
    decoder.submit([Path({str(files[0])!r})] * 4).result()
    print("ready", flush=True)
    input()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(children, timeout=60)
    assert not alive


def test_workers_end_when_the_context_is_left_early(files: list[Path]) -> None:
    before = set(psutil.Process().children(recursive=True))
    started = time.monotonic()

    def interrupted() -> None:
        with Decoder(SQUARE, 2, 30, 2) as decoder:
            decoder.submit(files).result()
            decoder.submit(files)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert time.monotonic() - started < 60
    left = set(psutil.Process().children(recursive=True)) - before
    assert not [child for child in left if "spawn_main" in " ".join(child.cmdline())]
