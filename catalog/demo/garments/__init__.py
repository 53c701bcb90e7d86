"""How each type of product is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from catalog.demo.canvas import Canvas
from catalog.demo.design import Design
from catalog.demo.garments.bags import draw_bag
from catalog.demo.garments.blouses import draw_top
from catalog.demo.garments.boots import draw_boot
from catalog.demo.garments.bottoms import draw_jeans, draw_shorts, draw_trousers
from catalog.demo.garments.dresses import draw_dress
from catalog.demo.garments.flats import draw_flat
from catalog.demo.garments.flip_flops import draw_flip_flops
from catalog.demo.garments.formal_shoes import draw_formal_shoe
from catalog.demo.garments.headwear import draw_cap, draw_hat
from catalog.demo.garments.heels import draw_heel
from catalog.demo.garments.jackets import draw_jacket
from catalog.demo.garments.knitwear import draw_cardigan, draw_hoodie, draw_sweater
from catalog.demo.garments.sandals import draw_sandal
from catalog.demo.garments.shirts import draw_polo, draw_shirt, draw_t_shirt
from catalog.demo.garments.skirts import draw_skirt
from catalog.demo.garments.sneakers import draw_sneaker
from catalog.demo.garments.tailoring import draw_blazer, draw_coat

DRAWINGS: Final[Mapping[str, Callable[[Canvas, Design], None]]] = {
    "T-shirts": draw_t_shirt,
    "Shirts": draw_shirt,
    "Polo Shirts": draw_polo,
    "Tops": draw_top,
    "Sweaters": draw_sweater,
    "Cardigans": draw_cardigan,
    "Hoodies": draw_hoodie,
    "Jackets": draw_jacket,
    "Blazers": draw_blazer,
    "Coats": draw_coat,
    "Dresses": draw_dress,
    "Skirts": draw_skirt,
    "Jeans": draw_jeans,
    "Trousers": draw_trousers,
    "Shorts": draw_shorts,
    "Sneakers": draw_sneaker,
    "Formal Shoes": draw_formal_shoe,
    "Boots": draw_boot,
    "Heels": draw_heel,
    "Sandals": draw_sandal,
    "Flats": draw_flat,
    "Flip Flops": draw_flip_flops,
    "Caps": draw_cap,
    "Hats": draw_hat,
    "Bags": draw_bag,
}


def draw(canvas: Canvas, design: Design) -> None:
    """Draw one product onto an empty canvas.

    Raises:
        KeyError: the design's product type is not one of `DRAWINGS`.
    """
    DRAWINGS[design.product_type](canvas, design)
