"""Women's tops and blouses."""

from __future__ import annotations

from dataclasses import replace

from demo.canvas import Canvas, Fold
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


def draw_top(canvas: Canvas, design: Design) -> None:
    """Draw a blouse or top; the cut's `style` is its silhouette."""
    match design.cut["style"]:
        case "camisole":
            _draw_camisole(canvas, design)
        case "peplum top":
            _draw_peplum(canvas, design)
        case "puff-sleeve blouse":
            _draw_puff_blouse(canvas, design)
        case "off-shoulder top":
            _draw_off_shoulder(canvas, design)
        case style:
            _draw_wrap(canvas, design, style)


def _draw_camisole(canvas: Canvas, design: Design) -> None:
    fabric, rng = design.fabric, design.random("camisole")
    flare = rng.uniform(0, 26)
    torso = body.Torso(
        neck=78, top=196, armpit=(132, 274), waist=(126, 440), hem=(142 + flare, 640), hem_curve=14
    )
    strap = curve((80, 204), (84, 150), (72, 116), (58, 124), (56, 170), (60, 232))
    for line in mirror_pair(strap):
        canvas.piece(ribbon(line, 7), fabric.plain(), lift=2)
    back = path(full_width(curve((0, 226), (70, 230), (128, 268))), points((0, 330)))
    canvas.piece(back, fabric.plain(), tone=-0.3)
    dip = rng.uniform(40, 62)
    edge = path(
        curve((0, 204 + dip), (36, 226 + 0.3 * dip), (70, 200), (82, 199)),
        curve((82, 199), (98, 240), (132, 276)),
    )
    outline = symmetric(path(edge, torso.side, torso.hem_line))
    hang = body.gathers(
        rng, points((-90, 250), (90, 250)), points((-130, 640), (130, 640)), 7, depth=0.55
    )
    canvas.piece(outline, fabric, drape=Drape(0, 200, apex=900), folds=hang, lift=1)
    canvas.piece(band(full_width(edge), -8), fabric.plain(), lift=1.2)
    trims.draw_hem(canvas, full_width(torso.hem_line[::-1]), fabric, 8)
    if rng.random() < 0.5:
        for share in (0, 1, 2):
            canvas.button(0, 204 + dip + 34 + 40 * share, 4.4, trims.button_colour(fabric))


def _draw_peplum(canvas: Canvas, design: Design) -> None:
    fabric, rng = design.fabric, design.random("peplum")
    torso = replace(body.torso_for(design), waist=(118, 380), hem=(122, 452), hem_curve=8)
    neckline = torso.neckline(rng.choice(("scoop neck", "V-neck", "square neck")))
    trims.draw_inside(canvas, torso, neckline, fabric)
    sleeve = torso.sleeve(78, 50, 96, fullness=6)
    flutter = body.gathers(rng, sleeve.across(0.05), sleeve.across(0.98), 3, width=16)
    canvas.mirrored_piece(sleeve.outline, fabric, drape=sleeve.drape, folds=flutter)
    waist = curve((-122, 446), (0, 456), (122, 446))
    hem = body.wavy_hem(192, 636, 22, 5, 6)
    skirt = path(waist, points((150, 520)), hem, points((-150, 520)))
    pleats = body.gathers(rng, waist, hem[::-1], 9, width=26, full_length=True)
    canvas.piece(skirt, fabric, drape=Drape(0, 446, apex=330), folds=pleats, lift=1)
    body.draw_front(canvas, design, torso, neckline, folds=0.7, lift=2)
    canvas.piece(band(waist, 15), fabric.plain(), lift=1.5)
    canvas.piece(band(full_width(neckline), -8), fabric.plain(), lift=1.2)


def _draw_puff_blouse(canvas: Canvas, design: Design) -> None:
    fabric, rng = design.fabric, design.random("puff")
    torso = replace(body.torso_for(design, ease=4), drop=50, hem_curve=12)
    neckline = torso.neckline("square neck")
    long = rng.random() < 0.4
    sleeve = torso.sleeve(400 if long else 128, 75 if long else 56, 62, fullness=22)
    trims.draw_inside(canvas, torso, neckline, fabric, label=False)
    cap = body.gathers(rng, sleeve.across(0.02), sleeve.across(0.55), 4, width=15, depth=0.9)
    cuff = body.gathers(rng, sleeve.across(0.98), sleeve.across(0.55), 4, width=15, depth=0.9)
    canvas.mirrored_piece(sleeve.outline, fabric, drape=sleeve.drape, folds=cap + cuff)
    canvas.mirrored_piece(
        sleeve.end(0.95 if long else 0.86), fabric.plain(), drape=sleeve.drape, lift=1.5
    )
    folds = body.body_folds(design, torso, 0.6)
    yoke = body.across_body(torso, torso.armpit[1] + 26)
    hem = full_width(torso.hem_line[::-1])
    folds += body.gathers(rng, yoke, hem, 9, width=18, depth=0.6)
    front = canvas.piece(torso.front(neckline), fabric, drape=torso.drape, folds=folds, lift=1.5)
    canvas.seam(yoke, fabric, strength=0.4, within=front)
    canvas.piece(band(full_width(neckline), -10), fabric.plain(), lift=1.2)
    trims.draw_hem(canvas, hem, fabric, 9)


def _draw_off_shoulder(canvas: Canvas, design: Design) -> None:
    fabric, rng = design.fabric, design.random("off shoulder")
    hem_x = rng.uniform(150, 170)
    torso = body.Torso(armpit=(146, 270), waist=(132, 420), hem=(hem_x, 624), hem_curve=14)
    sleeve = curve((176, 196), (214, 250), (236, 372))
    inner = curve((166, 392), (158, 330), (146, 262))
    canvas.mirrored_piece(
        path(sleeve, inner, points((120, 220))), fabric, drape=Drape(176, 196, -20)
    )
    outline = symmetric(path(points((0, 210), (146, 214)), torso.side, torso.hem_line))
    canvas.piece(
        outline, fabric, drape=Drape(0, 200), folds=body.body_folds(design, torso, 0.8), lift=1
    )
    top = curve((-182, 190), (-90, 176), (0, 184), (90, 176), (182, 190))
    edge = body.wavy_hem(208, 296, 24, 8, 6)
    ruffle = path(top, curve((182, 190), (204, 240), (208, 294)), edge)
    ruffle = path(ruffle, curve((-208, 294), (-204, 240), (-182, 190)))
    waves = body.gathers(rng, top, edge[::-1], 15, width=20, full_length=True, depth=0.9)
    canvas.piece(ruffle, fabric, drape=Drape(0, 180, apex=700), folds=waves, lift=4)
    canvas.piece(band(top, -11), fabric.plain(), lift=1.2)
    trims.draw_hem(canvas, full_width(torso.hem_line[::-1]), fabric, 8)


def _draw_wrap(canvas: Canvas, design: Design, style: str) -> None:
    fabric = design.fabric
    torso = body.torso_for(design, longer=-24)
    neckline = torso.neckline("deep V-neck")
    sleeve = body.short_sleeve(design, torso)
    if style == "wrap blouse":
        sleeve = torso.sleeve(300, 73, 84, fullness=6)
    trims.draw_inside(canvas, torso, neckline, fabric)
    body.draw_sleeves(canvas, design, sleeve, folds=3)
    trims.draw_cuff_stitches(canvas, sleeve, fabric, 0.93)
    body.draw_front(canvas, design, torso, neckline, folds=0.7, lift=1.2)
    draw_wrap_edge(canvas, design, torso, neckline, waist=torso.waist[1] + 14)
    trims.draw_hem(canvas, full_width(torso.hem_line[::-1]), fabric, 9)


def draw_wrap_edge(
    canvas: Canvas,
    design: Design,
    torso: body.Torso,
    neckline: Points,
    *,
    waist: float,
) -> None:
    """Draw one front crossed over the other, with a bow at the wearer's left side."""
    fabric = design.fabric
    n, y = torso.neck, torso.top
    low = float(neckline[0][1])
    width = torso.waist[0]
    front = path(
        curve((-n, y), (-0.9 * n, y + 24), (-0.5 * n, y + 0.5 * (low - y)), (0, low)),
        curve((0, low), (0.5 * width, low + 0.55 * (waist - low)), (width - 1, waist)),
        curve((width - 1, waist), (0, waist + 4), (-width + 1, waist)),
        torso.side[torso.side[:, 1] < waist][::-1] * (-1.0, 1.0),
        mirror(torso.armhole)[::-1],
    )
    folds = [
        Fold(
            curve(
                (width - 6, waist - 8),
                (0.1 * width, waist - 0.35 * (waist - low) - 16 * index),
                (-0.6 * width, low + 0.2 * (waist - low) - 6 * index),
            ),
            20,
            -0.6,
        )
        for index in range(3)
    ]
    canvas.piece(front, fabric, drape=replace(torso.drape, degrees=8.0), folds=folds, lift=3)
    edge = path(
        curve((-n, y), (-0.9 * n, y + 24), (-0.5 * n, y + 0.5 * (low - y)), (0, low)),
        curve((0, low), (0.5 * width, low + 0.55 * (waist - low)), (width - 1, waist)),
    )
    canvas.stitches(moved(edge, -3, 5), fabric.colour.darker(0.35), dash=4, width=1.2, opacity=0.4)
    sash = curve((-width, waist), (0, waist + 5), (width, waist))
    canvas.piece(band(sash, -20), fabric.plain(), lift=2)
    draw_bow(canvas, design, width - 34, waist + 10, 0.9)


def draw_bow(canvas: Canvas, design: Design, x: float, y: float, size: float) -> None:
    """Draw a bow of the garment's fabric with its knot at `(x, y)`."""
    cloth = design.fabric.plain()
    for side in (-1.0, 1.0):
        tail = curve((0, 0), (side * 14, 50), (side * 22, 112 + 12 * side))
        canvas.piece(moved(band(tail * size, -16 * size), x, y), cloth, lift=2)
    for side in (-1.0, 1.0):
        loop = curve(
            (0, 0), (side * 30, -20), (side * 54, -10), (side * 46, 12), (side * 24, 8), closed=True
        )
        crease = Fold(moved(points((0, 0), (side * 38, -3)) * size, x, y), 12, -0.8)
        canvas.piece(moved(loop * size, x, y), cloth, folds=[crease], lift=2)
    knot = points((-10, -11), (10, -11), (9, 11), (-9, 11)) * size
    canvas.piece(moved(knot, x, y), cloth, lift=2)
