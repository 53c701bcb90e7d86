"""What the demo shop sells."""

from __future__ import annotations

from typing import Final

from catalog.demo.assortment.accessories import ACCESSORIES
from catalog.demo.assortment.bottoms import BOTTOMS
from catalog.demo.assortment.dresses import DRESSES_AND_SKIRTS
from catalog.demo.assortment.footwear import FOOTWEAR
from catalog.demo.assortment.model import ProductType, Style
from catalog.demo.assortment.outerwear import OUTERWEAR
from catalog.demo.assortment.tops import KNITS, TOPS

PRODUCT_TYPES: Final[tuple[ProductType, ...]] = (
    *(*TOPS, *KNITS, *OUTERWEAR, *DRESSES_AND_SKIRTS, *BOTTOMS),
    *FOOTWEAR,
    *ACCESSORIES,
)

__all__ = ["PRODUCT_TYPES", "ProductType", "Style"]
