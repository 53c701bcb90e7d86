"""The held-out fifth of a catalogue folder, as a folder of its own.

    python -m benchmarks.held_out ../shared/data/ecommerce /tmp/held-out

No model was trained on these products (`embedding.training.data`): figures made on them, in a
database of their own, are figures for a catalogue that the models have never seen.
"""

import argparse
import csv
from pathlib import Path
from shutil import copyfile

from embedding.training.data import CatalogueError, read_catalogue

IDS = ("sku", "ProductId")
"""The column of the product's id, in the two headers that `read_catalogue` knows."""


def hold_out(source: Path, target: Path) -> int:
    """Write the test products of `source`, its `products.csv` and `images/`; returns their number.

    Raises:
        CatalogueError: `source` is no catalogue folder with a `products.csv`, or is `target`.
    """
    if target.resolve() == source.resolve():
        raise CatalogueError(f"{target} is the catalogue itself")
    pictures = [picture for picture in read_catalogue(source) if picture.part == "test"]
    table = source / "products.csv"
    if not table.is_file():
        raise CatalogueError(f"{source} holds no products.csv")
    held_out = {picture.product for picture in pictures}
    images = target / "images"
    images.mkdir(parents=True, exist_ok=True)
    with (
        table.open(newline="", encoding="utf-8") as read,
        (target / "products.csv").open("w", newline="", encoding="utf-8") as written,
    ):
        reader = csv.DictReader(read)
        header = list(reader.fieldnames or ())
        key = next(name for name in IDS if name in header)
        writer = csv.DictWriter(written, header)
        writer.writeheader()
        rows = [row for row in reader if row[key] in held_out]
        writer.writerows(rows)
    for picture in pictures:
        # No links: the import takes no picture from outside its folder.
        copyfile(picture.path, images / picture.path.name)
    return len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, help="with products.csv and images/")
    parser.add_argument("target", type=Path, help="made if it is not there")
    arguments = parser.parse_args()
    try:
        count = hold_out(arguments.source, arguments.target)
    except (CatalogueError, OSError) as error:
        parser.error(str(error))
    print(f"{count} products in {arguments.target}")


if __name__ == "__main__":
    main()
