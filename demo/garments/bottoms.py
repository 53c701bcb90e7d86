"""Jeans, trousers and shorts."""

from __future__ import annotations

from demo.canvas import Canvas, Fold
from demo.curves import (
    curve,
    ellipse,
    mirror,
    mirror_pair,
    moved,
    path,
    points,
)
from demo.design import Design
from demo.fabric import METAL, RIB, Drape, Fabric
from demo.garments import trims
from demo.garments.legs import Legs, legs_for
from demo.palette import GOLD, SILVER, THREAD_GOLD, Rgb
from demo.region import Region


def draw_jeans(canvas: Canvas, design: Design) -> None:
    """Draw jeans; the cut's `leg` is the silhouette and `detail` the finish."""
    legs = legs_for(design, design.cut["leg"])
    region = _draw_legs(canvas, design, legs, design.fabric, whiskers=True)
    _draw_jeans_details(canvas, design, legs, region, THREAD_GOLD)
    if design.cut["detail"] == "ripped knees":
        _rip_knees(canvas, design, legs)
    if design.cut["detail"] == "turned-up hems":
        paler = design.fabric.of(design.fabric.colour.lighter(0.35))
        canvas.mirrored_piece(legs.cuff(34), paler, lift=2.2)


def draw_trousers(canvas: Canvas, design: Design) -> None:
    """Draw trousers; the cut's `style` is their kind."""
    style, fabric = design.cut["style"], design.fabric
    legs = legs_for(design, style)
    if style == "joggers":
        region = _draw_legs(canvas, design, legs, fabric)
        canvas.mirrored_piece(legs.cuff(40), fabric.plain(RIB), lift=1.6)
        _draw_elastic_waist(canvas, design, legs)
        _draw_slant_pockets(canvas, fabric, legs, region)
        if design.cut["detail"] == "side stripes":
            _draw_side_stripes(canvas, design, legs, region)
        return
    region = _draw_legs(canvas, design, legs, fabric)
    _draw_slant_pockets(canvas, fabric, legs, region)
    _draw_fly(canvas, fabric, legs, fabric.colour.darker(0.35), region)
    _draw_waistband(canvas, fabric, legs, None)
    if design.cut["detail"] == "pressed creases":
        middle = 0.5 * (legs.hem[0] + legs.hem[1])
        crease = curve(
            (0.54 * legs.hip, legs.crotch - 60),
            (0.55 * legs.thigh, legs.crotch + 60),
            (middle, legs.bottom + 4),
        )
        for line in mirror_pair(crease):
            canvas.stroke(line, 3, fabric.colour.darker(0.6), 0.35, within=region)
            canvas.stroke(moved(line, x=-2.5), 2.4, fabric.colour.lighter(0.6), 0.28, within=region)
    if style == "cargo trousers":
        for side in (1.0, -1.0):
            x = side * 0.78 * legs.thigh
            trims.draw_patch_pocket(
                canvas, fabric, x, legs.knee_height - 108, 72, 92, drape=Drape(), flap=True
            )
    for line in mirror_pair(moved(legs.hem_line, y=-16)):
        canvas.stitches(line, fabric.colour.darker(0.35), width=1.3, opacity=0.5)


def draw_shorts(canvas: Canvas, design: Design) -> None:
    """Draw shorts; the cut's `style` is their kind."""
    style, fabric = design.cut["style"], design.fabric
    legs = legs_for(design, style)
    denim = design.pattern_name == "Denim"
    region = _draw_legs(canvas, design, legs, fabric, whiskers=denim)
    if denim:
        _draw_jeans_details(canvas, design, legs, region, THREAD_GOLD)
        canvas.mirrored_piece(legs.cuff(30), fabric.of(fabric.colour.lighter(0.25)), lift=2)
    elif style in ("running shorts", "swim shorts"):
        _draw_elastic_waist(canvas, design, legs)
        if design.pattern_name == "Plain":
            _draw_side_stripes(canvas, design, legs, region)
        for line in mirror_pair(moved(legs.hem_line, y=-14)):
            canvas.stitches(line, fabric.colour.darker(0.35), width=1.3, opacity=0.5)
    else:
        _draw_slant_pockets(canvas, fabric, legs, region)
        _draw_fly(canvas, fabric, legs, fabric.colour.darker(0.35), region)
        _draw_waistband(canvas, fabric, legs, None)
        canvas.mirrored_piece(legs.cuff(28), fabric, lift=1.4)


def _draw_legs(
    canvas: Canvas, design: Design, legs: Legs, fabric: Fabric, *, whiskers: bool = False
) -> Region:
    back = path(
        curve((-legs.waist + 2, legs.top), (0, legs.top - 7), (legs.waist - 2, legs.top)),
        curve((legs.waist - 2, legs.top + 6), (0, legs.top + 24), (-legs.waist + 2, legs.top + 6)),
    )
    canvas.piece(back, fabric.plain(), tone=-0.34)
    rng = design.random("leg folds")
    folds = []
    for side in (1.0, -1.0):
        for index in range(4):
            y = legs.crotch - 24 + 15 * index
            reach = rng.uniform(0.45, 0.85) * legs.thigh
            line = curve(
                (side * 6, y),
                (side * 0.5 * reach, y - 12 + 5 * index),
                (side * reach, y - 26 + 14 * index),
            )
            folds.append(Fold(line, 20, -0.55 if whiskers else -0.4))
        if legs.bottom - legs.crotch > 220:
            for height, depth in ((0, -0.6), (34, -0.5), (-30, -0.4)):
                y = legs.knee_height + height + rng.uniform(-12, 12)
                inner, outer = legs.knee
                start, end = (
                    (side * (inner + 4), y),
                    (side * (outer - 24), y + rng.uniform(-20, 20)),
                )
                middle = (0.5 * (start[0] + end[0]), 0.5 * (start[1] + end[1]) + 10)
                folds.append(Fold(curve(start, middle, end), 20, depth))
            for height in (22, 52):
                inner, outer = legs.hem
                y = legs.bottom - height + rng.uniform(-6, 6)
                start, end = (
                    (side * (outer - 3), y),
                    (side * (inner + 20), y + rng.uniform(-10, 14)),
                )
                middle = (0.5 * (start[0] + end[0]), 0.5 * (start[1] + end[1]) + 7)
                folds.append(Fold(curve(start, middle, end), 18, -0.5))
    region = canvas.piece(legs.outline, fabric, drape=Drape(0, legs.top), folds=folds)
    if whiskers:
        for side in (1.0, -1.0):
            x = (
                side
                * 0.56
                * (legs.thigh if legs.bottom < 600 else 0.5 * (legs.thigh + legs.knee[1]))
            )
            fade = curve(
                (x, legs.crotch - 20), (x * 1.02, legs.knee_height - 40), (x, legs.knee_height + 60)
            )
            for width, opacity in ((62, 0.06), (44, 0.06), (26, 0.06)):
                canvas.stroke(
                    fade, width, fabric.colour.lighter(0.8), opacity, taper=0.9, within=region
                )
    for line in mirror_pair(legs.inseam):
        canvas.stroke(line, 2, fabric.colour.darker(0.7), 0.35, within=region)
    canvas.seam(points((0, legs.top + 10), (0, legs.crotch)), fabric, strength=0.7, within=region)
    return region


def _draw_jeans_details(
    canvas: Canvas, design: Design, legs: Legs, region: Region, thread: Rgb
) -> None:
    fabric = design.fabric
    side = legs.outseam
    for line in mirror_pair(moved(side, x=-7)):
        canvas.stitches(line, thread, width=1.3, opacity=0.55, within=region)
    pocket = curve(
        (0.46 * legs.waist, legs.top + 20),
        (0.56 * legs.waist, legs.top + 64),
        (0.80 * legs.waist, legs.top + 82),
        (legs.hip + 4, legs.top + 78),
    )
    for line in mirror_pair(pocket):
        canvas.stroke(moved(line, y=-3), 6, fabric.colour.darker(0.6), 0.25, within=region)
        canvas.seam(line, fabric, strength=0.8, within=region)
        canvas.stitches(moved(line, y=5), thread, within=region)
        canvas.stitches(moved(line, y=9), thread, within=region)
    _draw_fly(canvas, fabric, legs, thread, region)
    _draw_waistband(canvas, fabric, legs, thread)
    for x in (0.50 * legs.waist, 0.88 * legs.hip):
        for sign in (1.0, -1.0):
            y = legs.top + (36 if x < 0.7 * legs.waist else 72)
            canvas.piece(ellipse((sign * x, y), 3.2), Fabric(METAL, GOLD), lift=0.8)
    for line in mirror_pair(moved(legs.hem_line, y=-12)):
        canvas.stitches(line, thread, within=region)


def _draw_fly(canvas: Canvas, fabric: Fabric, legs: Legs, thread: Rgb, region: Region) -> None:
    line = curve(
        (26, legs.top + 34), (27, legs.crotch - 76), (18, legs.crotch - 44), (1, legs.crotch - 34)
    )
    canvas.stitches(line, thread, within=region, opacity=0.8)
    canvas.stroke(moved(line, x=3), 6, fabric.colour.darker(0.7), 0.10, within=region)


def _draw_waistband(canvas: Canvas, fabric: Fabric, legs: Legs, thread: Rgb | None) -> None:
    w, top = legs.waist, legs.top
    upper = curve((-w, top - 2), (0, top + 11), (w, top - 2))
    lower = curve((w + 3, top + 30), (0, top + 43), (-w - 3, top + 30))
    strip = path(upper, lower)
    canvas.piece(strip, fabric, drape=Drape(0, top, degrees=90), lift=1.6)
    stitch = thread or fabric.colour.darker(0.35)
    for line in (moved(upper, y=5), moved(lower, y=-4)):
        canvas.stitches(line, stitch, width=1.3, opacity=0.8 if thread else 0.4)
    for x in (0.44 * w, 0.86 * w):
        for sign in (1.0, -1.0):
            drop = 11 * (1 - (x / w) ** 2)
            loop = moved(points((-5, -6), (5, -6), (5, 40), (-5, 40)), sign * x, top + drop - 1)
            canvas.piece(loop, fabric, lift=1.8)
    metal = Fabric(METAL, GOLD if thread else fabric.colour.darker(0.4))
    canvas.piece(ellipse((5, top + 27), 8.5), metal, lift=1.4)
    canvas.flat(canvas.region(ellipse((5, top + 27), 3.2)), metal.colour.darker(0.4), 0.7)


def _draw_slant_pockets(canvas: Canvas, fabric: Fabric, legs: Legs, region: Region) -> None:
    pocket = points((0.66 * legs.waist, legs.top + 34), (legs.hip + 1, legs.top + 122))
    for line in mirror_pair(pocket):
        canvas.stroke(moved(line, 3, -2), 8, fabric.colour.darker(0.7), 0.16, within=region)
        canvas.seam(line, fabric, strength=0.9, within=region)
        canvas.stitches(moved(line, -6, 4), fabric.colour.darker(0.35), opacity=0.5, within=region)


def _draw_elastic_waist(canvas: Canvas, design: Design, legs: Legs) -> None:
    w, top, fabric = legs.waist, legs.top, design.fabric
    upper = curve((-w, top - 4), (0, top + 5), (w, top - 4))
    lower = curve((w + 4, top + 34), (0, top + 44), (-w - 4, top + 34))
    puckers = [
        Fold(points((x, top - 2), (x + 1, top + 44)), 7, -0.9)
        for x in range(int(-w) + 8, int(w), 13)
    ]
    canvas.piece(path(upper, lower), fabric.plain(), folds=puckers, lift=1.6)
    cord = design.trims[0] if fabric.colour.lightness < 0.55 else fabric.colour.darker(0.3)
    trims.draw_drawstrings(canvas, cord, 14, top + 24, 76)


def _draw_side_stripes(canvas: Canvas, design: Design, legs: Legs, region: Region) -> None:
    colour = design.trims[0]
    for line in (legs.outseam, mirror(legs.outseam)):
        inward = -1.0 if line[0][0] > 0 else 1.0
        for distance in (12, 26):
            canvas.stroke(moved(line, x=inward * distance), 8, colour, 0.95, within=region)


def _rip_knees(canvas: Canvas, design: Design, legs: Legs) -> None:
    rng = design.random("rips")
    base = design.fabric.colour
    for side in (1.0, -1.0):
        x = side * 0.5 * sum(legs.knee)
        y = legs.knee_height - 24 + rng.uniform(-10, 10)
        wide, tall = rng.uniform(26, 34), rng.uniform(13, 19)
        hole = ellipse((x, y), wide, tall)
        canvas.flat(canvas.region(ellipse((x, y), wide + 3, tall + 3)), base.lighter(0.6), 0.8)
        inside = canvas.region(hole)
        canvas.flat(inside, base.darker(0.62))
        for _ in range(7):
            level = y + rng.uniform(-tall, tall)
            thread = curve((x - wide, level), (x, level + rng.uniform(-4, 6)), (x + wide, level))
            canvas.stroke(thread, 1.8, SILVER.lighter(0.6), 0.9, within=inside)
