"""Draw a demo catalogue: `python -m demo FOLDER [--count N]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from demo import write_catalogue
from embedding.progress import Progress


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status: 0, 1 on a write error, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="python -m demo",
        description="Draw a demo catalogue of fashion products: products.csv and images/.",
    )
    parser.add_argument(
        "folder", type=Path, help="folder to write to; created if it does not exist"
    )
    parser.add_argument(
        "--count", type=_positive, default=640, metavar="N", help="number of products (%(default)s)"
    )
    options = parser.parse_args(arguments)
    if options.folder.exists() and not options.folder.is_dir():
        parser.error(f"{options.folder} is a file, not a folder")
    try:
        with Progress("draw", " pictures") as bar:
            table = write_catalogue(options.folder, options.count, progress=bar.reach)
    except OSError as error:
        print(f"cannot write the catalogue: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. The same command continues from here.", file=sys.stderr)
        return 130
    print(f"wrote {table}")
    return 0


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
