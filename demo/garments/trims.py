"""Details of garments: collars, bands, plackets, pockets and hems."""

from __future__ import annotations

from demo.canvas import Canvas
from demo.curves import (
    Points,
    band,
    box,
    curve,
    ellipse,
    full_width,
    mirror,
    mirror_pair,
    moved,
    offset,
    path,
    points,
    portion,
    scaled,
    symmetric,
)
from demo.fabric import METAL, RIB, Drape, Fabric
from demo.garments.torso import Sleeve, Torso
from demo.palette import SILVER, Rgb
from demo.region import Region


def draw_inside(
    canvas: Canvas, torso: Torso, neckline: Points, fabric: Fabric, *, label: bool = True
) -> None:
    """Draw the inside of the back, which is visible through the neckline."""
    canvas.piece(torso.inside_back(neckline), fabric.plain(), tone=-0.30)
    x, y = neckline[-1]
    back = full_width(curve((0, y + 16), (0.6 * x, y + 13), (x, y)))
    canvas.piece(band(back, -10), fabric.plain(RIB), tone=-0.12)
    if label:
        tag = canvas.region(points((-13, y + 22), (13, y + 22), (13, y + 36), (-13, y + 36)))
        canvas.flat(tag, Rgb(0.93, 0.92, 0.89), 0.85)
        canvas.stroke(points((-8, y + 29), (8, y + 29)), 1.6, Rgb(0.4, 0.4, 0.42), 0.7)


def draw_neck_band(
    canvas: Canvas, neckline: Points, fabric: Fabric, width: float = 13.0, *, lift: float = 1.6
) -> None:
    """Draw a ribbed band along the front neckline."""
    line = full_width(neckline)
    canvas.piece(band(line, -width), fabric.plain(RIB), lift=lift)
    canvas.seam(offset(line, -width), fabric, strength=0.40)


def draw_hem(canvas: Canvas, line: Points, fabric: Fabric, height: float = 13.0) -> None:
    """Draw a hem with two rows of stitches; `line` is its lower edge."""
    thread = fabric.colour.darker(0.35)
    for above in (height, height + 4):
        canvas.stitches(moved(line, y=-above), thread, dash=4.5, width=1.3, opacity=0.45)


def draw_rib_hem(canvas: Canvas, torso: Torso, fabric: Fabric, height: float) -> None:
    """Draw a ribbed band at the hem of the body."""
    line = full_width(torso.hem_line[::-1])
    canvas.piece(path(moved(line, y=-height), line[::-1]), fabric.plain(RIB), lift=1.6)


def draw_rib_cuffs(canvas: Canvas, sleeve: Sleeve, fabric: Fabric, share: float) -> None:
    """Draw ribbed cuffs on both sleeves, from `share` of their length to the hand."""
    canvas.mirrored_piece(sleeve.end(share), fabric.plain(RIB), drape=sleeve.drape, lift=1.5)


def draw_cuff_stitches(canvas: Canvas, sleeve: Sleeve, fabric: Fabric, share: float) -> None:
    """Draw the stitches of the hems of both sleeves."""
    for line in mirror_pair(sleeve.across(share)):
        canvas.stitches(line, fabric.colour.darker(0.35), dash=4.5, width=1.3, opacity=0.55)


def button_colour(fabric: Fabric) -> Rgb:
    """Return a button colour that is visible on the cloth."""
    if fabric.colour.lightness < 0.6:
        return fabric.colour.lighter(0.55)
    return fabric.colour.darker(0.14)


def draw_placket(
    canvas: Canvas, fabric: Fabric, top: float, height: float, buttons: int, width: float = 28.0
) -> None:
    """Draw a short button placket below the neckline."""
    half = width / 2
    strip = points((-half, top - 6), (half, top - 6), (half, top + height), (-half, top + height))
    canvas.piece(strip, fabric, lift=1.5)
    end = points((-half, top + height - 14), (half, top + height - 14))
    canvas.stitches(end, fabric.colour.darker(0.4), width=1.2, opacity=0.6)
    for index in range(buttons):
        y = top + 16 + index * (height - 40) / max(1, buttons - 1)
        canvas.button(0, y, 5.2, button_colour(fabric))


def draw_button_front(
    canvas: Canvas,
    fabric: Fabric,
    top: float,
    bottom: float,
    buttons: int,
    *,
    drape: Drape,
    width: float = 30.0,
    radius: float = 5.4,
    colour: Rgb | None = None,
    within: Region | None = None,
) -> None:
    """Draw a button placket down the whole front."""
    half = width / 2
    strip = points((-half, top), (half, top), (half, bottom), (-half, bottom))
    canvas.piece(strip, fabric, drape=drape, lift=1.2, within=within)
    for x in (-half + 4, half - 4):
        line = points((x, top), (x, bottom))
        canvas.stitches(
            line, fabric.colour.darker(0.35), dash=4, width=1.2, opacity=0.4, within=within
        )
    for index in range(buttons):
        y = top + 24 + index * (bottom - top - 66) / max(1, buttons - 1)
        canvas.button(0, y, radius, colour or button_colour(fabric))


def draw_collar(
    canvas: Canvas,
    fabric: Fabric,
    torso: Torso,
    *,
    spread: float = 50.0,
    fall: float = 88.0,
    stitched: bool = True,
) -> None:
    """Draw a turned-down collar.

    `spread` is the distance of its points from the middle, `fall` their distance below the neck.
    """
    n, y, drop = torso.neck, torso.top, torso.drop
    crest = curve((0, y - 12), (0.6 * n, y - 14), (n + 2, y - 17))
    dip = curve((n - 2, y - 10), (0.62 * n, y + 14), (0, y + 22))
    canvas.piece(symmetric(path(crest, dip)), fabric, tone=-0.20)
    canvas.stroke(
        full_width(curve((0, y + 6), (0.6 * n, y + 2), (n - 4, y - 8))), 2, Rgb(0, 0, 0), 0.25
    )
    outer = curve((n + 19, y + 12), (n + 5, y + 0.55 * fall), (spread, y + fall + 14))
    lower = curve((spread, y + fall + 14), (0.5 * spread, y + 0.7 * fall + 9), (2, y + drop + 4))
    leaf = path(
        curve((2, y + drop + 4), (0.48 * n, y + 0.52 * drop), (0.84 * n, y), (n - 4, y - 18)),
        curve((n - 4, y - 18), (n + 10, y - 13), (n + 19, y + 12)),
        outer,
        lower,
    )
    canvas.mirrored_piece(leaf, fabric, drape=Drape(degrees=38.0), lift=3.0)
    if stitched:
        edge = path(portion(outer, 0.05, 0.94), portion(lower, 0.10, 0.92))
        for line in mirror_pair(moved(edge, x=-5.5, y=-3.5)):
            canvas.stitches(line, fabric.colour.darker(0.35), dash=4, gap=3, width=1.2, opacity=0.5)


def draw_patch_pocket(
    canvas: Canvas,
    fabric: Fabric,
    x: float,
    y: float,
    width: float,
    height: float,
    *,
    drape: Drape,
    flap: bool = False,
    thread: Rgb | None = None,
) -> None:
    """Draw a patch pocket; `x` is its middle and `y` its upper edge."""
    half = width / 2
    outline = path(
        points((x - half, y), (x + half, y), (x + half - 1, y + 0.80 * height)),
        points((x, y + height), (x - half + 1, y + 0.80 * height)),
    )
    canvas.piece(outline, fabric, drape=drape, lift=1.6)
    stitch = thread or fabric.colour.darker(0.4)
    inner = path(
        points((x - half + 4, y + 3), (x - half + 5, y + 0.78 * height)),
        points((x, y + height - 5), (x + half - 5, y + 0.78 * height), (x + half - 4, y + 3)),
    )
    canvas.stitches(inner, stitch, dash=4.5, gap=3, width=1.3, opacity=0.7)
    if flap:
        cover = path(
            points((x - half - 3, y - 8), (x + half + 3, y - 8), (x + half + 2, y + 0.26 * height)),
            points((x, y + 0.42 * height), (x - half - 2, y + 0.26 * height)),
        )
        canvas.piece(cover, fabric, drape=drape, lift=2.4)
        edge = points((x - half + 2, y + 0.24 * height), (x, y + 0.37 * height))
        rest = points((x + half - 2, y + 0.24 * height))
        canvas.stitches(path(edge, rest), stitch, dash=4.5, gap=3, width=1.3, opacity=0.7)
        canvas.button(x, y + 0.25 * height, 4.6, button_colour(fabric))
    else:
        top = points((x - half + 3, y + 11), (x + half - 3, y + 11))
        canvas.stitches(top, stitch, dash=4.5, gap=3, width=1.3, opacity=0.7)


def draw_zip(canvas: Canvas, fabric: Fabric, top: float, bottom: float) -> None:
    """Draw a zip in the middle of the front."""
    tape = fabric.of(fabric.colour.darker(0.35))
    canvas.piece(points((-9, top), (9, top), (9, bottom), (-9, bottom)), tape)
    teeth = points((0, top + 2), (0, bottom))
    canvas.stroke(teeth, 6.0, SILVER.darker(0.55), 0.9)
    canvas.stitches(teeth, SILVER.lighter(0.3), dash=2.6, gap=2.4, width=5.0, opacity=0.9)
    canvas.piece(
        points((-5, top + 4), (5, top + 4), (4, top + 34), (-4, top + 34)),
        Fabric(METAL, SILVER),
        lift=2.0,
    )


def draw_buckle(
    canvas: Canvas, x: float, y: float, width: float, height: float, metal: Rgb, inside: Fabric
) -> None:
    """Draw a rectangular buckle on a strap or belt; `(x, y)` is its centre."""
    frame = box(x, y, width, height)
    canvas.piece(frame, Fabric(METAL, metal), lift=1.8)
    canvas.piece(scaled(frame, 0.62), inside)
    canvas.stroke(points((x, y), (x + 0.5 * width, y)), 2.4, metal)


def draw_drawstrings(canvas: Canvas, colour: Rgb, x: float, top: float, fall: float) -> None:
    """Draw two cords with metal tips that hang from eyelets."""
    for side, more in ((1.0, 0.0), (-1.0, 12.0)):
        hang = curve(
            (side * x, top), (side * (x + 5), top + 0.4 * fall), (side * (x + 1), top + fall + more)
        )
        canvas.flat(canvas.region(ellipse((side * x, top), 5.0)), SILVER.darker(0.3))
        canvas.stroke(moved(hang, 2.0, 2.0), 7.0, Rgb(0, 0, 0), 0.20)
        canvas.stroke(hang, 6.0, colour.darker(0.18))
        canvas.stroke(moved(hang, -0.8), 3.4, colour)
        canvas.stroke(portion(hang, 0.88, 1.0), 6.4, SILVER.darker(0.15))


def draw_flap_line(canvas: Canvas, fabric: Fabric, line: Points) -> None:
    """Draw a slanted welt pocket on both sides of the front."""
    for side in (line, mirror(line)):
        canvas.stroke(side, 9.0, fabric.colour.darker(0.22), 0.9)
        canvas.stroke(moved(side, 1.5, 0), 1.6, fabric.colour.darker(0.75), 0.7)
