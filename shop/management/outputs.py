"""Files that commands write at their end, checked at their beginning."""

import csv
from argparse import ArgumentTypeError
from collections.abc import Iterable, Sequence
from pathlib import Path


def output_file(text: str) -> Path:
    """For argparse: a file that can be written. It is opened now, not after hours of work, and
    keeps its content until then."""
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
    """Raises OSError where the file cannot be written after all."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
