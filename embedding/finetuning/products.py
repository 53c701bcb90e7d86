"""The products that a model is fine-tuned on. Importing this module does not import torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from embedding.training.data import Part, Picture
from embedding.training.phrases import describe


@dataclass(frozen=True)
class Product:
    """A product with its picture files."""

    sku: str
    title: str
    """Empty if it has none."""
    attributes: Mapping[str, str]
    """Values of `data.CLAIMED` as `describe` returns them; those that are not known are missing."""
    pictures: tuple[Path, ...]

    @property
    def part(self) -> Part:
        """The part that its SKU puts it in; see `Picture.part`."""
        return self._as_picture().part

    def _as_picture(self) -> Picture:
        return Picture(Path(), self.sku, self.title, self.attributes)


@dataclass(frozen=True)
class JudgedQuery:
    """A query with the SKUs of its relevant products."""

    text: str
    relevant: frozenset[str]


def describe_product(
    product_type: str, colour: str, gender: str, pattern: str, material: str, occasion: str
) -> dict[str, str]:
    """The attributes of a product from the values of its facets; empty if they are not known."""
    known = dict(describe(product_type, colour, gender, pattern)) if product_type else {}
    more = {"colour": colour, "material": material, "occasion": occasion}
    return known | {name: value.lower() for name, value in more.items() if value}


def kind_of(product: Product) -> str:
    """The product's type, or if it is not known its group."""
    return product.attributes.get("type") or product.attributes.get("group", "")
