"""T-shirts, polo shirts and button-through shirts."""

from __future__ import annotations

from dataclasses import replace

from demo.canvas import Canvas
from demo.curves import curve, full_width, mirror_pair, moved, path, symmetric
from demo.design import Design
from demo.fabric import RIB, Drape
from demo.garments import torso as body
from demo.garments import trims

_EASE = {"slim": -8.0, "regular": 0.0, "relaxed": 15.0}


def draw_t_shirt(canvas: Canvas, design: Design) -> None:
    """Draw a T-shirt; the cut has `neck`, `sleeves`, `fit` and `detail`."""
    torso = body.torso_for(design, ease=_EASE[design.cut["fit"]])
    fabric, neck, detail = design.fabric, design.cut["neck"], design.cut["detail"]
    short = design.cut["sleeves"] == "short sleeves"
    sleeve = body.short_sleeve(design, torso) if short else body.long_sleeve(design, torso, cuff=60)
    trim = fabric.of(design.trims[0]) if detail == "contrast trim" else fabric.plain()
    neckline = torso.neckline(neck)

    trims.draw_inside(canvas, torso, neckline, fabric)
    body.draw_sleeves(canvas, design, sleeve, folds=2 if short else 4)
    if detail == "contrast trim":
        trims.draw_rib_cuffs(canvas, sleeve, trim, 0.88 if short else 0.95)
    else:
        trims.draw_cuff_stitches(canvas, sleeve, fabric, 0.90 if short else 0.97)
    body.draw_front(canvas, design, torso, neckline, lift=1.2)
    trims.draw_hem(canvas, full_width(torso.hem_line[::-1]), fabric)
    if detail == "chest pocket":
        y = torso.armpit[1] - 24
        x = 0.43 * torso.armpit[0]
        trims.draw_patch_pocket(canvas, fabric, x, y, 68, 82, drape=torso.drape)
    if neck == "henley neck":
        trims.draw_placket(canvas, fabric.plain(), torso.top + torso.drop + 8, 92.0, 3)
    trims.draw_neck_band(canvas, neckline, trim, 9.0 if neck == "boat neck" else 14.0)


def draw_polo(canvas: Canvas, design: Design) -> None:
    """Draw a polo shirt; the cut has `collar`, `sleeves` and `fit`."""
    torso = body.torso_for(design, ease=_EASE[design.cut["fit"]])
    fabric = design.fabric
    short = design.cut["sleeves"] == "short sleeves"
    sleeve = body.short_sleeve(design, torso) if short else body.long_sleeve(design, torso, cuff=58)
    contrast = design.cut["collar"] == "contrast collar"
    trim = fabric.of(design.trims[0]) if contrast else fabric.plain()
    neckline = torso.neckline("crew neck")

    trims.draw_inside(canvas, torso, neckline, fabric)
    body.draw_sleeves(canvas, design, sleeve, folds=2 if short else 4)
    trims.draw_rib_cuffs(canvas, sleeve, trim, 0.87 if short else 0.94)
    body.draw_front(canvas, design, torso, neckline, folds=0.9, lift=1.2)
    trims.draw_hem(canvas, full_width(torso.hem_line[::-1]), fabric)
    trims.draw_placket(canvas, fabric.plain(), torso.top + torso.drop, 112.0, 3)
    trims.draw_collar(canvas, trim.made_of(RIB), torso, stitched=False)


def draw_shirt(canvas: Canvas, design: Design) -> None:
    """Draw a button-through shirt; the cut has `collar`, `sleeves`, `fit` and `pocket`."""
    torso = body.torso_for(design, ease=_EASE[design.cut["fit"]] + 2, longer=-14)
    torso = replace(torso, hem_curve=44.0, neck=torso.neck - 3)
    fabric = design.fabric
    short = design.cut["sleeves"] == "short sleeves"
    sleeve = body.short_sleeve(design, torso) if short else body.long_sleeve(design, torso, cuff=54)
    neckline = torso.neckline("crew neck")

    trims.draw_inside(canvas, torso, neckline, fabric)
    body.draw_sleeves(canvas, design, sleeve, folds=2 if short else 6)
    if short:
        trims.draw_cuff_stitches(canvas, sleeve, fabric, 0.86)
    else:
        cuff = replace(sleeve.drape, degrees=sleeve.degrees + 90)
        canvas.mirrored_piece(sleeve.end(0.89), fabric, drape=cuff, lift=1.6)
        for line in mirror_pair(sleeve.across(0.945)):
            middle = line.mean(axis=0)
            canvas.button(float(middle[0]), float(middle[1]), 4.6, trims.button_colour(fabric))
    front = body.draw_front(canvas, design, torso, neckline, lift=1.2)
    hem = full_width(torso.hem_line[::-1])
    trims.draw_hem(canvas, hem, fabric, height=9.0)
    _draw_yoke(canvas, design, torso)
    bottom = torso.hem[1] + torso.hem_curve
    trims.draw_button_front(
        canvas, fabric, torso.top + torso.drop, bottom, 6, drape=torso.drape, within=front
    )
    if design.cut["pocket"] != "no pocket":
        places = (1.0, -1.0) if design.cut["pocket"] == "two chest pockets" else (1.0,)
        for side in places:
            trims.draw_patch_pocket(
                canvas,
                fabric,
                side * 0.47 * torso.armpit[0],
                torso.armpit[1] - 26,
                66,
                82,
                drape=torso.drape,
                flap=design.cut["pocket"] == "two chest pockets",
            )
    if design.cut["collar"] == "band collar":
        _draw_band_collar(canvas, design, torso)
    else:
        button_down = design.cut["collar"] == "button-down collar"
        spread = 46.0 if button_down else 56.0
        trims.draw_collar(canvas, fabric, torso, spread=spread, fall=92)
        if button_down:
            for side in (1.0, -1.0):
                y = torso.top + 94
                canvas.button(side * (spread - 2), y, 3.6, trims.button_colour(fabric))


def _draw_yoke(canvas: Canvas, design: Design, torso: body.Torso) -> None:
    x, y = torso.shoulder
    for line in mirror_pair(curve((torso.neck + 8, torso.top + 26), (x - 8, y + 20))):
        canvas.seam(line, design.fabric, strength=0.4)


def _draw_band_collar(canvas: Canvas, design: Design, torso: body.Torso) -> None:
    n, y, drop = torso.neck, torso.top, torso.drop
    crest = curve((0, y - 10), (0.6 * n, y - 12), (n, y - 14))
    dip = curve((n, y - 10), (0.62 * n, y + 14), (0, y + 22))
    canvas.piece(symmetric(path(crest, dip)), design.fabric, tone=-0.2)
    lower = torso.neckline("crew neck")
    upper = moved(lower, y=-22)
    upper[:, 0] *= 0.96
    strip = path(moved(lower, y=2), curve((n + 2, y), (n, y - 16)), upper[::-1])
    canvas.mirrored_piece(strip, design.fabric, drape=Drape(degrees=30), lift=2.4)
    canvas.button(0, y + drop - 9, 4.6, trims.button_colour(design.fabric))
