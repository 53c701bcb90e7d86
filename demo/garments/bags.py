"""Handbags, totes, crossbody bags and backpacks."""

from __future__ import annotations

from demo.canvas import Canvas, Fold
from demo.curves import (
    Points,
    curve,
    ellipse,
    full_width,
    mirror_pair,
    moved,
    path,
    points,
    ribbon,
    symmetric,
)
from demo.design import Design
from demo.fabric import METAL, Drape, Fabric
from demo.palette import GOLD, LEATHER_TAN, SILVER
from demo.region import Region


def draw_bag(canvas: Canvas, design: Design) -> None:
    """Draw a bag; the cut's `style` is its kind."""
    match design.cut["style"]:
        case "backpack":
            _draw_backpack(canvas, design)
        case "tote bag":
            _draw_tote(canvas, design)
        case "crossbody bag":
            _draw_crossbody(canvas, design)
        case _:
            _draw_satchel(canvas, design)


def _handles(canvas: Canvas, fabric: Fabric, line: Points, width: float) -> None:
    canvas.piece(ribbon(line, width), fabric, lift=2.5)
    canvas.stitches(moved(line, y=2), fabric.colour.darker(0.45), width=1.3, opacity=0.6)


def _draw_tote(canvas: Canvas, design: Design) -> None:
    fabric = design.fabric
    leather = fabric.of(LEATHER_TAN) if design.random("handle").random() < 0.5 else fabric.plain()
    arc = full_width(curve((0, 112), (58, 134), (88, 210), (96, 330)))
    canvas.piece(ribbon(moved(arc, 8, -10), 16), leather, tone=-0.25)
    outline = symmetric(
        path(
            curve((0, 300), (120, 296), (196, 290)),
            curve((196, 290), (206, 460), (216, 640)),
            curve((216, 640), (206, 662), (180, 664)),
            points((0, 666)),
        )
    )
    folds = [
        Fold(curve((-150, 310), (-110, 430), (-140, 560)), 46, -0.5),
        Fold(curve((120, 330), (150, 470), (110, 600)), 50, 0.5),
        Fold(curve((-190, 640), (-110, 610), (-20, 640)), 36, -0.5),
        Fold(curve((190, 630), (120, 600), (50, 640)), 36, -0.4),
    ]
    canvas.piece(outline, fabric, drape=Drape(0, 290), folds=folds)
    hem = full_width(curve((0, 322), (120, 318), (198, 312)))
    canvas.stitches(hem, fabric.colour.darker(0.4), opacity=0.6)
    _handles(canvas, leather, arc, 16)
    for side in (1.0, -1.0):
        patch = moved(points((-15, 296), (15, 296), (15, 352), (-15, 352)), side * 96)
        canvas.piece(patch, leather, lift=1.5)
        cross = moved(points((-11, 302), (11, 346), (11, 302), (-11, 346)), side * 96)
        canvas.stitches(cross, leather.colour.darker(0.5), width=1.3)


def _draw_satchel(canvas: Canvas, design: Design) -> None:
    fabric = design.fabric
    handle = full_width(curve((0, 170), (60, 182), (92, 230), (100, 318)))
    canvas.piece(ribbon(moved(handle, 6, -8), 15), fabric.plain(), tone=-0.25)
    outline = symmetric(
        path(
            curve((0, 310), (110, 306), (178, 318)),
            curve((178, 318), (214, 460), (236, 580)),
            curve((236, 580), (234, 606), (206, 612)),
            points((0, 616)),
        )
    )
    body = canvas.piece(outline, fabric, drape=Drape(0, 310))
    for line in mirror_pair(curve((150, 312), (172, 460), (186, 614))):
        canvas.seam(line, fabric, strength=0.8, within=body)
        canvas.stitches(moved(line, x=-6), fabric.colour.darker(0.45), width=1.3, within=body)
    flap = symmetric(
        path(
            curve((0, 304), (110, 300), (182, 312)),
            curve((182, 312), (190, 370), (172, 424)),
            curve((172, 424), (90, 456), (0, 466)),
        )
    )
    canvas.piece(flap, fabric, drape=Drape(0, 310), lift=5)
    edge = full_width(curve((0, 456), (88, 446), (164, 416), (180, 370)))
    canvas.stitches(edge, fabric.colour.darker(0.45), width=1.3, opacity=0.7)
    canvas.piece(points((-20, 446), (20, 446), (17, 494), (-17, 494)), fabric.plain(), lift=2)
    canvas.piece(ellipse((0, 470), 14), Fabric(METAL, GOLD), lift=2)
    canvas.flat(canvas.region(ellipse((0, 470), 5)), GOLD.darker(0.5))
    _handles(canvas, fabric.plain(), handle, 15)
    for side in (1.0, -1.0):
        canvas.piece(ellipse((side * 100, 322), 13), Fabric(METAL, GOLD), lift=1.4)
        canvas.flat(canvas.region(ellipse((side * 100, 322), 7)), fabric.colour.darker(0.5))


def _draw_crossbody(canvas: Canvas, design: Design) -> None:
    fabric = design.fabric
    chain = full_width(curve((0, 96), (120, 130), (186, 250), (196, 372)))
    links = canvas.region(ribbon(chain, 4))
    canvas.flat(links, GOLD.darker(0.45))
    canvas.stitches(chain, GOLD.lighter(0.25), dash=9, gap=5, width=8.5, opacity=1)
    canvas.stitches(chain, GOLD.darker(0.4), dash=4, gap=10, width=3.5, opacity=0.9)
    outline = symmetric(
        path(
            curve((0, 356), (120, 354), (190, 360)),
            curve((190, 360), (210, 380), (210, 500), (200, 580)),
            curve((200, 580), (184, 606), (110, 610), (0, 612)),
        )
    )
    body = canvas.piece(outline, fabric, drape=Drape(0, 356))
    if design.pattern_name == "Plain" and design.random("quilt").random() < 0.5:
        for shift in range(-640, 640, 46):
            for lean in (250, -250):
                quilt = points((shift, 350), (shift + lean, 620))
                canvas.seam(quilt, fabric, strength=0.7, within=body)
    flap = symmetric(
        path(
            curve((0, 350), (120, 348), (194, 356)),
            curve((194, 356), (204, 420), (150, 470), (60, 500), (0, 504)),
        )
    )
    canvas.piece(flap, fabric, drape=Drape(0, 356), lift=5)
    edge = full_width(curve((0, 495), (58, 491), (144, 463), (192, 412)))
    canvas.stitches(edge, fabric.colour.darker(0.45), width=1.3, opacity=0.7)
    canvas.piece(
        points((-18, 480), (18, 480), (14, 524), (-14, 524)), Fabric(METAL, GOLD), lift=2.4
    )


def _draw_backpack(canvas: Canvas, design: Design) -> None:
    fabric = design.fabric
    trim = fabric.of(design.tonal)
    for line in mirror_pair(curve((120, 250), (214, 330), (228, 500), (176, 640))):
        canvas.piece(ribbon(line, 30), trim, tone=-0.1)
    loop = full_width(curve((0, 128), (36, 136), (44, 180)))
    canvas.piece(ribbon(loop, 15), trim)
    outline = symmetric(
        path(
            curve((0, 160), (100, 170), (160, 230), (176, 330)),
            curve((176, 330), (192, 500), (188, 640)),
            curve((188, 640), (178, 684), (120, 692), (0, 694)),
        )
    )
    body = canvas.piece(outline, fabric, drape=Drape(0, 160, sag=3), lift=2)
    zip_line = full_width(curve((0, 214), (84, 222), (128, 272), (140, 370)))
    _zip_row(canvas, fabric, zip_line, body)
    pocket = symmetric(
        path(
            curve((0, 436), (110, 440), (144, 462)),
            curve((144, 462), (156, 560), (150, 640)),
            curve((150, 640), (130, 664), (0, 668)),
        )
    )
    front = canvas.piece(pocket, fabric, drape=Drape(0, 160, sag=3), lift=4)
    _zip_row(canvas, fabric, full_width(curve((0, 468), (100, 470), (138, 486))), front)
    for side in (1.0, -1.0):
        mesh = points((150, 500), (194, 492), (192, 640), (152, 650)) * (side, 1.0)
        canvas.piece(mesh, trim, lift=2)
    patch = points((-30, 350), (30, 350), (30, 396), (-30, 396))
    canvas.piece(patch, fabric.of(LEATHER_TAN), lift=1.5)
    canvas.stitches(
        points((-25, 355), (25, 355), (25, 391), (-25, 391), (-25, 355)),
        LEATHER_TAN.darker(0.4),
        width=1.2,
    )


def _zip_row(canvas: Canvas, fabric: Fabric, line: Points, within: Region) -> None:
    canvas.stroke(line, 12, fabric.colour.darker(0.45), 0.9, within=within)
    canvas.stroke(line, 4.5, SILVER.darker(0.5), 1.0, within=within)
    canvas.stitches(line, SILVER, dash=2.5, gap=2.5, width=4, within=within)
    x, y = line[-1]
    canvas.piece(
        points((x - 5, y - 4), (x + 5, y - 4), (x + 4, y + 30), (x - 4, y + 30)),
        Fabric(METAL, SILVER),
        lift=1.5,
    )
