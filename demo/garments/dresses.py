"""Dresses."""

from __future__ import annotations

from dataclasses import replace

from demo.canvas import Canvas
from demo.curves import (
    Points,
    band,
    curve,
    full_width,
    mirror,
    mirror_pair,
    moved,
    path,
    points,
    ribbon,
    symmetric,
)
from demo.design import Design
from demo.fabric import Drape
from demo.garments import torso as body
from demo.garments import trims
from demo.garments.blouses import draw_bow, draw_wrap_edge
from demo.garments.skirts import SkirtShape, draw_skirt_part
from demo.palette import GOLD, LEATHER_TAN


def draw_dress(canvas: Canvas, design: Design) -> None:
    """Draw a dress; the cut has `style`, `neck` and `sleeves`."""
    style = design.cut["style"]
    rng = design.random("dress")
    waist_y = 318.0 if style != "shift dress" else 330.0
    torso = body.Torso(
        neck=50 + rng.uniform(-3, 4),
        top=64,
        shoulder=(102, 92),
        armpit=(116, 190),
        waist=(98, 270),
        hem=(92, waist_y),
        drop=44,
        hem_curve=6,
    )
    fabric = design.fabric
    neck = design.cut["neck"]
    if style == "wrap dress":
        neck = "deep V-neck"
        torso = replace(torso, drop=36)
    if design.cut["sleeves"] == "spaghetti straps":
        _draw_slip_bodice(canvas, design, torso, style)
        return
    if design.cut["sleeves"] == "sleeveless":
        torso = replace(torso, shoulder=(86, 82), armpit=(116, 184))
    neckline = torso.neckline(neck)
    trims.draw_inside(canvas, torso, neckline, fabric)
    _draw_dress_sleeves(canvas, design, torso)
    shape = _skirt_of(style, torso, rng.uniform(-14, 14))
    if style == "shift dress":
        _draw_shift(canvas, design, torso, neckline)
        return
    draw_skirt_part(canvas, design, shape)
    folds = body.body_folds(design, torso, 0.5)[:8]
    canvas.piece(torso.front(neckline), fabric, drape=torso.drape, folds=folds, lift=1.4)
    _finish_bodice(canvas, design, torso, neckline, shape)


def _skirt_of(style: str, torso: body.Torso, change: float) -> SkirtShape:
    top, waist = torso.hem[1] - 2, torso.hem[0]
    match style:
        case "sheath dress":
            return SkirtShape(top, waist, 124, 106, 672 + change, sag=8)
        case "skater dress":
            return SkirtShape(top, waist, 138, 214, 600 + change, waves=5, sag=30)
        case "maxi dress":
            return SkirtShape(top, waist, 128, 186, 752, waves=4, sag=18)
        case "wrap dress" | "shirt dress":
            return SkirtShape(top, waist, 126, 164, 664 + change, sag=16)
        case _:
            return SkirtShape(top, waist, 130, 190, 656 + change, waves=3, sag=22)


def _draw_dress_sleeves(canvas: Canvas, design: Design, torso: body.Torso) -> None:
    fabric = design.fabric
    match design.cut["sleeves"]:
        case "short sleeves":
            sleeve = torso.sleeve(84, 55, 64)
        case "long sleeves":
            sleeve = torso.sleeve(318, 77, 40, fullness=2)
        case "puff sleeves":
            sleeve = torso.sleeve(100, 58, 48, fullness=17)
        case "flutter sleeves":
            sleeve = torso.sleeve(78, 46, 96, fullness=4)
        case _:
            return
    rng = design.random("sleeves")
    if design.cut["sleeves"] in ("puff sleeves", "flutter sleeves"):
        folds = body.gathers(rng, sleeve.across(0.02), sleeve.across(0.98), 4, width=14)
    else:
        folds = body.sleeve_folds(design, sleeve, 3)
    canvas.mirrored_piece(sleeve.outline, fabric, drape=sleeve.drape, folds=folds)
    if design.cut["sleeves"] == "puff sleeves":
        canvas.mirrored_piece(sleeve.end(0.86), fabric.plain(), drape=sleeve.drape, lift=1.4)
    else:
        trims.draw_cuff_stitches(canvas, sleeve, fabric, 0.92)


def _draw_shift(canvas: Canvas, design: Design, torso: body.Torso, neckline: Points) -> None:
    hem = (146.0 + design.random("shift").uniform(-8, 18), 640.0)
    straight = replace(torso, waist=(118, 370), hem=hem, hem_curve=12)
    canvas.piece(
        straight.front(neckline),
        design.fabric,
        drape=replace(straight.drape, sag=3.0),
        folds=body.body_folds(design, straight, 0.7),
        lift=1.4,
    )
    canvas.piece(band(full_width(neckline), -9), design.fabric.plain(), lift=1.2)
    trims.draw_hem(canvas, full_width(straight.hem_line[::-1]), design.fabric, 10)


def _finish_bodice(
    canvas: Canvas, design: Design, torso: body.Torso, neckline: Points, shape: SkirtShape
) -> None:
    fabric, style = design.fabric, design.cut["style"]
    waist = moved(shape.waist_line, y=-8)
    if style == "wrap dress":
        edge = curve(
            (60, shape.top + 4), (34, shape.top + 170), (-10, shape.bottom + shape.sag - 4)
        )
        canvas.stroke(moved(edge, 4, 2), 9, fabric.colour.darker(0.8), 0.16)
        canvas.seam(edge, fabric, strength=0.8)
        draw_wrap_edge(canvas, design, torso, neckline, waist=torso.hem[1] - 6)
        return
    if style == "shirt dress":
        bottom = shape.bottom + shape.sag
        top = torso.top + torso.drop
        trims.draw_button_front(
            canvas, fabric, top, bottom, 9, drape=torso.drape, width=24, radius=4.6
        )
        trims.draw_collar(canvas, fabric, torso, spread=40, fall=64)
    elif design.cut["neck"] != "square neck":
        canvas.piece(band(full_width(neckline), -7), fabric.plain(), lift=1.0)
    else:
        canvas.seam(moved(neckline, y=7), fabric, strength=0.3)
        canvas.seam(mirror(moved(neckline, y=7)), fabric, strength=0.3)
    match design.cut.get("waist", "seam"):
        case "belt":
            leather = fabric.of(LEATHER_TAN if fabric.colour.lightness > 0.35 else GOLD.darker(0.4))
            canvas.piece(band(waist, -18), leather, lift=2)
            y = float(waist[len(waist) // 2][1])
            trims.draw_buckle(canvas, 0, y + 9, 30, 26, GOLD, leather)
        case "bow":
            canvas.piece(band(waist, -16), fabric.plain(), lift=1.6)
            draw_bow(canvas, design, 0, float(waist[len(waist) // 2][1]) + 8, 0.85)
        case _:
            canvas.seam(moved(waist, y=6), fabric, strength=0.6)


def _draw_slip_bodice(canvas: Canvas, design: Design, torso: body.Torso, style: str) -> None:
    """Draw the bodice of a dress with thin straps."""
    fabric, rng = design.fabric, design.random("slip")
    for line in mirror_pair(curve((60, 128), (64, 90), (54, 60), (42, 68), (40, 110), (44, 150))):
        canvas.piece(ribbon(line, 6.5), fabric.plain(), lift=2)
    back = path(full_width(curve((0, 140), (60, 146), (112, 184))), points((0, 230)))
    canvas.piece(back, fabric.plain(), tone=-0.3)
    shape = _skirt_of(style if style != "shift dress" else "maxi dress", torso, 0)
    draw_skirt_part(canvas, design, shape)
    dip = rng.uniform(20, 40)
    edge = path(
        curve((0, 136 + dip), (28, 146 + 0.4 * dip), (54, 124), (66, 122)),
        curve((66, 122), (84, 152), (112, 186)),
    )
    side = curve((112, 186), (98, 262), torso.hem)
    bodice = symmetric(path(edge, side, torso.hem_line))
    folds = body.gathers(
        rng, points((-70, 160), (70, 160)), points((-90, 316), (90, 316)), 6, width=16
    )
    canvas.piece(bodice, fabric, drape=Drape(0, 120), folds=folds, lift=1.4)
    canvas.piece(band(full_width(edge), -7), fabric.plain(), lift=1)
    waist = moved(shape.waist_line, y=-6)
    canvas.piece(band(waist, -13), fabric.plain(), lift=1.4)
