"""Sweaters, cardigans and hoodies."""

from __future__ import annotations

from dataclasses import replace

from demo.canvas import Canvas, Fold
from demo.curves import (
    band,
    curve,
    full_width,
    mirror_pair,
    moved,
    offset,
    path,
    points,
    symmetric,
)
from demo.design import Design
from demo.fabric import RIB, Drape
from demo.garments import torso as body
from demo.garments import trims


def draw_sweater(canvas: Canvas, design: Design) -> None:
    """Draw a pullover; the cut has `neck` and `fit`."""
    torso = body.torso_for(design, ease=18 if design.cut["fit"] == "relaxed" else 4, longer=-10)
    torso = replace(torso, hem=(torso.hem[0] - 8, torso.hem[1]))
    fabric, neck = design.fabric, design.cut["neck"]
    high = neck in ("turtleneck", "mock neck")
    if high:
        torso = replace(torso, drop=34, neck=torso.neck - 8)
    sleeve = body.long_sleeve(design, torso, cuff=62, fullness=4)
    neckline = torso.neckline("V-neck" if neck == "V-neck" else "crew neck")
    trim = fabric.plain(RIB)

    if not high:
        trims.draw_inside(canvas, torso, neckline, fabric)
    body.draw_sleeves(canvas, design, sleeve, folds=4)
    trims.draw_rib_cuffs(canvas, sleeve, trim, 0.90)
    body.draw_front(canvas, design, torso, neckline, folds=0.9, lift=1.5)
    trims.draw_rib_hem(canvas, torso, trim, 44)
    if high:
        _draw_turtleneck(canvas, design, torso, rolled=neck == "turtleneck")
    else:
        trims.draw_neck_band(canvas, neckline, trim, 19)


def _draw_turtleneck(canvas: Canvas, design: Design, torso: body.Torso, *, rolled: bool) -> None:
    n, y, drop = torso.neck, torso.top, torso.drop
    rib = design.fabric.plain(RIB)
    tall = 66 if rolled else 38
    crest = curve((0, y - tall + 4), (0.6 * n, y - tall), (n - 4, y - tall - 4))
    tube = path(
        crest,
        curve((n - 4, y - tall - 4), (n + 2, y - 0.5 * tall), (n + 4, y + 8)),
        curve((n + 4, y + 8), (0.6 * n, y + drop + 2), (0, y + drop + 8)),
    )
    canvas.piece(symmetric(tube), rib, lift=2.4)
    mouth = path(full_width(crest), full_width(moved(crest, y=9))[::-1])
    canvas.piece(mouth, rib, tone=-0.28)
    if rolled:
        roll = path(
            moved(crest, y=3),
            curve((n, y - tall), (n + 7, y - 0.5 * tall), (n + 8, y - 8)),
            curve((n + 8, y - 8), (0.6 * n, y + 16), (0, y + 22)),
        )
        canvas.piece(symmetric(roll), rib, lift=3)


def draw_cardigan(canvas: Canvas, design: Design) -> None:
    """Draw a cardigan; the cut has `neck` and `length`."""
    long = design.cut["length"] == "long cut"
    torso = body.torso_for(design, ease=8, longer=46 if long else -16)
    torso = replace(torso, drop=62 if design.cut["neck"] == "V-neck" else 50)
    fabric = design.fabric
    rib = fabric.plain(RIB)
    sleeve = body.long_sleeve(design, torso, cuff=60, fullness=3)
    neckline = torso.neckline("deep V-neck" if design.cut["neck"] == "V-neck" else "crew neck")

    trims.draw_inside(canvas, torso, neckline, fabric)
    body.draw_sleeves(canvas, design, sleeve, folds=4)
    trims.draw_rib_cuffs(canvas, sleeve, rib, 0.91)
    front = body.draw_front(canvas, design, torso, neckline, folds=0.9, lift=1.5)
    trims.draw_rib_hem(canvas, torso, rib, 40)
    if long:
        y = torso.waist[1] + 70
        for side in (1.0, -1.0):
            trims.draw_patch_pocket(canvas, fabric, side * 88, y, 96, 108, drape=torso.drape)
    bottom = torso.hem[1] + torso.hem_curve
    trims.draw_button_front(
        canvas,
        rib,
        float(neckline[0][1]) - 12,
        bottom,
        5 if not long else 6,
        drape=Drape(degrees=90),
        width=34,
        radius=7.5,
        colour=design.trims[0] if design.cut["buttons"] == "contrast" else None,
        within=front,
    )
    canvas.mirrored_piece(band(neckline, -20), rib, lift=1.5)


def draw_hoodie(canvas: Canvas, design: Design) -> None:
    """Draw a hooded sweatshirt; the cut's `front` is "zip" or "pullover"."""
    torso = body.torso_for(design, ease=16, longer=-6)
    torso = replace(torso, top=torso.top + 34, shoulder=(torso.shoulder[0], 190), drop=66)
    fabric = design.fabric
    rib = fabric.plain(RIB)
    sleeve = body.long_sleeve(design, torso, cuff=60, fullness=5)
    neckline = torso.neckline("crew neck")

    body.draw_sleeves(canvas, design, sleeve, folds=5)
    trims.draw_rib_cuffs(canvas, sleeve, rib, 0.91)
    _draw_hood_back(canvas, design, torso)
    front = body.draw_front(canvas, design, torso, neckline, lift=1.5)
    trims.draw_rib_hem(canvas, torso, rib, 46)
    y = torso.hem[1] - 62
    pocket = symmetric(
        path(
            points((0, y - 128), (72, y - 128)),
            curve((72, y - 128), (92, y - 74), (124, y - 44)),
            points((124, y - 44), (124, y), (0, y + 4)),
        )
    )
    canvas.piece(pocket, fabric, drape=torso.drape, lift=2, within=front)
    for line in mirror_pair(curve((72, y - 128), (92, y - 74), (124, y - 44))):
        canvas.stitches(moved(line, y=7), fabric.colour.darker(0.4), width=1.3, opacity=0.6)
    if design.cut["front"] == "zip":
        trims.draw_zip(canvas, fabric, torso.top + torso.drop + 20, torso.hem[1] + torso.hem_curve)
    _draw_hood_front(canvas, design, torso)
    cord = design.trims[0] if fabric.colour.lightness < 0.5 else fabric.colour.darker(0.3)
    trims.draw_drawstrings(canvas, cord, 30, torso.top + torso.drop + 6, 118)


def _draw_hood_back(canvas: Canvas, design: Design, torso: body.Torso) -> None:
    n, y, fabric = torso.neck, torso.top, design.fabric
    crown = path(
        curve((0, y - 92), (0.8 * n, y - 84), (n + 34, y - 34), (n + 34, y + 24), (n + 14, y + 44)),
        curve((n + 14, y + 44), (0.5 * n, y + 90), (0, y + 96)),
    )
    folds = [Fold(curve((-n, y - 40), (0, y - 66), (n, y - 40)), 26, 0.7)]
    canvas.piece(symmetric(crown), fabric, drape=torso.drape, folds=folds, lift=2)
    opening = path(
        curve((0, y - 56), (0.62 * n, y - 48), (n + 2, y - 8), (n - 4, y + 34)),
        curve((n - 4, y + 34), (0.5 * n, y + 78), (0, y + 88)),
    )
    lining = fabric.plain()
    canvas.piece(symmetric(opening), lining, tone=-0.34)
    canvas.seam(points((0, y - 54), (0, y + 30)), lining, strength=0.6)


def _draw_hood_front(canvas: Canvas, design: Design, torso: body.Torso) -> None:
    n, y, fabric = torso.neck, torso.top, design.fabric
    rim = curve((0, y - 58), (0.66 * n, y - 50), (n + 6, y - 6), (n - 2, y + 34), (6, y + 88))
    flank = path(
        rim,
        curve((6, y + 88), (14, y + 104), (22, y + 100)),
        curve((22, y + 100), (n + 20, y + 66), (n + 44, y + 18), (n + 36, y - 36), (n, y - 76)),
        points((0, y - 92)),
    )
    folds = [Fold(curve((n + 30, y - 20), (n + 22, y + 30), (30, y + 90)), 22, 0.8)]
    canvas.mirrored_piece(flank, fabric, drape=Drape(0, y, -14), folds=folds, lift=2.5)
    for line in mirror_pair(offset(rim, -11)):
        canvas.stitches(line, fabric.colour.darker(0.4), dash=4.5, width=1.3, opacity=0.55)
    for line in mirror_pair(rim):
        canvas.stroke(line, 2.0, fabric.colour.darker(0.7), 0.35)
