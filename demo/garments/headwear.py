"""Caps, hats and beanies."""

from __future__ import annotations

from demo.canvas import Canvas, Fold
from demo.curves import (
    band,
    curve,
    ellipse,
    full_width,
    moved,
    path,
    points,
    ribbon,
    symmetric,
)
from demo.design import Design
from demo.fabric import KNIT, METAL, RIB, STRAW, Drape, Fabric
from demo.palette import LEATHER_TAN, SILVER, SOLE_WHITE, Rgb


def draw_cap(canvas: Canvas, design: Design) -> None:
    """Draw a cap with its peak to the right; the cut's `style` is its kind."""
    fabric = design.fabric
    contrast = design.cut["style"] == "trucker cap"
    peak_cloth = fabric.of(design.trims[0]) if contrast else fabric
    band_y = 470.0
    crown = path(
        curve(
            (-196, band_y + 8),
            (-206, 400),
            (-176, 316),
            (-96, 258),
            (0, 244),
            (96, 268),
            (158, 338),
            (176, 430),
            (172, band_y - 4),
        ),
        curve((172, band_y - 4), (60, band_y + 26), (-80, band_y + 28), (-196, band_y + 8)),
    )
    folds = [Fold(curve((-120, 300), (-150, 380), (-150, 460)), 36, 0.5)]
    region = canvas.piece(crown, fabric, drape=Drape(degrees=4), folds=folds)
    if contrast:
        mesh = path(
            curve((-30, 240), (-56, 330), (-62, band_y + 40)),
            points((-260, band_y + 40), (-260, 240)),
        )
        net = fabric.of(SOLE_WHITE if fabric.colour.lightness < 0.7 else fabric.colour.darker(0.3))
        canvas.piece(mesh, net, within=region)
        for x in range(-230, 0, 9):
            canvas.stroke(
                points((x, 240), (x - 30, band_y + 40)),
                1.2,
                net.colour.darker(0.5),
                0.5,
                within=canvas.region(mesh).within(region),
            )
            canvas.stroke(
                points((x - 60, 240), (x + 30, band_y + 40)),
                1.2,
                net.colour.darker(0.5),
                0.5,
                within=canvas.region(mesh).within(region),
            )
    thread = (
        fabric.colour.darker(0.4) if fabric.colour.lightness > 0.3 else fabric.colour.lighter(0.3)
    )
    for seam in (
        curve((0, 246), (-60, 300), (-72, 400), (-62, band_y + 28)),
        curve((0, 246), (80, 296), (108, 390), (106, band_y + 18)),
        curve((0, 246), (-120, 280), (-176, 360), (-180, band_y)),
    ):
        canvas.seam(seam, fabric, strength=0.8, within=region)
        canvas.stitches(moved(seam, x=5), thread, width=1.2, opacity=0.5, within=region)
        canvas.stitches(moved(seam, x=-5), thread, width=1.2, opacity=0.5, within=region)
    for x, y in ((-30, 316), (50, 312), (-128, 330)):
        canvas.flat(canvas.region(ellipse((x, y), 5)), fabric.colour.darker(0.45))
        canvas.flat(canvas.region(ellipse((x, y), 2.5)), Rgb(0.08, 0.08, 0.08))
    canvas.piece(ellipse((0, 244), 17, 9), peak_cloth.plain(), lift=1)
    _draw_badge(canvas, design, 36, 388)
    peak = path(
        curve((-40, band_y + 22), (40, band_y + 14), (120, band_y - 4), (176, band_y - 26)),
        curve((176, band_y - 26), (236, band_y - 18), (290, band_y + 14), (296, band_y + 40)),
        curve(
            (296, band_y + 40),
            (230, band_y + 40),
            (110, band_y + 66),
            (10, band_y + 56),
            (-40, band_y + 22),
        ),
    )
    brim = canvas.piece(peak, peak_cloth, drape=Drape(degrees=6), lift=4)
    for share in (0.30, 0.55, 0.80):
        row = curve(
            (-30 + 20 * share, band_y + 22 + 24 * share),
            (100, band_y + 6 + 52 * share),
            (200 + 40 * share, band_y - 14 + 46 * share),
            (270 + 24 * share, band_y + 4 + 34 * share),
        )
        canvas.stitches(row, thread, width=1.3, opacity=0.55, within=brim)
    under = curve((296, band_y + 40), (230, band_y + 40), (110, band_y + 66), (10, band_y + 56))
    canvas.piece(band(under, -6), peak_cloth.of(peak_cloth.colour.darker(0.4)))


def _draw_badge(canvas: Canvas, design: Design, x: float, y: float) -> None:
    rng = design.random("badge")
    tone = design.trims[0]
    match rng.choice(("round", "mountain", "none", "letter")):
        case "round":
            canvas.piece(ellipse((x, y), 30, 34), Fabric(RIB, tone).of(tone), lift=1.4)
            canvas.stitches(ellipse((x, y), 25, 29), tone.darker(0.4), width=1.4)
        case "mountain":
            peaks = points(
                (x - 36, y + 22),
                (x - 12, y - 20),
                (x + 2, y + 2),
                (x + 14, y - 10),
                (x + 34, y + 18),
            )
            canvas.flat(canvas.region(peaks), tone, 0.95)
        case "letter":
            bar = path(
                curve((x - 20, y + 26), (x - 16, y - 26), (x + 20, y + 26), (x + 22, y - 28))
            )
            canvas.stroke(points(*map(tuple, bar[:: max(1, len(bar) // 8)])), 9, tone, 0.95)
        case _:
            pass


def draw_hat(canvas: Canvas, design: Design) -> None:
    """Draw a hat with a brim or a knitted beanie; the cut's `style` is its kind."""
    match design.cut["style"]:
        case "beanie" | "bobble hat":
            _draw_beanie(canvas, design)
        case "bucket hat":
            _draw_bucket(canvas, design)
        case style:
            _draw_brimmed(canvas, design, wide=style == "sun hat")


def _draw_beanie(canvas: Canvas, design: Design) -> None:
    fabric = design.fabric.made_of(KNIT)
    dome = path(
        curve((0, 214), (76, 224), (150, 290), (180, 400), (182, 500)),
        curve((182, 500), (90, 516), (0, 518)),
    )
    folds = [
        Fold(curve((0, 216), (x * 0.6, 320), (x, 500)), 26, depth)
        for x, depth in ((-130, -0.5), (-60, -0.5), (20, -0.4), (90, -0.5), (150, -0.5))
    ]
    canvas.piece(symmetric(dome), fabric, drape=Drape(0, 220), folds=folds)
    cuff = path(
        curve((0, 446), (110, 440), (188, 428)),
        curve((188, 428), (197, 480), (190, 536)),
        curve((190, 536), (110, 550), (0, 554)),
    )
    trim = (
        fabric.of(design.trims[0], RIB)
        if design.cut["style"] == "bobble hat"
        else fabric.plain(RIB)
    )
    canvas.piece(symmetric(cuff), trim, lift=4)
    if design.cut["style"] == "bobble hat":
        rng = design.random("bobble")
        yarn = Fabric(KNIT, design.trims[0]).of(design.trims[0])
        for ring, count in ((44, 16), (26, 11), (6, 4)):
            for index in range(count):
                spot = ellipse((0, 190), ring)[round(48 * index / count) % 48]
                tuft = ellipse((float(spot[0]), float(spot[1])), rng.uniform(15, 20))
                canvas.piece(tuft, yarn, tone=rng.uniform(-0.08, 0.08))
    else:
        tag = points((70, 476), (128, 472), (130, 512), (72, 516))
        canvas.piece(tag, fabric.of(LEATHER_TAN), lift=1.5)


def _draw_bucket(canvas: Canvas, design: Design) -> None:
    fabric = design.fabric
    brim = path(
        curve((0, 430), (150, 420), (190, 430)),
        curve((190, 430), (240, 500), (262, 560)),
        curve((262, 560), (140, 596), (0, 604)),
    )
    outline = symmetric(brim)
    region = canvas.piece(outline, fabric, drape=Drape(0, 420, apex=500))
    thread = fabric.colour.darker(0.35)
    for y, x in ((470, 214), (502, 232), (534, 248)):
        row = full_width(curve((0, y + 38), (0.6 * x, y + 32), (x, y)))
        canvas.stitches(row, thread, opacity=0.5, within=region)
    crown = path(
        curve((0, 262), (90, 262), (136, 276)),
        curve((136, 276), (164, 350), (186, 434)),
        curve((186, 434), (100, 462), (0, 468)),
    )
    body = canvas.piece(symmetric(crown), fabric, drape=Drape(0, 270, apex=900), lift=2)
    top = ellipse((0, 276), 134, 22)
    canvas.piece(top, fabric, drape=Drape(0, 260), tone=0.03, within=body)
    rim = full_width(curve((0, 298), (90, 294), (134, 278)))
    canvas.seam(rim, fabric, strength=0.8)
    for x, y in ((120, 372), (142, 366), (-120, 372), (-142, 366)):
        canvas.piece(ellipse((x, y), 5.5), Fabric(METAL, SILVER), lift=0.8)


def _draw_brimmed(canvas: Canvas, design: Design, *, wide: bool) -> None:
    fabric = (
        design.fabric.made_of(STRAW) if wide or design.material.name == "straw" else design.fabric
    )
    reach = 292.0 if wide else 252.0
    drop = 42.0 if wide else 26.0
    back = path(
        curve((0, 418), (0.6 * reach, 426), (reach, 470)),
        curve((reach, 470), (0.6 * reach, 500), (0, 510)),
    )
    canvas.piece(symmetric(back), fabric, tone=-0.12)
    brim = path(
        curve((0, 452), (0.5 * reach, 450), (reach, 466)),
        curve((reach, 466), (reach - 10, 490), (0.6 * reach, 500 + drop), (0, 512 + drop)),
    )
    canvas.piece(symmetric(brim), fabric, drape=Drape(0, 440, sag=-6), lift=1.5)
    edge = full_width(
        curve((0, 512 + drop), (0.6 * reach, 500 + drop), (reach - 10, 490), (reach, 468))
    )
    canvas.piece(band(edge, 7), fabric.plain(), tone=-0.08)
    if wide:
        crown = path(
            curve((0, 282), (76, 286), (124, 330), (140, 400), (146, 470)),
            curve((146, 470), (80, 488), (0, 492)),
        )
        folds = []
    else:
        crown = path(
            curve((0, 284), (40, 264), (92, 268), (118, 300), (134, 390), (146, 470)),
            curve((146, 470), (80, 488), (0, 492)),
        )
        folds = [
            Fold(curve((0, 284), (-4, 320), (0, 360)), 50, -0.9),
            Fold(curve((84, 300), (72, 340), (80, 380)), 40, -0.6),
            Fold(curve((-84, 300), (-72, 340), (-80, 380)), 40, -0.6),
        ]
    region = canvas.piece(symmetric(crown), fabric, drape=Drape(0, 280), folds=folds, lift=3)
    tone = design.trims[0] if wide else fabric.colour.darker(0.5)
    if abs(tone.lightness - fabric.colour.lightness) < 0.15:
        tone = fabric.colour.darker(0.55)
    ring = path(
        full_width(curve((0, 444), (80, 440), (143, 424))),
        full_width(curve((0, 490), (80, 486), (147, 468)))[::-1],
    )
    canvas.piece(ring, Fabric(RIB, tone).of(tone), lift=1.2, within=region)
    if wide and design.random("bow").random() < 0.5:
        for end in ((188, 520), (216, 486)):
            canvas.piece(ribbon(curve((120, 462), (160, 478), end), 20), Fabric(RIB, tone), lift=2)
