"""The assortment of the demo shop: all product types."""

from __future__ import annotations

from typing import Final

from demo.assortment.accessories import ACCESSORIES
from demo.assortment.bottoms import BOTTOMS
from demo.assortment.dresses import DRESSES_AND_SKIRTS
from demo.assortment.footwear import FOOTWEAR
from demo.assortment.outerwear import OUTERWEAR
from demo.assortment.product_types import ProductType, Style
from demo.assortment.tops import KNITS, TOPS

PRODUCT_TYPES: Final[tuple[ProductType, ...]] = (
    *(*TOPS, *KNITS, *OUTERWEAR, *DRESSES_AND_SKIRTS, *BOTTOMS),
    *FOOTWEAR,
    *ACCESSORIES,
)

__all__ = ["PRODUCT_TYPES", "ProductType", "Style"]
