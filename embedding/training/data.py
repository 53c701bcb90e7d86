"""Catalogue folders as training data: pictures, what is known about them, and who is held out."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from embedding.training.phrases import describe

Part = Literal["train", "validation", "test"]

TEST_SHARE = 0.2
VALIDATION_SHARE = 0.16


class CatalogueError(ValueError):
    """A folder that cannot be read as a catalogue; the message names file and column."""


@dataclass(frozen=True)
class Picture:
    """One picture of a product, and what is known about it."""

    path: Path
    product: str
    """The product's id; its pictures share it, and with it the part."""
    title: str
    """Empty where there is none."""
    attributes: Mapping[str, str]
    """Values of `phrases.ATTRIBUTES`, in shoppers' words, as far as they are known."""

    @property
    def part(self) -> Part:
        """Where the product belongs, by the SHA-256 of its id: the same on every machine, always.

        The first eight bytes, read as a fraction of their range, are a number from 0 to 1; below
        `TEST_SHARE` it is a test product, in the `VALIDATION_SHARE` above that a validation one.
        """
        digest = hashlib.sha256(self.product.encode()).digest()
        place = int.from_bytes(digest[:8], "big") / 2**64
        if place < TEST_SHARE:
            return "test"
        return "validation" if place < TEST_SHARE + VALIDATION_SHARE else "train"


def read_catalogue(folder: Path) -> list[Picture]:
    """The pictures of a folder with `images/` and `products.csv` or `images.csv`.

    `products.csv` has one of two headers, told apart by the column of the product's id: `sku`, with
    several pictures, separated by `;`, in `images`; or `ProductId`, with one, in `Image`.
    `images.csv` has `Image` and `Label`, a kind of product.

    Raises:
        CatalogueError: a file or a column is missing, or there is no picture.
    """
    table = next((folder / name for name in _TABLES if (folder / name).is_file()), None)
    if table is None:
        raise CatalogueError(f"{folder} holds neither {' nor '.join(_TABLES)}")
    with table.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        read = _read_labelled
        if table.name == "products.csv":
            read = _read_products if "sku" in (reader.fieldnames or ()) else _read_photographs
        try:
            pictures = [picture for row in reader for picture in read(folder / "images", row)]
        except KeyError as error:
            raise CatalogueError(f"{table} has no column {error}") from error
    if not pictures:
        raise CatalogueError(f"{table} lists no pictures")
    if missing := [picture.path for picture in pictures if not picture.path.is_file()]:
        raise CatalogueError(f"{table} lists {len(missing)} missing pictures, e.g. {missing[0]}")
    return pictures


_TABLES = ("products.csv", "images.csv")


def _read_products(images: Path, row: dict[str, str]) -> Iterator[Picture]:
    attributes = describe(row["product_type"], row["colour"], row["gender"], row["pattern"])
    for name in filter(None, row["images"].split(";")):
        yield Picture(images / name, row["sku"], row["title"], attributes)


def _read_photographs(images: Path, row: dict[str, str]) -> Iterator[Picture]:
    attributes = describe(row["ProductType"], row["Colour"], row["Gender"])
    yield Picture(images / row["Image"], row["ProductId"], row["ProductTitle"], attributes)


def _read_labelled(images: Path, row: dict[str, str]) -> Iterator[Picture]:
    yield Picture(images / row["Image"], row["Image"], "", describe(row["Label"]))
