"""Ballet flats, a pair from above."""

from __future__ import annotations

import numpy as np

from demo.canvas import Canvas
from demo.curves import (
    Points,
    band,
    box,
    curve,
    ellipse,
    moved,
    path,
    points,
    ribbon,
    scaled,
)
from demo.design import Design
from demo.fabric import LEATHER, METAL, RUBBER, Fabric
from demo.garments import shoes_from_above
from demo.palette import GOLD, INSOLE, SOLE_BLACK, WOOD

_ROUND = ((-4, -252), (40, -240), (72, -196), (80, -124))
_POINTED = ((-8, -290), (24, -252), (62, -190), (78, -124))
_QUARTER = ((70, -30), (58, 70), (62, 160), (52, 222), (2, 246), (-48, 222), (-60, 156))
_INNER_SIDE = ((-56, 66), (-66, -34), (-76, -124))
_INNER_TOE = {False: ((-62, -206),), True: ((-58, -196), (-30, -262))}
_OPENING = (
    *((2, -112), (34, -100), (54, -62), (55, -14), (46, 76), (48, 158), (38, 208), (2, 224)),
    *((-36, 208), (-46, 150), (-43, 70), (-52, -16), (-50, -64), (-30, -100)),
)


def draw_flat(canvas: Canvas, design: Design) -> None:
    """Draw a pair of ballet flats; the cut has `toe` and `detail`."""
    for foot in shoes_from_above.pair(canvas):
        _draw_one(foot, design)


def _draw_one(foot: shoes_from_above.Foot, design: Design) -> None:
    fabric, detail = design.fabric, design.cut["detail"]
    pointed = design.cut["toe"] == "pointed toe"
    toe = _POINTED if pointed else _ROUND
    outline = curve(*toe, *_QUARTER, *_INNER_SIDE, *_INNER_TOE[pointed], closed=True)
    opening = curve(*_OPENING, closed=True)
    sole = Fabric(RUBBER, SOLE_BLACK if fabric.colour.lightness < 0.5 else WOOD)
    foot.piece(moved(outline, 2.0, 6.0) * 1.012, sole, lift=2)
    upper = foot.piece(outline, fabric)
    if detail == "contrast toe cap":
        cap = path(curve((-110, -176), (0, -196), (110, -172)), points((110, -300), (-110, -300)))
        dark = SOLE_BLACK if fabric.colour.lightness > 0.35 else INSOLE
        foot.piece(cap, fabric.of(dark), lift=1, within=upper)
    _draw_inside(foot, design, opening)
    piping = fabric.colour
    piping = piping.darker(0.3) if piping.lightness > 0.3 else piping.lighter(0.2)
    ring = np.vstack([opening, opening[:2]])
    foot.piece(ribbon(ring, 7), fabric.of(piping), lift=1.5)
    foot.stitches(band(ring, 9)[len(ring) :], fabric)
    match detail:
        case "bow":
            draw_flat_bow(foot, fabric, 2, -118, 1.0)
        case "buckle":
            foot.piece(points((-34, -146), (38, -146), (36, -120), (-32, -120)), fabric, lift=2)
            _draw_buckle(foot, fabric, 2, -133, 30)
        case "ankle strap":
            strap = curve((-60, 40), (-30, 22), (0, 16), (34, 22), (66, 44))
            foot.piece(ribbon(strap, 16), fabric, lift=6)
            _draw_buckle(foot, fabric, 46, 28, 22)


def _draw_inside(foot: shoes_from_above.Foot, design: Design, opening: Points) -> None:
    leather = design.fabric.of(INSOLE, LEATHER)
    bed = foot.piece(opening, leather)
    wall = foot.canvas.region(foot.placed(moved(opening, 5, 14) * np.array([0.93, 0.97])))
    foot.canvas.flat(bed.without(wall), INSOLE.darker(0.75), 0.42)
    inner = foot.canvas.region(foot.placed(ellipse((2, 168), 26, 34)))
    foot.canvas.flat(inner.within(bed), design.fabric.colour, 0.35)
    foot.draw_wear(bed, leather, 0.8)


def _draw_buckle(
    foot: shoes_from_above.Foot, fabric: Fabric, x: float, y: float, size: float
) -> None:
    frame = box(x, y, size, size)
    foot.piece(frame, Fabric(METAL, GOLD), lift=2)
    foot.piece(scaled(frame, 0.6), fabric)


def draw_flat_bow(
    foot: shoes_from_above.Foot, fabric: Fabric, x: float, y: float, size: float
) -> None:
    """Draw a small flat bow on the shoe."""
    cloth = fabric.plain()
    for side in (-1.0, 1.0):
        wing = curve(
            (0, 0),
            (side * 20, -17),
            (side * 36, -12),
            (side * 35, 12),
            (side * 19, 13),
            closed=True,
        )
        region = foot.piece(moved(wing * size, x, y), cloth, lift=3)
        line = foot.placed(moved(points((side * 4, 0), (side * 26, -1)) * size, x, y))
        foot.canvas.stroke(line, 3, cloth.colour.darker(0.7), 0.4, taper=0.8, within=region)
    foot.piece(moved(ellipse((0, 0), 8 * size, 10 * size), x, y), cloth, lift=2)
