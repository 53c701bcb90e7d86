"""Denim, bomber, varsity, puffer and biker jackets."""

from __future__ import annotations

from dataclasses import replace

from demo.canvas import Canvas, Fold
from demo.curves import (
    Points,
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
from demo.fabric import METAL, PUFFER, RIB, SATIN, Drape, Fabric
from demo.garments import torso as body
from demo.garments import trims
from demo.palette import GOLD, SILVER, THREAD_GOLD, Rgb


def draw_jacket(canvas: Canvas, design: Design) -> None:
    """Draw a short jacket; the cut's `style` is its kind."""
    match design.cut["style"]:
        case "denim jacket":
            _draw_denim_jacket(canvas, design)
        case "puffer jacket":
            _draw_puffer(canvas, design)
        case "biker jacket":
            _draw_biker(canvas, design)
        case _:
            _draw_bomber(canvas, design)


def _draw_shell(
    canvas: Canvas, design: Design, torso: body.Torso, neckline: Points, cuff: float
) -> body.Sleeve:
    """Draw the parts that all jackets have: lining, sleeves and body."""
    fabric = design.fabric
    sleeve = body.long_sleeve(design, torso, cuff, fullness=3)
    trims.draw_inside(canvas, torso, neckline, fabric.of(fabric.colour.darker(0.4), SATIN))
    body.draw_sleeves(canvas, design, sleeve, folds=5)
    body.draw_front(canvas, design, torso, neckline, folds=0.8, lift=1.6)
    return sleeve


def _draw_denim_jacket(canvas: Canvas, design: Design) -> None:
    torso = body.torso_for(design, ease=8, longer=-46)
    torso = replace(torso, hem=(torso.hem[0] - 12, torso.hem[1]), hem_curve=4)
    fabric, thread = design.fabric, THREAD_GOLD
    neckline = torso.neckline("crew neck")
    sleeve = _draw_shell(canvas, design, torso, neckline, 58)
    canvas.mirrored_piece(sleeve.end(0.92), fabric, drape=sleeve.drape, lift=1.5)
    bottom = torso.hem[1] + 2
    yoke_y = torso.armpit[1] - 34
    for line in mirror_pair(points((14, yoke_y), (torso.armpit[0] - 22, yoke_y))):
        canvas.seam(line, fabric)
        canvas.stitches(moved(line, y=5), thread)
    for inner, outer in ((44, 30), (112, 92)):
        for line in mirror_pair(points((inner, yoke_y + 6), (outer, bottom - 40))):
            canvas.seam(line, fabric, strength=0.7)
            canvas.stitches(moved(line, x=5), thread)
    for side in (1.0, -1.0):
        trims.draw_patch_pocket(
            canvas,
            fabric,
            side * 82,
            yoke_y + 8,
            72,
            74,
            drape=torso.drape,
            flap=True,
            thread=thread,
        )
    hem = full_width(torso.hem_line[::-1])
    canvas.piece(path(moved(hem, y=-40), hem[::-1]), fabric, drape=torso.drape, lift=1.6)
    for above in (35, 6):
        canvas.stitches(moved(hem, y=-above), thread)
    _front_strip(canvas, fabric, torso, bottom, thread=thread)
    for index in range(6):
        y = torso.top + torso.drop + 24 + index * (bottom - torso.top - torso.drop - 44) / 5
        _rivet(canvas, 0, y, 6.0, GOLD.darker(0.15))
    trims.draw_collar(canvas, fabric, torso, spread=66, fall=92)


def _front_strip(
    canvas: Canvas, fabric: Fabric, torso: body.Torso, bottom: float, *, thread: Rgb
) -> None:
    top = torso.top + torso.drop
    strip = points((-16, top), (16, top), (16, bottom), (-16, bottom))
    canvas.piece(strip, fabric, drape=torso.drape, lift=1.6)
    for x in (-12, 12):
        canvas.stitches(points((x, top), (x, bottom)), thread)


def _rivet(canvas: Canvas, x: float, y: float, radius: float, colour: Rgb) -> None:
    canvas.piece(ellipse((x, y), radius), Fabric(METAL, colour), lift=1.4)


def _draw_bomber(canvas: Canvas, design: Design) -> None:
    torso = body.torso_for(design, ease=18, longer=-50)
    torso = replace(torso, hem=(torso.hem[0] - 16, torso.hem[1]))
    fabric = design.fabric
    striped = design.cut["style"] == "varsity jacket"
    rib = fabric.of(design.trims[0] if striped else fabric.colour.darker(0.25), RIB)
    neckline = torso.neckline("crew neck")
    sleeve = _draw_shell(canvas, design, torso, neckline, 66)
    if striped:
        arm = fabric.of(design.trims[0].mixed(Rgb(0.94, 0.91, 0.85), 0.5))
        body.draw_sleeves(canvas, design, sleeve, folds=5, fabric=arm)
        body.draw_front(canvas, design, torso, neckline, folds=0.8, lift=1.6)
    trims.draw_rib_cuffs(canvas, sleeve, rib, 0.91)
    trims.draw_rib_hem(canvas, torso, rib, 46)
    y = torso.waist[1] - 30
    trims.draw_flap_line(canvas, fabric, points((92, y), (122, y + 82)))
    bottom = torso.hem[1] + torso.hem_curve
    if striped:
        for index in range(6):
            step = (bottom - torso.top - 100) / 5.3
            _rivet(canvas, 0, torso.top + 84 + index * step, 7, SILVER)
        canvas.stroke(
            points((13, torso.top + 60), (13, bottom)), 1.6, fabric.colour.darker(0.7), 0.5
        )
    else:
        trims.draw_zip(canvas, fabric, torso.top + torso.drop, bottom)
    trims.draw_neck_band(canvas, neckline, rib, 25, lift=2.4)


def _draw_puffer(canvas: Canvas, design: Design) -> None:
    torso = body.torso_for(design, ease=26, longer=-34)
    fabric = design.fabric.made_of(PUFFER)
    neckline = torso.neckline("crew neck")
    sleeve = body.long_sleeve(design, torso, 74, fullness=10)
    trims.draw_inside(canvas, torso, neckline, fabric)
    canvas.mirrored_piece(sleeve.outline, fabric, drape=sleeve.drape, tone=-0.15)
    for index in range(8):
        near, far = index / 8, (index + 1) / 8 + 0.012
        upper, lower = sleeve.across(near), sleeve.across(min(far, 1.0))
        (ox, oy), (ix, iy) = upper
        (px, py), (qx, qy) = lower
        puff = path(
            curve((ix - 8 if index == 0 else ix, iy), (0.5 * (ox + ix), 0.5 * (oy + iy)), (ox, oy)),
            curve((ox, oy), (0.5 * (ox + px) + 7, 0.5 * (oy + py)), (px, py)),
            curve((qx, qy), (0.5 * (ix + qx) - 5, 0.5 * (iy + qy)), (ix, iy)),
        )
        canvas.mirrored_piece(puff, fabric, drape=sleeve.drape)
    outline = canvas.region(torso.front(neckline))
    rows = 9
    top, bottom = torso.top, torso.hem[1] + torso.hem_curve
    rng = design.random("quilting")
    for index in range(rows):
        high = top + (bottom - top) * index / rows
        low = top + (bottom - top) * (index + 1) / rows + 2
        wide = float(body.across_body(torso, 0.5 * (high + low))[1][0]) + 9
        row = symmetric(
            path(
                curve((0, high + 3), (0.5 * wide, high), (wide - 8, high - 3)),
                curve((wide - 8, high - 3), (wide, 0.5 * (high + low)), (wide - 8, low - 3)),
                curve((wide - 8, low - 3), (0.5 * wide, low), (0, low + 3)),
            )
        )
        puckers = [
            Fold(points((x, high + 2), (x + rng.uniform(-6, 6), high + 26)), 11, -0.7)
            for x in (rng.uniform(-wide, wide) for _ in range(9))
        ]
        inside = outline if high < torso.armpit[1] + 10 else None
        canvas.piece(row, fabric, drape=torso.drape, folds=puckers, within=inside)
    trims.draw_zip(canvas, fabric, top + torso.drop - 34, bottom)
    n = torso.neck
    stand = path(
        curve((0, top - 22), (0.7 * n, top - 30), (n + 4, top - 36)),
        curve((n + 4, top - 36), (n + 18, top - 4), (n + 8, top + 22)),
        curve((n + 8, top + 22), (0.6 * n, top + 52), (0, top + 60)),
    )
    canvas.piece(
        symmetric(path(curve((0, top - 40), (n, top - 40)), curve((n, top), (0, top + 26)))),
        fabric,
        tone=-0.3,
    )
    canvas.mirrored_piece(path(stand, points((0, top - 22))), fabric, lift=2.5)


def _draw_biker(canvas: Canvas, design: Design) -> None:
    torso = body.torso_for(design, ease=6, longer=-70)
    torso = replace(torso, hem_curve=2)
    fabric = design.fabric
    neckline = torso.neckline("deep V-neck")
    sleeve = _draw_shell(canvas, design, torso, neckline, 54)
    for line in mirror_pair(sleeve.across(0.90)):
        canvas.seam(line, fabric)
    bottom = torso.hem[1]
    for side in (1.0, -1.0):
        pocket = points((side * 76, bottom - 150), (side * 118, bottom - 60))
        canvas.stroke(pocket, 8, fabric.colour.darker(0.5))
        canvas.stitches(pocket, SILVER, dash=2.4, gap=2.2, width=4.5)
    belt = body.across_body(torso, bottom - 22)
    canvas.piece(band(belt, -30), fabric, lift=2)
    lapel = path(
        curve((-torso.neck + 4, torso.top - 6), (-60, torso.top + 60), (-26, torso.top + 190)),
        points((-124, torso.top + 96), (-100, torso.top + 66), (-122, torso.top + 52)),
        points((-torso.neck - 14, torso.top + 8)),
    )
    zip_line = curve((38, torso.top + 186), (24, bottom - 120), (14, bottom + 2))
    canvas.stroke(zip_line, 9, fabric.colour.darker(0.55))
    canvas.stitches(zip_line, SILVER, dash=2.6, gap=2.2, width=5)
    canvas.mirrored_piece(mirror(lapel), fabric, drape=Drape(degrees=20), lift=3)
    for line in mirror_pair(mirror(lapel[:30])):
        canvas.stroke(line, 1.4, fabric.colour.lighter(0.3), 0.3)
    trims.draw_buckle(canvas, -3, bottom - 9, 36, 34, SILVER, fabric)
    for x, y in ((-104, torso.top + 92), (104, torso.top + 92), (-102, torso.top + 54)):
        _rivet(canvas, x, y, 4.2, SILVER)
