"""Sneakers: court shoes and slip-ons. The other kinds are in `running_shoes`."""

from __future__ import annotations

from demo.canvas import Canvas, Fold
from demo.curves import Points, band, curve, ellipse, moved, offset, path, points, portion
from demo.design import Design
from demo.fabric import CANVAS, SUEDE, Drape
from demo.garments.running_shoes import (
    accent_colour,
    draw_cup_sole,
    draw_high_top,
    draw_runner,
    lace_colour,
    sole_colour,
)
from demo.garments.shoe_parts import GROUND, draw_lace_bow, draw_laces
from demo.palette import GUM, SOLE_WHITE, Rgb
from demo.region import Region


def draw_sneaker(canvas: Canvas, design: Design) -> None:
    """Draw a sneaker; the cut's `style` is its kind."""
    match design.cut["style"]:
        case "running shoes":
            draw_runner(canvas, design)
        case "high-top sneakers":
            draw_high_top(canvas, design)
        case "slip-on sneakers":
            _draw_slip_on(canvas, design)
        case _:
            _draw_court(canvas, design)


_THROAT = ((-22, 312), (22, 340), (74, 382), (116, 418))


def _low_upper(top: float) -> Points:
    """Return the outline of the upper of a low shoe, whose lower edge is at `top`."""
    return path(
        curve(
            (-241, top + 8),
            (-248, top - 50),
            (-238, top - 104),
            (-224, top - 150),
            (-226, top - 172),
        ),
        curve((-226, top - 172), (-214, top - 178), (-204, top - 168)),
        curve(
            (-204, top - 168),
            (-172, top - 142),
            (-120, top - 128),
            (-70, top - 144),
            (-38, top - 180),
            (-22, top - 188),
        ),
        curve(*((x, y - 500 + top) for x, y in _THROAT)),
        curve((116, top - 82), (150, top - 78), (200, top - 68), (240, top - 40), (256, top + 2)),
        points((254, top + 14), (-241, top + 14)),
    )


def _draw_court(canvas: Canvas, design: Design) -> None:
    rng = design.random("court")
    sole = sole_colour(design)
    top = GROUND - 40
    fabric = design.fabric
    accent = accent_colour(design)
    lining = fabric.of(accent.mixed(SOLE_WHITE, 0.5), CANVAS)
    # The far side of the collar and the tongue are behind the upper.
    far = path(
        curve((-214, top - 150), (-150, top - 152), (-60, top - 176), (-30, top - 196)),
        points((-30, top - 100), (-200, top - 100)),
    )
    canvas.piece(far, lining, tone=-0.28)
    tongue = curve(
        (-46, top - 176),
        (-66, top - 222),
        (-44, top - 240),
        (-14, top - 226),
        (40, top - 172),
        (104, top - 92),
        (40, top - 110),
        closed=True,
    )
    canvas.piece(tongue, fabric.plain())
    tab = points((-58, top - 224), (-32, top - 232), (-20, top - 206), (-46, top - 196))
    canvas.piece(tab, fabric.of(accent), lift=1)
    outline = _low_upper(top)
    folds = [
        Fold(curve((96, top - 60), (122, top - 40), (128, top - 8)), 18, -0.7),
        Fold(curve((122, top - 66), (150, top - 44), (154, top - 14)), 16, -0.5),
    ]
    upper = canvas.piece(outline, fabric, drape=Drape(degrees=8), folds=folds, lift=1.5)
    _draw_overlays(canvas, design, upper, top, accent, toe=rng.random() < 0.6)
    match rng.choice(("chevron", "panel", "perforated")):
        case "chevron":
            for x in (-92, -56):
                line = points((x, top - 100), (x + 46, top - 52), (x + 6, top + 2))
                canvas.piece(band(line, -15), fabric.of(accent), lift=1.0, within=upper)
        case "panel":
            panel = path(
                curve((-148, top - 76), (-70, top - 70), (10, top - 96)),
                points((64, top - 40)),
                curve((44, top + 4), (-60, top - 8), (-140, top + 4)),
            )
            canvas.piece(panel, fabric.of(accent), lift=1.0, within=upper)
            inner = portion(path(panel, panel[:1]), 0.02, 0.98, 80)
            canvas.stitches(offset(inner, -6), accent.darker(0.4), width=1.4, within=upper)
        case _:
            for row in range(3):
                for column in range(7 - row):
                    x, y = -80 + 20 * column + 9 * row, top - 70 + 16 * row + 6 * column * 0.4
                    canvas.flat(canvas.region(ellipse((x, y), 3)), fabric.colour.darker(0.6), 0.7)
    throat = curve(*_THROAT)
    canvas.piece(band(throat, -30), fabric.plain(), lift=1.2, within=upper)
    canvas.stitches(
        offset(throat, -27), fabric.colour.darker(0.35), width=1.4, opacity=0.6, within=upper
    )
    draw_laces(canvas, throat, 5, lace_colour(design), fabric.colour.darker(0.3))
    draw_cup_sole(
        canvas, sole, sole.darker(0.10) if sole != SOLE_WHITE else rng.choice((SOLE_WHITE, GUM))
    )
    draw_lace_bow(canvas, -24, 300, lace_colour(design), 0.8)


def _draw_overlays(
    canvas: Canvas, design: Design, upper: Region, top: float, accent: Rgb, *, toe: bool
) -> None:
    fabric = design.fabric
    thread = fabric.colour.darker(0.35)
    heel = path(
        points((-260, top - 180), (-214, top - 180)),
        curve((-210, top - 166), (-196, top - 104), (-158, top - 54), (-150, top + 16)),
        points((-260, top + 16)),
    )
    patch = fabric.of(design.tonal)
    canvas.piece(heel, patch, lift=1.2, within=upper)
    edge = curve((-206, top - 166), (-192, top - 104), (-154, top - 54), (-146, top + 16))
    canvas.stitches(moved(edge, x=-9), thread, width=1.4, opacity=0.6, within=upper)
    tab = path(
        points((-262, top - 184), (-206, top - 184)),
        curve((-206, top - 160), (-210, top - 130), (-262, top - 112)),
    )
    canvas.piece(tab, fabric.of(accent), lift=1, within=upper)
    if toe:
        cap = path(
            curve((136, top - 90), (120, top - 40), (132, top + 16)),
            points((270, top + 16), (270, top - 80)),
        )
        canvas.piece(cap, patch, lift=1.2, within=upper)
        seam = curve((144, top - 90), (128, top - 40), (140, top + 16))
        canvas.stitches(moved(seam, x=2), thread, width=1.4, opacity=0.6, within=upper)
    collar = curve(
        (-204, top - 168), (-172, top - 142), (-120, top - 128), (-70, top - 144), (-38, top - 180)
    )
    canvas.stroke(offset(collar, -9), 2, thread, 0.4, within=upper)


def _draw_slip_on(canvas: Canvas, design: Design) -> None:
    fabric = design.fabric.made_of(CANVAS if design.material.name != "suede" else SUEDE)
    top = GROUND - 44
    far = path(
        curve((-210, top - 112), (-120, top - 112), (-20, top - 122), (40, top - 128)),
        points((40, top - 60), (-200, top - 60)),
    )
    canvas.piece(far, fabric.of(SOLE_WHITE), tone=-0.30)
    outline = path(
        curve((-240, top + 10), (-248, top - 50), (-234, top - 106), (-226, top - 134)),
        curve((-226, top - 134), (-210, top - 138), (-196, top - 122)),
        curve(
            (-196, top - 122), (-140, top - 96), (-60, top - 96), (0, top - 124), (36, top - 146)
        ),
        curve(
            (36, top - 146),
            (76, top - 136),
            (140, top - 104),
            (204, top - 74),
            (244, top - 40),
            (257, top + 2),
        ),
        points((256, top + 14), (-240, top + 14)),
    )
    upper = canvas.piece(outline, fabric, drape=Drape(degrees=10), lift=1.5)
    gore = path(
        points((-46, top - 112), (14, top - 134)),
        curve((14, top - 134), (28, top - 90), (26, top - 50)),
        points((-20, top - 38)),
    )
    elastic = [
        Fold(points((-60 + 6 * i, top - 130), (-44 + 6 * i, top - 40)), 5, 0.8) for i in range(14)
    ]
    canvas.piece(gore, fabric.of(fabric.colour.darker(0.35)), folds=elastic, lift=0.8, within=upper)
    heel = path(
        points((-262, top - 140), (-190, top - 130)),
        curve((-190, top - 130), (-176, top - 60), (-150, top + 14)),
        points((-262, top + 14)),
    )
    canvas.piece(heel, fabric.plain(), lift=1, within=upper)
    collar = portion(outline, 0.17, 0.36)
    canvas.stroke(collar, 14, fabric.colour.darker(0.25), 0.8, within=upper)
    thread = SOLE_WHITE if fabric.colour.lightness < 0.6 else fabric.colour.darker(0.35)
    vamp = curve((14, top - 134), (40, top - 80), (30, top - 30), (4, top + 12))
    canvas.stitches(vamp, thread, width=1.5, within=upper)
    draw_cup_sole(canvas, SOLE_WHITE, design.random("sole").choice((SOLE_WHITE, GUM)), thick=44)
