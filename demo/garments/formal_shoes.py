"""Formal leather shoes."""

from __future__ import annotations

from demo.canvas import Canvas, Fold
from demo.curves import (
    Points,
    band,
    curve,
    ellipse,
    moved,
    offset,
    path,
    points,
    portion,
    resampled,
)
from demo.design import Design
from demo.fabric import LEATHER, RUBBER, Drape, Fabric
from demo.garments.shoe_parts import GROUND, draw_lace_bow, draw_laces, draw_welt
from demo.garments.trims import draw_buckle
from demo.palette import GOLD, SILVER, SOLE_BLACK, WOOD, Rgb
from demo.region import Region


def draw_formal_shoe(canvas: Canvas, design: Design) -> None:
    """Draw a formal shoe; the cut's `style` is its kind."""
    style, fabric = design.cut["style"], design.fabric
    top = GROUND - 30
    lining = fabric.of(WOOD.lighter(0.15), LEATHER)
    far = path(
        curve((-206, top - 116), (-130, top - 116), (-50, top - 128), (0, top - 142)),
        points((10, top - 60), (-200, top - 60)),
    )
    canvas.piece(far, lining, tone=-0.25)
    laced = style in ("oxfords", "derbies", "brogues")
    if laced:
        tongue = curve(
            (-30, top - 130),
            (-40, top - 168),
            (-14, top - 172),
            (44, top - 128),
            (90, top - 86),
            (20, top - 90),
            closed=True,
        )
        canvas.piece(tongue, fabric.plain())
    vamp_top = (-12, top - 150) if laced else (14, top - 128)
    throat = curve(vamp_top, (30, top - 122) if laced else (36, top - 118), (86, top - 88))
    outline = path(
        curve((-238, top + 8), (-246, top - 36), (-236, top - 92), (-222, top - 128)),
        curve((-222, top - 128), (-212, top - 134), (-200, top - 124)),
        curve((-200, top - 124), (-150, top - 96), (-90, top - 92), (-44, top - 118), vamp_top),
        throat,
        curve((86, top - 88), (130, top - 70), (188, top - 56), (240, top - 40), (268, top - 10)),
        points((268, top + 10), (-238, top + 10)),
    )
    folds = [
        Fold(curve((86, top - 84), (108, top - 58), (106, top - 24)), 16, -0.6),
        Fold(curve((112, top - 76), (134, top - 52), (130, top - 20)), 14, -0.4),
        Fold(curve((150, top - 46), (210, top - 42), (246, top - 22)), 22, 0.5),
        Fold(curve((-220, top - 90), (-226, top - 50), (-214, top - 16)), 18, 0.5),
    ]
    upper = canvas.piece(outline, fabric, drape=Drape(degrees=6), folds=folds)
    _draw_collar_edge(canvas, design, upper, top)
    match style:
        case "loafers":
            _draw_loafer(canvas, design, upper, top)
        case "monk-strap shoes":
            _draw_monk(canvas, design, upper, top)
        case _:
            _draw_laced(canvas, design, upper, throat, top, style)
    draw_leather_sole(canvas, design, top)


def _draw_collar_edge(canvas: Canvas, design: Design, upper: Region, top: float) -> None:
    fabric = design.fabric
    thread = (
        fabric.colour.darker(0.55) if fabric.colour.lightness > 0.2 else fabric.colour.lighter(0.25)
    )
    collar = curve((-200, top - 124), (-150, top - 96), (-90, top - 92), (-44, top - 118))
    canvas.stroke(offset(collar, -5), 1.6, thread, 0.6, within=upper)
    canvas.stroke(offset(collar, 0), 3, fabric.colour.lighter(0.5), 0.35, within=upper)
    heel = curve((-196, top - 122), (-178, top - 70), (-170, top + 10))
    canvas.seam(heel, fabric, strength=0.7, within=upper)
    canvas.stitches(moved(heel, x=5), thread, dash=3.5, gap=2.5, width=1.2, within=upper)


def thread_colour(fabric: Fabric) -> Rgb:
    if fabric.colour.lightness > 0.2:
        return fabric.colour.darker(0.55)
    return fabric.colour.lighter(0.28)


def _draw_laced(
    canvas: Canvas, design: Design, upper: Region, throat: Points, top: float, style: str
) -> None:
    fabric = design.fabric
    thread = thread_colour(fabric)
    if style == "derbies":
        quarter = path(
            throat,
            curve((86, top - 88), (92, top - 60), (60, top - 40)),
            curve((60, top - 40), (-10, top - 30), (-60, top + 10)),
            points((-180, top + 10), (-180, top - 100)),
            curve((-180, top - 112), (-120, top - 90), (-44, top - 118), (-12, top - 150)),
        )
        canvas.piece(quarter, fabric, lift=1.8, within=upper)
        edge = path(
            curve((84, top - 84), (88, top - 60), (58, top - 44)),
            curve((58, top - 44), (-12, top - 34), (-62, top + 8)),
        )
    else:
        edge = curve((78, top - 92), (52, top - 52), (8, top - 30), (-34, top + 10))
        canvas.seam(edge, fabric, strength=0.9, within=upper)
    canvas.stitches(offset(edge, 4), thread, dash=3.5, gap=2.5, width=1.2, within=upper)
    cap = curve((176, top - 60), (156, top - 30), (164, top + 10))
    if style != "derbies":
        canvas.seam(cap, fabric, strength=1.0, within=upper)
        canvas.stitches(moved(cap, x=5), thread, dash=3.5, gap=2.5, width=1.2, within=upper)
    if style == "brogues":
        for line, shift in ((cap, -7.0), (edge, -7.0)):
            dots = resampled(moved(line, x=shift), 14)
            holes = [ellipse((x, y), 2.6) for x, y in dots]
            canvas.flat(canvas.region(*holes).within(upper), fabric.colour.darker(0.85), 0.9)
        medallion = [ellipse((212 + 12 * c, top - 28 + 9 * abs(c)), 2.6) for c in (-1, 0, 1)]
        canvas.flat(canvas.region(*medallion).within(upper), fabric.colour.darker(0.85), 0.9)
    lace = fabric.colour.darker(0.5) if fabric.colour.lightness > 0.25 else Rgb(0.13, 0.12, 0.12)
    shorter = portion(throat, 0.02, 0.86)
    draw_laces(canvas, shorter, 4, lace, fabric.colour.darker(0.4), inset=13, reach=12, width=6)
    draw_lace_bow(canvas, -8, top - 156, lace.lighter(0.08), 0.62)


def _draw_loafer(canvas: Canvas, design: Design, upper: Region, top: float) -> None:
    fabric = design.fabric
    apron = curve(
        (18, top - 128), (60, top - 84), (130, top - 58), (200, top - 50), (238, top - 40)
    )
    lower = moved(apron, -4, 14)
    canvas.seam(lower, fabric, strength=1.0, within=upper)
    canvas.stitches(
        lower, thread_colour(fabric), dash=5, gap=5, width=4, opacity=0.55, within=upper
    )
    saddle = path(
        curve((8, top - 134), (36, top - 122), (70, top - 98)),
        curve((76, top - 92), (64, top - 44), (30, top + 10)),
        points((-26, top + 10)),
        curve((-26, top + 10), (-8, top - 50), (-10, top - 130)),
    )
    canvas.piece(saddle, fabric, lift=2, within=upper)
    slot = curve((26, top - 96), (36, top - 84), (34, top - 66), (22, top - 74), closed=True)
    if design.random("saddle").random() < 0.5:
        canvas.flat(canvas.region(slot), fabric.colour.darker(0.85), 0.9)
    else:
        bit = curve((6, top - 98), (30, top - 88), (54, top - 88))
        canvas.stroke(bit, 8, GOLD.darker(0.35))
        canvas.stroke(moved(bit, y=-1.5), 4, GOLD.lighter(0.25))


def _draw_monk(canvas: Canvas, design: Design, upper: Region, top: float) -> None:
    fabric = design.fabric
    flap = path(
        curve((-90, top - 96), (-30, top - 120), (14, top - 132), (44, top - 112)),
        curve((44, top - 112), (62, top - 92), (50, top - 66)),
        curve((50, top - 66), (-10, top - 30), (-60, top + 10)),
        points((-130, top + 10), (-120, top - 92)),
    )
    canvas.piece(flap, fabric, lift=1.8, within=upper)
    straps = ((-4, 0), (-26, 34)) if design.random("straps").random() < 0.5 else ((-10, 14),)
    for x, y in straps:
        strap = curve((x - 70, top - 78 + y), (x, top - 96 + y), (x + 62, top - 92 + y))
        canvas.piece(band(strap, -20), fabric, lift=2, within=upper)
        draw_buckle(canvas, x + 34, top - 84 + y, 24, 30, SILVER, fabric)
    cap = curve((176, top - 60), (156, top - 30), (164, top + 10))
    canvas.seam(cap, fabric, strength=0.8, within=upper)


def draw_leather_sole(canvas: Canvas, design: Design, top: float, toe: float = 272.0) -> None:
    colour = design.random("sole").choice((SOLE_BLACK, SOLE_BLACK, Rgb(0.36, 0.24, 0.16)))
    if design.colour.lightness < 0.25:
        colour = SOLE_BLACK
    sole = Fabric(RUBBER, colour)
    heel = path(
        points((-238, top + 6), (-118, top + 6)),
        curve((-118, top + 6), (-116, GROUND - 12), (-120, GROUND)),
        points((-236, GROUND), (-240, top + 16)),
    )
    canvas.piece(heel, sole)
    for y in (top + 14, top + 21):
        canvas.stroke(points((-238, y), (-118, y)), 1.3, colour.darker(0.8), 0.6)
    upper_edge = curve(
        (-244, top + 2), (-120, top + 3), (20, top + 4), (150, top + 4), (toe, top - 6)
    )
    plate = path(
        upper_edge,
        curve(
            (toe, top - 6),
            (toe + 4, top + 6),
            (236, GROUND - 9),
            (160, GROUND - 2),
            (90, GROUND - 2),
        ),
        curve((90, GROUND - 2), (10, GROUND - 8), (-60, top + 16), (-120, top + 14)),
        points((-242, top + 14)),
    )
    region = canvas.piece(plate, sole, lift=0.8)
    draw_welt(canvas, moved(upper_edge, y=4), colour.lighter(0.45), within=region)
