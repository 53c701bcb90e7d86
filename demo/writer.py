"""Writes a catalogue to disk. The CSV file is written last, when all pictures exist."""

from __future__ import annotations

import csv
import io
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Final

from demo.design import Design
from demo.products import COLUMNS, Product, products
from demo.scene import render

Progress = Callable[[int, int], None]

_MAX_WORKERS: Final = 8
# If a file is too large, because of a detailed pattern, the next lower quality is used.
_JPEG_QUALITIES: Final = (86, 80, 74)
_MAX_BYTES: Final = 90_000
_UNFINISHED: Final = ".part"


def write_catalogue(folder: Path, count: int = 640, *, progress: Progress | None = None) -> Path:
    """Draw a demo catalogue and return the path of its CSV file.

    Writes `folder/images/*.jpg` (640 x 800 pixels) and then `folder/products.csv`. Existing
    pictures are kept, so an interrupted run can be continued. With the same version of Pillow, the
    same count always gives identical files, and a smaller catalogue is the beginning of a larger
    one.

    Args:
        folder: the folder to write to; created if it does not exist.
        count: the number of products; about a quarter of them have a second picture.
        progress: called with the numbers of finished and of all pictures, at the start and after
            each picture.

    Raises:
        ValueError: `count` is less than 1.
        OSError: the folder cannot be written to.
    """
    if count < 1:
        raise ValueError(f"a catalogue needs at least one product, not {count}")
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    for leftover in images.glob(f"*{_UNFINISHED}"):
        leftover.unlink(missing_ok=True)
    shop = products(count)
    wanted = [
        (product.design, number, images / name)
        for product in shop
        for number, name in enumerate(product.images)
    ]
    missing = [picture for picture in wanted if not picture[2].exists()]
    report = progress or (lambda done, total: None)
    done = len(wanted) - len(missing)
    report(done, len(wanted))
    for _ in _drawn(missing):
        done += 1
        report(done, len(wanted))
    table = folder / "products.csv"
    _replace(table, _csv(shop))
    return table


def _drawn(pictures: list[tuple[Design, int, Path]]) -> Iterator[Path]:
    """Draw the pictures on all cores; yields the path of each when it is finished."""
    if not pictures:
        return
    workers = min(os.cpu_count() or 1, _MAX_WORKERS, len(pictures))
    # Forking a process with threads, such as a web server, can deadlock on inherited locks.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        try:
            for finished in as_completed([pool.submit(_draw, *picture) for picture in pictures]):
                yield finished.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _draw(design: Design, number: int, path: Path) -> Path:
    picture = render(design, number)
    for quality in _JPEG_QUALITIES:
        encoded = io.BytesIO()
        picture.save(encoded, "JPEG", quality=quality, progressive=True, optimize=True)
        if encoded.tell() <= _MAX_BYTES:
            break
    _replace(path, encoded.getvalue())
    return path


def _csv(shop: list[Product]) -> bytes:
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(product.row() for product in shop)
    return text.getvalue().encode()


def _replace(path: Path, content: bytes) -> None:
    """Write a file atomically, under a temporary name first."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}{_UNFINISHED}")
    unfinished.write_bytes(content)
    os.replace(unfinished, path)
