"""The drawing functions, by product type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from demo.canvas import Canvas
from demo.design import Design
from demo.garments.bags import draw_bag
from demo.garments.blouses import draw_top
from demo.garments.boots import draw_boot
from demo.garments.bottoms import draw_jeans, draw_shorts, draw_trousers
from demo.garments.dresses import draw_dress
from demo.garments.flats import draw_flat
from demo.garments.flip_flops import draw_flip_flops
from demo.garments.formal_shoes import draw_formal_shoe
from demo.garments.headwear import draw_cap, draw_hat
from demo.garments.heels import draw_heel
from demo.garments.jackets import draw_jacket
from demo.garments.knitwear import draw_cardigan, draw_hoodie, draw_sweater
from demo.garments.sandals import draw_sandal
from demo.garments.shirts import draw_polo, draw_shirt, draw_t_shirt
from demo.garments.skirts import draw_skirt
from demo.garments.sneakers import draw_sneaker
from demo.garments.tailoring import draw_blazer, draw_coat

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
