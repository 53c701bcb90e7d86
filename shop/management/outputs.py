"""Output files: commands check them at the start and write them at the end."""

import csv
from argparse import ArgumentTypeError
from collections.abc import Iterable, Sequence
from pathlib import Path


def output_file(text: str) -> Path:
    """An argument type for argparse: a writable file.

    It is opened now, not after hours of work. Its content is not changed yet.
    """
    path = Path(text)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        path.open("a").close()
        if is_new:
            path.unlink()
    except OSError as error:
        raise ArgumentTypeError(f"{text}: {error.strerror}") from error
    return path


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file.

    Raises:
        OSError: the file cannot be written.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
