"""Blazers and coats."""

from __future__ import annotations

from dataclasses import replace

from demo.canvas import Canvas
from demo.curves import (
    band,
    curve,
    ellipse,
    full_width,
    mirror,
    mirror_pair,
    moved,
    path,
    points,
    symmetric,
)
from demo.design import Design
from demo.fabric import RIB, SATIN, Drape, Fabric
from demo.garments import torso as body
from demo.garments import trims
from demo.palette import GOLD, Rgb


def draw_blazer(canvas: Canvas, design: Design) -> None:
    """Draw a blazer; the cut's `closure` is single- or double-breasted."""
    torso = body.torso_for(design, ease=4, longer=14)
    torso = replace(torso, hem_curve=-6, neck=torso.neck - 4)
    fabric = design.fabric
    double = design.cut["closure"] == "double-breasted"
    low = torso.waist[1] - (70 if double else 30)
    sleeve = body.long_sleeve(design, torso, 54)
    _draw_tailored(canvas, design, torso, sleeve, low)
    for line in mirror_pair(sleeve.across(0.955)):
        near, far = line
        for index in range(3):
            spot = far + (near - far) * 0.2 - (0.0, 4.0 + 12 * index)
            canvas.button(float(spot[0]), float(spot[1]), 3.6, fabric.colour.darker(0.4))
    y = torso.waist[1] + 44
    for side in (1.0, -1.0):
        flap = moved(points((-40, 0), (40, -3), (42, 27), (-38, 30)), side * 96, y)
        canvas.piece(flap, fabric, drape=torso.drape, lift=1.8)
    welt = points((52, torso.armpit[1] + 14), (104, torso.armpit[1] + 6))
    canvas.piece(band(welt, -14), fabric, drape=torso.drape, lift=1.2)
    columns = (30.0, -30.0) if double else (-6.0,)
    for x in columns:
        for index in range(2):
            canvas.button(x, low + 22 + 62 * index, 7.6, fabric.colour.darker(0.5))


def _draw_tailored(
    canvas: Canvas,
    design: Design,
    torso: body.Torso,
    sleeve: body.Sleeve,
    low: float,
    *,
    wide: float = 1.0,
) -> None:
    """Draw the body, sleeves, collar and lapels of a tailored garment.

    The fronts meet at height `low`; `wide` scales the width of the lapels.
    """
    fabric, n, top = design.fabric, torso.neck, torso.top
    neckline = curve((-8, low + 8), (0.42 * n, 0.5 * (top + low)), (0.9 * n, top + 34), (n, top))
    opening = path(curve((0, top + 20), (0.6 * n, top + 14), (n, top)), points((0, low + 30)))
    canvas.piece(symmetric(opening), fabric.of(fabric.colour.darker(0.35), SATIN), tone=-0.2)
    body.draw_sleeves(canvas, design, sleeve, folds=4)
    creases = body.body_folds(design, torso, 0.6)
    right = torso.front_panel(neckline, past_middle=8)
    canvas.piece(right, fabric, drape=torso.drape, folds=creases, lift=1.6)
    left = mirror(torso.front_panel(neckline, past_middle=10))
    canvas.piece(left, fabric, drape=torso.drape, folds=creases, lift=3)
    notch = top + 0.32 * (low - top)
    reach = n + 62 * wide
    lapel = path(
        curve(
            (-6, low + 6), (0.44 * n, 0.5 * (top + low)), (0.92 * n, top + 30), (n + 8, top + 14)
        ),
        points((n + 36, notch - 34), (reach - 16, notch - 20), (reach, notch - 12)),
        curve((reach, notch - 12), (0.56 * reach, 0.5 * notch + 0.5 * low), (-6, low + 6)),
    )
    collar = path(
        curve((n - 8, top - 12), (0.93 * n, top + 26), (0.80 * n, top + 62)),
        points((n + 30, notch - 20), (n + 54 * wide, notch - 36)),
        curve((n + 54 * wide, notch - 36), (n + 30, top + 22), (n + 2, top - 14)),
    )
    for side in (1.0, -1.0):
        flip = (side, 1.0)
        canvas.piece(lapel * flip, fabric, drape=Drape(degrees=-14 * side), lift=2.6)
        canvas.piece(collar * flip, fabric, drape=Drape(degrees=30 * side), lift=2.2)
    crest = curve((0, top + 6), (0.6 * n, top), (n + 2, top - 14))
    roll = path(full_width(crest), full_width(moved(crest, y=16))[::-1])
    canvas.piece(roll, fabric, tone=-0.06, lift=1.5)


def draw_coat(canvas: Canvas, design: Design) -> None:
    """Draw a long coat; the cut's `style` is its kind."""
    style = design.cut["style"]
    base = body.torso_for(design)
    bottom = 744.0
    torso = replace(
        base,
        neck=46,
        top=66,
        drop=44,
        shoulder=(base.shoulder[0] * 0.78, 94),
        armpit=(base.armpit[0] * 0.79, 196),
        waist=(base.waist[0] * (0.74 if design.for_women else 0.80), 330),
        hem=(base.hem[0] * (1.06 if design.for_women else 0.90), bottom),
        hem_curve=6,
    )
    fabric = design.fabric
    reach = 440.0
    sleeve = torso.sleeve(reach, 77.5, 50, fullness=3)
    if style == "parka":
        _draw_parka(canvas, design, torso, sleeve)
        return
    double = style in ("trench coat", "pea coat")
    low = torso.armpit[1] + (28 if double else 96)
    _draw_tailored(canvas, design, torso, sleeve, low, wide=0.72)
    horn = Rgb(0.28, 0.20, 0.15) if fabric.colour.lightness > 0.3 else fabric.colour.lighter(0.18)
    rows = 4 if double else 3
    for x in (38.0, -38.0) if double else (-5.0,):
        for index in range(rows):
            canvas.button(x, low + 26 + index * 66, 8.0, horn)
    y = torso.waist[1] + 80
    trims.draw_flap_line(canvas, fabric, points((88, y), (104, y + 84)))
    if style == "trench coat":
        belt = body.across_body(torso, torso.waist[1] + 22)
        canvas.piece(band(belt, -30), fabric, drape=torso.drape, lift=2)
        trims.draw_buckle(canvas, 0, torso.waist[1] + 37, 42, 38, GOLD.darker(0.3), fabric)
        tail = curve(
            (18, torso.waist[1] + 36), (44, torso.waist[1] + 80), (40, torso.waist[1] + 150)
        )
        canvas.piece(band(tail, 24), fabric, lift=2.4)
        for line in mirror_pair(points((torso.shoulder[0] - 46, 84), (torso.shoulder[0] - 6, 98))):
            canvas.piece(band(line, 14 if line[0][0] < 0 else -14), fabric, lift=1.6)


def _draw_parka(canvas: Canvas, design: Design, torso: body.Torso, sleeve: body.Sleeve) -> None:
    fabric = design.fabric
    fur = Fabric(RIB, Rgb(0.72, 0.62, 0.50)).of(Rgb(0.72, 0.62, 0.50))
    torso = replace(torso, top=116, shoulder=(torso.shoulder[0], 140), hem=(150, 700))
    sleeve = torso.sleeve(410, 77, 54, fullness=4)
    body.draw_sleeves(canvas, design, sleeve, folds=5)
    hood = ellipse((0, 96), 88, 66)
    canvas.piece(hood, fabric, lift=2)
    neckline = torso.neckline("crew neck")
    creases = body.body_folds(design, torso)
    canvas.piece(torso.front(neckline), fabric, drape=torso.drape, folds=creases, lift=1.6)
    rng = design.random("fur")
    ring = ellipse((0, 104), 80, 60)
    canvas.piece(ellipse((0, 106), 70, 50), fabric.plain(), tone=-0.36)
    for spot in ring[::2]:
        x, y = float(spot[0]), float(spot[1])
        tuft = ellipse((x, y), rng.uniform(13, 17), rng.uniform(12, 16))
        canvas.piece(tuft, fur, tone=rng.uniform(-0.10, 0.08))
    waist = body.across_body(torso, torso.waist[1] + 10)
    canvas.stitches(waist, fabric.colour.darker(0.4), width=2)
    bottom = torso.hem[1] + torso.hem_curve
    trims.draw_button_front(canvas, fabric, 168, bottom, 6, drape=torso.drape, width=44, radius=7)
    for side in (1.0, -1.0):
        trims.draw_patch_pocket(
            canvas,
            fabric,
            side * 0.6 * torso.waist[0],
            torso.waist[1] + 74,
            78,
            92,
            drape=torso.drape,
            flap=True,
        )
