"""Writes the held-out fifth of a catalogue folder to another folder.

    python -m benchmarks.held_out ../shared/data/ecommerce /tmp/held-out

No model was trained on these products (`embedding.training.data`). Imported into a separate
database, they give figures for a catalogue that the models have never seen.
"""

import argparse
import csv
from pathlib import Path
from shutil import copyfile

from embedding.training.data import CatalogueError, read_catalogue

IDS = ("sku", "ProductId")
"""The column of the product's id in the two headers that `read_catalogue` accepts."""


def hold_out(source: Path, target: Path) -> int:
    """Write the test products of `source` to `target`; returns their number.

    Raises:
        CatalogueError: `source` is not a catalogue folder with a `products.csv`, or equals
            `target`.
        OSError: `target` cannot be written.
    """
    if target.resolve() == source.resolve():
        raise CatalogueError(f"source and target are the same folder: {target}")
    pictures = [picture for picture in read_catalogue(source) if picture.part == "test"]
    table = source / "products.csv"
    if not table.is_file():
        raise CatalogueError(f"{source} does not contain products.csv")
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
        # Copies, not links: the import rejects pictures outside its folder.
        copyfile(picture.path, images / picture.path.name)
    return len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path, help="folder with products.csv and images/")
    parser.add_argument("target", type=Path, help="folder to write; created if it does not exist")
    arguments = parser.parse_args()
    try:
        count = hold_out(arguments.source, arguments.target)
    except (CatalogueError, OSError) as error:
        parser.error(str(error))
    print(f"{count} products in {arguments.target}")


if __name__ == "__main__":
    main()
