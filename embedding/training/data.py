"""Reads catalogue folders as training data: pictures, their attributes, and the held-out parts."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from embedding.errors import UserFacingError
from embedding.training.phrases import describe

Part = Literal["train", "validation", "test"]

TEST_SHARE = 0.2
VALIDATION_SHARE = 0.16


class CatalogueError(UserFacingError, ValueError):
    """A folder is not a readable catalogue; the message names the file and the column."""


@dataclass(frozen=True)
class Picture:
    """A picture of a product and what is known about it."""

    path: Path
    product: str
    """The product's id. All its pictures belong to the same part."""
    title: str
    """The product's title; empty if it has none."""
    attributes: Mapping[str, str]
    """The known values of `phrases.ATTRIBUTES`, in shoppers' words."""
    catalogue: str = ""
    """The name of the catalogue's folder."""

    @property
    def part(self) -> Part:
        """The part of the product, derived from the SHA-256 of its id, so it never changes.

        The first eight bytes give a number from 0 to 1. Products below `TEST_SHARE` are for tests,
        and the next `VALIDATION_SHARE` of the range is for validation.
        """
        digest = hashlib.sha256(self.product.encode()).digest()
        place = int.from_bytes(digest[:8], "big") / 2**64
        if place < TEST_SHARE:
            return "test"
        return "validation" if place < TEST_SHARE + VALIDATION_SHARE else "train"


def read_catalogue(folder: Path) -> list[Picture]:
    """The pictures of a folder with `images/` and `products.csv` or `images.csv`.

    `products.csv` has one of two headers. With the column `sku`, the column `images` lists several
    pictures, separated by `;`. With `ProductId`, the column `Image` has one picture. `images.csv`
    has the columns `Image` and `Label`, a kind of product.

    Raises:
        CatalogueError: a file or a column is missing, or there are no pictures.
    """
    table = next((folder / name for name in _TABLES if (folder / name).is_file()), None)
    if table is None:
        raise CatalogueError(f"{folder} contains neither {' nor '.join(_TABLES)}")
    with table.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        read = _read_labelled
        if table.name == "products.csv":
            read = _read_products if "sku" in (reader.fieldnames or ()) else _read_photographs
        try:
            name = folder.resolve().name
            pictures = [
                replace(picture, catalogue=name)
                for row in reader
                for picture in read(folder / "images", row)
            ]
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
