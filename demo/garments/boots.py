"""Ankle boots to knee-high boots."""

from __future__ import annotations

from demo.canvas import Canvas, Fold
from demo.curves import (
    Points,
    band,
    curve,
    moved,
    offset,
    path,
    points,
    portion,
)
from demo.design import Design
from demo.fabric import RUBBER, Drape, Fabric
from demo.garments.formal_shoes import draw_leather_sole, thread_colour
from demo.garments.shoe_parts import GROUND, draw_lace_bow, draw_laces
from demo.garments.trims import draw_buckle
from demo.palette import GOLD, GUM, SILVER, SOLE_BLACK, WOOD, Rgb
from demo.region import Region


def draw_boot(canvas: Canvas, design: Design) -> None:
    """Draw a boot; the cut's `style` is its kind."""
    style, fabric = design.cut["style"], design.fabric
    if style == "knee-high boots":
        _draw_knee_boot(canvas, design)
        return
    top = GROUND - 40
    collar = 262.0 if style != "combat boots" else 222.0
    far = path(
        curve((-190, collar + 4), (-120, collar - 8), (-44, collar - 4)),
        points((-44, 340), (-180, 340)),
    )
    canvas.piece(far, fabric.of(WOOD.lighter(0.2)), tone=-0.3)
    if style != "chelsea boots":
        tongue = curve(
            (-62, collar + 40),
            (-72, collar - 20),
            (-44, collar - 34),
            (-14, collar - 14),
            (16, 330),
            (70, 386),
            (110, 418),
            (30, 420),
            closed=True,
        )
        canvas.piece(tongue, fabric.plain())
    front = curve((-46, collar - 4), (-22, 330), (20, 372), (72, 404), (112, 420))
    outline = path(
        curve((-236, top + 8), (-242, 440), (-226, 384), (-208, 330), (-202, collar + 2)),
        curve((-202, collar + 2), (-150, collar + 8), (-90, collar + 4), (-46, collar - 4)),
        front,
        curve((112, 420), (156, 428), (210, 444), (246, 470), (258, top + 4)),
        points((258, top + 12), (-236, top + 12)),
    )
    folds = [
        Fold(curve((-206, 388), (-140, 404), (-60, 374)), 26, -0.8),
        Fold(curve((-200, 350), (-140, 362), (-70, 344)), 20, -0.6),
        Fold(curve((90, 424), (112, 456), (108, top)), 18, -0.6),
        Fold(curve((120, 432), (140, 460), (134, top)), 16, -0.4),
        Fold(curve((170, 450), (214, 456), (244, 482)), 20, 0.5),
    ]
    upper = canvas.piece(outline, fabric, drape=Drape(degrees=4), folds=folds)
    thread = Rgb(0.86, 0.68, 0.32) if style == "combat boots" else thread_colour(fabric)
    if style == "chelsea boots":
        _draw_chelsea(canvas, design, upper, collar)
    else:
        _draw_laced_boot(canvas, design, upper, front, top, thread)
    if style == "combat boots":
        _draw_lug_sole(canvas, SOLE_BLACK, top, thread)
    else:
        sole = design.random("sole").choice((SOLE_BLACK, GUM, Rgb(0.36, 0.24, 0.16)))
        if style == "hiking boots":
            _draw_lug_sole(canvas, SOLE_BLACK if sole == GUM else sole, top, thread)
        else:
            draw_leather_sole(canvas, design, top + 10, toe=262)


def _draw_chelsea(canvas: Canvas, design: Design, upper: Region, collar: float) -> None:
    fabric = design.fabric
    gore = path(
        curve((-158, collar), (-152, 330), (-128, 400)),
        curve((-112, 400), (-88, 330), (-84, collar)),
    )
    ribs = [Fold(points((-162 + 7 * i, collar), (-150 + 5 * i, 400)), 6, 0.9) for i in range(13)]
    canvas.piece(gore, fabric.of(fabric.colour.darker(0.55)), folds=ribs, lift=0.8, within=upper)
    for line in (
        curve((-158, collar), (-152, 330), (-128, 404)),
        curve((-84, collar), (-88, 330), (-112, 404)),
    ):
        canvas.stitches(line, thread_colour(fabric), width=1.3, within=upper)
    joint = curve((-120, 402), (-60, 420), (0, 452), (30, 512))
    canvas.seam(joint, fabric, strength=0.9, within=upper)
    tab = curve((-206, collar + 30), (-214, collar - 24), (-192, collar - 24), (-194, collar + 30))
    canvas.stroke(tab, 12, fabric.colour.darker(0.4))


def _draw_laced_boot(
    canvas: Canvas, design: Design, upper: Region, front: Points, top: float, thread: Rgb
) -> None:
    fabric, style = design.fabric, design.cut["style"]
    quarter = curve((104, 424), (84, 456), (40, 470), (-20, top + 12))
    canvas.seam(quarter, fabric, strength=0.9, within=upper)
    canvas.stitches(offset(quarter, 5), thread, width=1.4, within=upper)
    heel = curve((-172, 330), (-160, 420), (-140, top + 12))
    canvas.seam(heel, fabric, strength=0.9, within=upper)
    canvas.stitches(moved(heel, x=-6), thread, width=1.4, within=upper)
    padded = style == "hiking boots"
    if padded:
        cuff = portion(_collar(), 0, 1)
        canvas.piece(band(cuff, 34), fabric.of(fabric.colour.darker(0.4)), lift=1.4, within=upper)
        toe = path(
            curve((158, 420), (136, 466), (146, top + 12)), points((270, top + 12), (270, 430))
        )
        canvas.piece(toe, fabric.of(SOLE_BLACK), lift=1.2, within=upper)
    lace = (
        thread
        if padded
        else Rgb(0.16, 0.15, 0.15)
        if fabric.colour.lightness > 0.2
        else Rgb(0.3, 0.3, 0.31)
    )
    if padded:
        lace = design.trims[0]
    draw_laces(
        canvas, portion(front, 0.04, 0.94), 8, lace, SILVER if padded else GOLD.darker(0.2), width=8
    )
    x, y = front[0]
    draw_lace_bow(canvas, float(x) + 12, float(y) + 10, lace, 0.85)


def _collar() -> Points:
    return curve((-206, 264), (-150, 270), (-90, 266), (-40, 256))


def _draw_lug_sole(canvas: Canvas, colour: Rgb, top: float, thread: Rgb) -> None:
    """Draw a thick rubber sole with a deep tread."""
    edge = curve((-246, top - 2), (-100, top + 2), (60, top + 3), (180, top), (264, top - 18))
    bottom = [
        (x + dx, GROUND - lift)
        for x in range(216, -60, -26)
        for dx, lift in ((0, 0), (-16, 0), (-17, 7), (-25, 7))
    ]
    heel = [
        (x + dx, GROUND - lift)
        for x in range(-112, -236, -26)
        for dx, lift in ((0, 0), (-16, 0), (-17, 7), (-25, 7))
    ]
    outline = path(
        edge,
        curve((264, top - 18), (270, top + 4), (244, GROUND - 12), (216, GROUND)),
        points(*bottom),
        points((-72, GROUND - 13), (-108, GROUND - 13)),
        points(*heel),
        curve((-238, GROUND - 7), (-250, top + 20), (-246, top - 2)),
    )
    region = canvas.piece(outline, Fabric(RUBBER, colour), lift=1)
    canvas.stitches(moved(edge, y=8), thread, dash=6, gap=4, width=2, within=region)
    canvas.stroke(moved(edge, y=20), 1.8, colour.lighter(0.4), 0.3, within=region)


def _draw_knee_boot(canvas: Canvas, design: Design) -> None:
    fabric = design.fabric
    heel_high = design.random("heel").random() < 0.6
    lift = 40.0 if heel_high else 0.0
    rim = curve((-190, 92), (-120, 84), (-44, 78), (8, 82))
    canvas.piece(path(rim, moved(rim, y=30)[::-1]), fabric.of(WOOD.lighter(0.2)), tone=-0.35)
    outline = path(
        curve(
            (-196, 570 - lift),
            (-206, 536 - lift),
            (-190, 490 - lift),
            (-168, 430),
            (-182, 330),
            (-206, 220),
            (-192, 98),
        ),
        curve((-192, 98), (-120, 104), (-44, 96), (8, 86)),
        curve((8, 86), (18, 200), (-14, 330), (-24, 420), (-2, 476), (46, 520), (104, 546)),
        curve((104, 546), (156, 562), (190, 586), (206, 616), (200, 632)),
        curve(
            (200, 636),
            (110, 634),
            (30, 626),
            (-40, 606 - 0.4 * lift),
            (-100, 588 - 0.8 * lift),
            (-196, 584 - lift),
        ),
    )
    folds = [
        Fold(curve((-168, 440), (-100, 462), (-20, 440)), 28, -0.8),
        Fold(curve((-172, 408), (-110, 424), (-36, 404)), 24, -0.6),
        Fold(curve((-186, 480), (-110, 500), (-10, 474)), 24, -0.7),
        Fold(curve((-120, 120), (-126, 240), (-110, 360)), 44, 0.6),
        Fold(curve((90, 556), (130, 572), (180, 604)), 26, 0.5),
    ]
    upper = canvas.piece(outline, fabric, drape=Drape(degrees=3), folds=folds)
    zip_line = curve((-100, 104), (-96, 260), (-86, 400), (-80, 560))
    canvas.seam(zip_line, fabric, strength=0.7, within=upper)
    canvas.seam(curve((-2, 478), (-30, 530), (-60, 600)), fabric, strength=0.5, within=upper)
    if design.random("strap").random() < 0.5:
        strap = curve((-178, 452), (-100, 474), (-14, 444))
        canvas.piece(band(strap, -20), fabric, lift=2, within=upper)
        draw_buckle(canvas, -84, 462, 28, 30, GOLD, fabric)
    sole = Fabric(RUBBER, SOLE_BLACK)
    ground = 648.0
    base = 584 - lift
    heel = path(
        points((-200, base - 4), (-104, base + 4)),
        curve((-104, base + 4), (-118, 0.5 * (base + ground)), (-122, ground)),
        points((-190, ground), (-202, base + 10)),
    )
    canvas.piece(heel, sole)
    plate = path(
        curve(
            (-200, base - 3),
            (-100, 590 - 0.8 * lift),
            (-40, 606 - 0.4 * lift),
            (30, 628),
            (110, 636),
            (206, 630),
        ),
        curve((208, 636), (190, ground), (110, ground), (30, 642)),
        curve((30, 642), (-40, 622 - 0.4 * lift), (-100, 602 - 0.8 * lift), (-200, base + 10)),
    )
    canvas.piece(plate, sole, lift=0.8)
