"""Running shoes and high-tops, and helpers for all sneakers."""

from __future__ import annotations

from demo.canvas import Canvas, Fold
from demo.curves import Points, band, curve, ellipse, moved, offset, path, points
from demo.design import Design
from demo.fabric import CANVAS, LEATHER, MESH, RUBBER, Drape, Fabric
from demo.garments.shoe_parts import GROUND, draw_lace_bow, draw_laces
from demo.palette import GUM, SOLE_BLACK, SOLE_WHITE, Rgb


def sole_colour(design: Design) -> Rgb:
    """Return a sole colour for the upper: mostly white, and never black for a white shoe."""
    choices = [SOLE_WHITE, SOLE_WHITE, SOLE_WHITE, GUM]
    if design.colour.lightness <= 0.8:
        choices.append(SOLE_BLACK)
    return design.random("sole").choice(choices)


def accent_colour(design: Design) -> Rgb:
    first, second = design.trims
    return first if abs(first.lightness - design.colour.lightness) > 0.12 else second


def lace_colour(design: Design) -> Rgb:
    return (
        SOLE_WHITE
        if design.colour.lightness < 0.8
        else design.random("lace").choice((SOLE_WHITE.darker(0.06), accent_colour(design)))
    )


def draw_cup_sole(canvas: Canvas, colour: Rgb, tread: Rgb, thick: float = 40.0) -> Points:
    """Draw a flat stitched rubber sole; returns its upper edge, from the heel to the toe."""
    top = GROUND - thick
    upper = curve(
        (-246, top - 2),
        (-120, top + 5),
        (20, top + 8),
        (150, top + 2),
        (228, top - 12),
        (256, top - 24),
    )
    sole = path(
        upper,
        curve(
            (256, top - 24), (263, top - 6), (252, GROUND - 16), (212, GROUND - 3), (150, GROUND)
        ),
        curve((150, GROUND), (-100, GROUND), (-226, GROUND)),
        curve((-226, GROUND), (-243, GROUND - 8), (-249, top + 14), (-246, top - 2)),
    )
    region = canvas.piece(sole, Fabric(RUBBER, colour))
    strip = curve(
        (-246, GROUND - 8),
        (0, GROUND - 8),
        (160, GROUND - 8),
        (220, GROUND - 13),
        (268, GROUND - 34),
    )
    canvas.piece(canvas.region(band(strip, -30)), Fabric(RUBBER, tread), within=region)
    canvas.stroke(strip, 1.6, colour.darker(0.6), 0.45, within=region)
    canvas.stitches(
        moved(upper, y=10),
        colour.darker(0.35),
        dash=5,
        gap=3.5,
        width=1.6,
        opacity=0.6,
        within=region,
    )
    canvas.stroke(moved(upper, y=1.5), 2, colour.lighter(0.7), 0.5, within=region)
    return upper


def draw_runner(canvas: Canvas, design: Design) -> None:
    rng = design.random("runner")
    fabric = design.fabric.made_of(MESH)
    accent = accent_colour(design)
    sole = SOLE_WHITE if rng.random() < 0.75 else SOLE_BLACK
    top = GROUND - 52
    far = path(
        curve((-212, top - 142), (-150, top - 146), (-60, top - 166), (-30, top - 184)),
        points((-30, top - 90), (-200, top - 90)),
    )
    canvas.piece(far, fabric.of(accent), tone=-0.35)
    tongue = curve(
        (-48, top - 160),
        (-64, top - 214),
        (-40, top - 228),
        (-10, top - 210),
        (46, top - 158),
        (110, top - 80),
        (40, top - 96),
        closed=True,
    )
    canvas.piece(tongue, fabric.plain())
    outline = path(
        curve(
            (-236, top + 14),
            (-250, top - 40),
            (-240, top - 100),
            (-226, top - 146),
            (-238, top - 182),
        ),
        curve((-238, top - 182), (-222, top - 190), (-206, top - 166)),
        curve(
            (-206, top - 166),
            (-170, top - 134),
            (-118, top - 120),
            (-68, top - 138),
            (-40, top - 170),
            (-22, top - 178),
        ),
        curve((-22, top - 178), (30, top - 142), (84, top - 98), (126, top - 70)),
        curve((126, top - 70), (168, top - 68), (216, top - 54), (250, top - 24), (260, top + 16)),
        points((258, top + 24), (-236, top + 24)),
    )
    upper = canvas.piece(outline, fabric, drape=Drape(degrees=10), lift=1.5)
    shade = fabric.of(design.tonal, LEATHER)
    toe = path(
        curve((262, top - 30), (214, top - 24), (160, top + 2), (120, top + 26)),
        points((270, top + 30)),
    )
    canvas.piece(toe, shade, lift=1, within=upper)
    saddle = path(
        curve((-22, top - 178), (30, top - 142), (84, top - 98), (126, top - 70)),
        curve((100, top - 60), (70, top - 20), (56, top + 26)),
        points((20, top + 26)),
        curve((20, top + 26), (14, top - 40), (-24, top - 90), (-60, top - 140)),
    )
    canvas.piece(saddle, shade, lift=1, within=upper)
    counter = path(
        points((-262, top - 110)),
        curve((-250, top - 112), (-200, top - 86), (-150, top - 30), (-96, top + 26)),
        points((-262, top + 26)),
    )
    canvas.piece(counter, shade, lift=1, within=upper)
    for index in range(5):
        x = -150 + 34 * index
        rung = curve((x, top - 96 + 6 * index), (x + 16, top - 54), (x + 52, top + 20))
        canvas.stroke(rung, 9 - index, accent, 0.95, taper=0.5, within=upper)
    loop = curve((-232, top - 176), (-258, top - 190), (-252, top - 150), (-240, top - 128))
    canvas.stroke(loop, 8, accent)
    throat = curve((-18, top - 174), (30, top - 142), (84, top - 98), (122, top - 70))
    draw_laces(canvas, throat, 5, lace_colour(design), accent, inset=14, width=7)
    draw_lace_bow(canvas, -18, top - 186, lace_colour(design), 0.7)
    _draw_foam_sole(canvas, sole, accent, top)


def _draw_foam_sole(canvas: Canvas, sole: Rgb, accent: Rgb, top: float) -> None:
    upper_edge = curve(
        (-252, top - 26),
        (-190, top + 2),
        (-60, top + 12),
        (80, top + 10),
        (190, top + 6),
        (264, top - 16),
    )
    outline = path(
        upper_edge,
        curve(
            (264, top - 16),
            (270, top + 6),
            (252, GROUND - 22),
            (206, GROUND - 8),
            (140, GROUND - 1),
        ),
        curve(
            (140, GROUND - 1), (40, GROUND), (-10, GROUND - 9), (-70, GROUND - 6), (-130, GROUND)
        ),
        curve(
            (-130, GROUND), (-220, GROUND), (-254, GROUND - 20), (-268, top - 4), (-252, top - 26)
        ),
    )
    region = canvas.piece(outline, Fabric(RUBBER, sole), lift=1.2)
    for index, depth in enumerate((18, 30)):
        line = curve(
            (-264, top + depth - 14),
            (-170, top + depth + 4),
            (-40, top + depth + 2 + 4 * index),
            (60, top + depth - 6),
        )
        canvas.stroke(line, 3, sole.darker(0.5), 0.30, taper=0.8, within=region)
        canvas.stroke(moved(line, y=2.5), 2, sole.lighter(0.8), 0.5, taper=0.8, within=region)
    wedge = path(
        curve((-262, top + 4), (-200, top + 20), (-120, top + 36), (-60, GROUND - 12)),
        curve((-110, GROUND - 10), (-200, GROUND - 16), (-262, GROUND - 30)),
    )
    canvas.piece(wedge, Fabric(RUBBER, accent), lift=0.8, within=region)
    tread = curve(
        (-250, GROUND - 9),
        (-130, GROUND - 7),
        (-40, GROUND - 15),
        (60, GROUND - 8),
        (150, GROUND - 9),
        (212, GROUND - 17),
        (270, GROUND - 44),
    )
    canvas.piece(
        band(tread, -24),
        Fabric(RUBBER, SOLE_BLACK if sole != SOLE_BLACK else accent),
        within=region,
    )
    for x in range(-220, 220, 24):
        canvas.stroke(
            points((x, GROUND - 7), (x + 3, GROUND + 2)), 3, sole.darker(0.2), 0.6, within=region
        )


def draw_high_top(canvas: Canvas, design: Design) -> None:
    fabric = design.fabric.made_of(CANVAS) if design.material.name != "leather" else design.fabric
    sole = SOLE_WHITE
    top = GROUND - 42
    accent = accent_colour(design)
    far = path(curve((-196, 236), (-120, 222), (-52, 222)), points((-40, 300), (-190, 300)))
    canvas.piece(far, fabric.of(SOLE_WHITE), tone=-0.30)
    tongue = curve(
        (-66, 260),
        (-70, 196),
        (-44, 180),
        (-14, 190),
        (14, 280),
        (60, 350),
        (106, 410),
        (30, 400),
        closed=True,
    )
    canvas.piece(tongue, fabric.plain())
    throat = curve((-48, 214), (-22, 282), (26, 344), (78, 388), (112, 412))
    outline = path(
        curve((-238, top + 10), (-242, 430), (-222, 350), (-206, 290), (-204, 232)),
        curve((-204, 232), (-150, 226), (-96, 220), (-48, 214)),
        throat,
        curve((112, 412), (150, 418), (204, 434), (242, 464), (256, top + 4)),
        points((254, top + 14), (-238, top + 14)),
    )
    folds = [
        Fold(curve((-200, 350), (-130, 372), (-50, 352)), 22, -0.7),
        Fold(curve((-196, 320), (-140, 336), (-90, 326)), 18, -0.5),
        Fold(curve((96, 424), (116, 450), (112, top)), 18, -0.6),
    ]
    upper = canvas.piece(outline, fabric, drape=Drape(degrees=4), folds=folds, lift=1.5)
    thread = SOLE_WHITE if fabric.colour.lightness < 0.7 else fabric.colour.darker(0.35)
    canvas.stitches(offset(throat, -30), thread, width=1.5, within=upper)
    back = curve((-178, 228), (-182, 300), (-200, 380), (-206, top))
    canvas.piece(
        path(back, points((-270, top), (-270, 228))), fabric.plain(), lift=0.8, within=upper
    )
    canvas.stitches(moved(back, x=-6), thread, width=1.5, within=upper)
    side = curve((-98, 222), (-90, 320), (-30, 410), (0, top))
    canvas.stitches(side, thread, width=1.5, within=upper)
    canvas.piece(ellipse((-122, 306), 33), Fabric(RUBBER, SOLE_WHITE), lift=1.4)
    canvas.flat(canvas.region(ellipse((-122, 306), 27)), accent)
    canvas.flat(canvas.region(ellipse((-122, 306), 22)), SOLE_WHITE)
    peak = points((-138, 318), (-122, 290), (-106, 318))
    canvas.flat(canvas.region(peak), accent)
    draw_laces(canvas, throat, 8, lace_colour(design), Rgb(0.75, 0.76, 0.78), width=8)
    cap = path(
        curve((150, 420), (128, 456), (136, top + 16)),
        points((270, top + 16), (270, 430)),
    )
    canvas.piece(cap, Fabric(RUBBER, SOLE_WHITE), lift=1.6, within=upper)
    draw_cup_sole(canvas, sole, SOLE_WHITE.darker(0.05), thick=42)
    foxing = curve((-248, top + 24), (0, top + 30), (150, top + 26), (256, top + 4))
    canvas.stroke(foxing, 4, accent if accent != SOLE_WHITE else fabric.colour, 0.95)
    draw_lace_bow(canvas, -34, 212, lace_colour(design), 0.8)
