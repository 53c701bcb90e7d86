"""Sandals: a pair from above, or a wedge from the side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from demo.canvas import Canvas
from demo.curves import Points, band, box, curve, moved, path, points, ribbon, scaled
from demo.design import Design
from demo.fabric import METAL, RUBBER, STRAW, SUEDE, Drape, Fabric
from demo.garments import shoes_from_above
from demo.garments.shoe_parts import GROUND
from demo.garments.trims import draw_buckle
from demo.palette import CORK, GOLD, GUM, INSOLE, SILVER, SOLE_BLACK, SOLE_WHITE, Rgb


@dataclass(frozen=True)
class Strap:
    """A strap across the foot, from height `inner` at the inner edge to `outer` at the outer edge.

    `arch` is how far its middle is raised towards the toes; `buckle` says whether it has a buckle
    at the outer edge.
    """

    inner: float
    outer: float
    width: float
    arch: float = 14.0
    buckle: bool = False


_STRAPS: Final[dict[str, tuple[Strap, ...]]] = {
    "two-strap sandals": (
        Strap(-128, -118, 62, 10, buckle=True),
        Strap(-34, -20, 62, 10, buckle=True),
    ),
    "ankle-strap sandals": (
        Strap(-150, -140, 30, 16),
        Strap(-100, -92, 18, 14),
        Strap(92, 100, 18, 46, buckle=True),
    ),
    "gladiator sandals": (
        Strap(-166, -156, 15),
        Strap(-112, -102, 15),
        Strap(-56, -46, 15),
        Strap(0, 10, 15, 18),
        Strap(66, 76, 15, 26),
        Strap(120, 130, 17, 40, buckle=True),
    ),
    "trekking sandals": (
        Strap(-176, -92, 34, 4),
        Strap(-92, -176, 34, 4),
        Strap(-8, 6, 30, 12, buckle=True),
        Strap(110, 118, 30, 40, buckle=True),
    ),
}


def draw_sandal(canvas: Canvas, design: Design) -> None:
    """Draw sandals; the cut's `style` is their kind."""
    style = design.cut["style"]
    if style == "espadrille wedges":
        _draw_wedge(canvas, design)
        return
    for foot in shoes_from_above.pair(canvas):
        _draw_sole(foot, design)
        _draw_upper(foot, design, _STRAPS[style])


def _draw_sole(foot: shoes_from_above.Foot, design: Design) -> None:
    slim = shoes_from_above.relative_width(design)
    outline = shoes_from_above.sole(slim)
    rng = design.random("sole")
    match design.cut["style"]:
        case "trekking sandals":
            tread, side, bed = SOLE_BLACK, Rgb(0.45, 0.46, 0.48), SOLE_BLACK.lighter(0.14)
        case "two-strap sandals":
            tread = rng.choice((SOLE_BLACK, GUM, SOLE_WHITE))
            side, bed = CORK, INSOLE.darker(0.12)
        case _:
            tread, side, bed = GUM.darker(0.3), INSOLE.darker(0.3), INSOLE
    foot.piece(moved(outline, 4, 12), Fabric(RUBBER, tread), lift=3)
    foot.piece(moved(outline, 2, 5), Fabric(RUBBER, side))
    cover = Fabric(SUEDE if bed.lightness > 0.3 else RUBBER, bed)
    top = foot.piece(outline, cover)
    foot.stitches(outline * np.array([0.93, 0.97]), cover)
    foot.draw_wear(top, cover, slim)
    if design.cut["style"] == "trekking sandals":
        for y in range(-220, 240, 16):
            inner, outer = shoes_from_above.edges(slim * 0.84, y)
            wave = curve((inner, y), (0.5 * (inner + outer), y - 6), (outer, y))
            foot.canvas.stroke(foot.placed(wave), 2.5, bed.darker(0.6), 0.5, within=top)


def _draw_upper(foot: shoes_from_above.Foot, design: Design, straps: tuple[Strap, ...]) -> None:
    fabric, slim, style = (
        design.fabric,
        shoes_from_above.relative_width(design),
        design.cut["style"],
    )
    if style in ("ankle-strap sandals", "gladiator sandals"):
        reach = -156 if style == "gladiator sandals" else -112
        spine = curve((-4, 66), (2, -20), (0, reach))
        foot.piece(ribbon(spine, 15), fabric, lift=4)
    if style != "two-strap sandals":
        _draw_heel_cup(foot, fabric, slim)
    for strap in straps:
        line = _strap_outline(strap, slim)
        foot.piece(ribbon(line, strap.width), fabric, lift=5)
        if strap.width > 24:
            for side in (-1, 1):
                edge = moved(line, y=side * (0.5 * strap.width - 5))
                foot.stitches(edge[2:-2], fabric)
        if style == "trekking sandals":
            foot.canvas.stroke(foot.placed(line), 5, design.trims[0], 0.95)
        if strap.buckle:
            x, y = line[round(0.80 * (len(line) - 1))]
            _draw_buckle(foot, design, float(x), float(y), strap.width)


def _strap_outline(strap: Strap, slim: float) -> Points:
    inner = shoes_from_above.edges(slim, strap.inner)[0] - 3
    outer = shoes_from_above.edges(slim, strap.outer)[1] + 3
    crest = 0.5 * (strap.inner + strap.outer) - strap.arch
    return curve(
        (inner, strap.inner),
        (0.55 * inner, strap.inner + 0.7 * (crest - strap.inner)),
        (0.5 * (inner + outer), crest),
        (0.55 * outer, strap.outer + 0.7 * (crest - strap.outer)),
        (outer, strap.outer),
    )


def _draw_heel_cup(foot: shoes_from_above.Foot, fabric: Fabric, slim: float) -> None:
    around = ((70, 100), (66, 170), (54, 226), (4, 252), (-48, 226), (-66, 170), (-64, 100))
    foot.piece(ribbon(curve(*around) * np.array([slim, 1.0]), 20), fabric, lift=4)


def _draw_buckle(
    foot: shoes_from_above.Foot, design: Design, x: float, y: float, width: float
) -> None:
    frame = box(x, y, 22, width + 6)
    metal = GOLD if design.for_women else SILVER
    foot.piece(frame, Fabric(METAL, metal), lift=2)
    foot.piece(scaled(frame, 0.5, 0.74), design.fabric)
    foot.canvas.stroke(foot.placed(points((x - 7, y), (x + 14, y))), 3, metal.darker(0.1))


def _draw_wedge(canvas: Canvas, design: Design) -> None:
    fabric = design.fabric
    heel_top, ball = GROUND - 128, GROUND - 42
    bed = curve(
        (-220, heel_top - 6),
        (-150, heel_top + 4),
        (-40, heel_top + 52),
        (60, ball),
        (150, ball + 2),
        (246, ball - 8),
    )
    far = curve((-150, heel_top - 10), (-110, heel_top - 120), (-60, heel_top - 140))
    canvas.stroke(far, 14, fabric.colour.darker(0.5))
    wedge = path(
        bed,
        curve((246, ball - 8), (256, ball + 18), (236, GROUND - 6), (200, GROUND)),
        curve((200, GROUND), (0, GROUND), (-196, GROUND)),
        curve((-196, GROUND), (-222, GROUND - 60), (-224, heel_top)),
    )
    region = canvas.piece(wedge, Fabric(STRAW, Rgb(0.80, 0.67, 0.47)), drape=Drape(degrees=-4))
    for share in (0.3, 0.62):
        line = bed * (1.0, 1 - share) + (0.0, share * GROUND)
        canvas.stroke(line, 3, Rgb(0.45, 0.34, 0.2), 0.35, within=region)
    canvas.piece(
        points((-230, GROUND - 8), (262, GROUND - 8), (262, GROUND + 2), (-230, GROUND + 2)),
        Fabric(RUBBER, GUM.darker(0.2)),
        within=region,
    )
    canvas.piece(band(moved(bed, y=-2), 9), fabric.of(INSOLE))
    vamp = path(
        curve((66, ball + 12), (84, ball - 54), (128, ball - 88), (160, ball - 84)),
        curve((160, ball - 84), (206, ball - 66), (232, ball - 30), (226, ball + 4)),
        points((150, ball + 16)),
    )
    canvas.piece(vamp, fabric, drape=Drape(degrees=10), lift=2)
    counter = path(
        curve((-222, heel_top + 8), (-236, heel_top - 40), (-220, heel_top - 92)),
        curve((-204, heel_top - 96), (-150, heel_top - 50), (-110, heel_top + 24)),
    )
    canvas.piece(counter, fabric, lift=1.4)
    near = curve(
        (-222, heel_top - 96), (-150, heel_top - 74), (-90, heel_top - 92), (-56, heel_top - 142)
    )
    canvas.piece(band(near, -16), fabric, lift=2)
    draw_buckle(canvas, -118, heel_top - 74, 24, 26, GOLD, fabric)
