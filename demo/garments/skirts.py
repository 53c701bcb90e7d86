"""Skirts, alone or as the lower part of a dress."""

from __future__ import annotations

from dataclasses import dataclass

from demo.canvas import Canvas, Fold
from demo.curves import (
    Points,
    curve,
    mirror,
    mirror_pair,
    moved,
    path,
    points,
)
from demo.design import Design
from demo.fabric import Drape
from demo.garments import torso as body
from demo.garments import trims
from demo.garments.blouses import draw_bow
from demo.palette import THREAD_GOLD
from demo.region import Region


@dataclass(frozen=True)
class SkirtShape:
    """The half widths and heights of a skirt, and the fullness of its hem."""

    top: float
    waist: float
    hip: float
    hem: float
    bottom: float
    waves: int = 0
    sag: float = 16.0

    @property
    def waist_line(self) -> Points:
        """The waist, from left to right."""
        return curve((-self.waist, self.top), (0, self.top + 7), (self.waist, self.top))

    @property
    def hem_line(self) -> Points:
        """The hem, from right to left."""
        depth = 7.0 if self.waves else 0.0
        return body.wavy_hem(self.hem, self.bottom, self.sag, max(1, self.waves), depth)

    @property
    def side(self) -> Points:
        """The right side seam, downwards."""
        tall = self.bottom - self.top
        end = self.hem_line[0]
        middle = (self.hip + 0.48 * (self.hem - self.hip), self.top + 0.62 * tall)
        return curve((self.waist, self.top), (self.hip, self.top + 0.26 * tall), middle, tuple(end))

    @property
    def outline(self) -> Points:
        return path(self.waist_line, self.side, self.hem_line, mirror(self.side)[::-1])

    @property
    def drape(self) -> Drape:
        spread = max(self.hem - self.waist, 1.0)
        apex = self.waist * (self.bottom - self.top) / spread
        return Drape(0, self.top, apex=min(apex, 4000.0))


def draw_skirt_part(
    canvas: Canvas, design: Design, shape: SkirtShape, *, pleats: int = 0, lift: float = 1.5
) -> Region:
    """Draw a skirt, with sharp pleats if their number is given, otherwise with soft folds."""
    rng = design.random("skirt")
    hem = shape.hem_line[::-1]
    if pleats:
        folds = body.gathers(
            rng, shape.waist_line, hem, pleats, width=13, depth=0.95, full_length=True
        )
    elif shape.waves:
        folds = body.gathers(
            rng, shape.waist_line, hem, 2 * shape.waves + 1, width=30, full_length=True
        )
    else:
        folds = body.gathers(rng, shape.waist_line, hem, 4, width=34, depth=0.4)
        for side in (1.0, -1.0):
            x, y = side * shape.hip, shape.top + 60
            pull = curve((x, y), (0.6 * x, y + 14), (0.25 * x, y - 4))
            folds.append(Fold(pull, 22, -0.4))
    return canvas.piece(shape.outline, design.fabric, drape=shape.drape, folds=folds, lift=lift)


def draw_skirt(canvas: Canvas, design: Design) -> None:
    """Draw a skirt; the cut's `style` is its silhouette."""
    rng, style, fabric = design.random("skirt shape"), design.cut["style"], design.fabric
    change = rng.uniform(-16, 16)
    match style:
        case "pencil skirt":
            shape = SkirtShape(150, 112, 164, 140, 656 + change, sag=6)
        case "pleated skirt":
            shape = SkirtShape(170, 116, 164, 236, 590 + change, waves=9, sag=30)
        case "maxi skirt":
            shape = SkirtShape(96, 104, 146, 218, 724, waves=4, sag=24)
        case "mini skirt":
            shape = SkirtShape(220, 140, 186, 216, 560 + change, sag=20)
        case _:
            shape = SkirtShape(160, 118, 174, 232, 630 + change, waves=4, sag=32)
    inside = path(
        moved(shape.waist_line[::-1], y=2),
        curve((-shape.waist, shape.top - 22), (0, shape.top - 25), (shape.waist, shape.top - 22)),
    )
    canvas.piece(inside, fabric.plain(), tone=-0.32)
    pleats = 17 if style == "pleated skirt" else 0
    region = draw_skirt_part(canvas, design, shape, pleats=pleats)
    if style == "maxi skirt" and rng.random() < 0.6:
        for share in (0.36, 0.68):
            y = shape.top + share * (shape.bottom - shape.top)
            x = shape.waist + share * (shape.hem - shape.waist) + 14
            tier = curve((-x, y), (0, y + shape.sag), (x, y))
            canvas.seam(tier, fabric, strength=0.8, within=region)
    elif style == "pencil skirt":
        slit = points((52, shape.bottom + 8), (52, shape.bottom - 96))
        canvas.seam(slit, fabric, strength=0.9, within=region)
    if style == "mini skirt":
        _finish_mini(canvas, design, shape, region)
    elif not shape.waves:
        trims.draw_hem(canvas, shape.hem_line[::-1], fabric, 12)
    canvas.piece(_waistband(shape), fabric.plain(), lift=1.6)
    if style in ("A-line skirt", "maxi skirt") and rng.random() < 0.5:
        draw_bow(canvas, design, 0, shape.top + 2, 0.9)
    elif style != "pleated skirt":
        canvas.button(0, shape.top - 4, 6.5, trims.button_colour(fabric))


def _waistband(shape: SkirtShape) -> Points:
    upper = moved(shape.waist_line, y=-22)
    return path(upper, moved(shape.waist_line, y=4)[::-1])


def _finish_mini(canvas: Canvas, design: Design, shape: SkirtShape, region: Region) -> None:
    fabric = design.fabric
    denim = design.pattern_name == "Denim"
    thread = THREAD_GOLD if denim else fabric.colour.darker(0.35)
    middle = points((0, shape.top), (0, shape.bottom + shape.sag))
    canvas.seam(middle, fabric, within=region)
    canvas.stitches(moved(middle, x=6), thread, within=region)
    for line in mirror_pair(curve((54, shape.top), (78, shape.top + 50), (150, shape.top + 62))):
        canvas.seam(line, fabric, within=region)
        canvas.stitches(moved(line, y=6), thread, within=region)
    trims.draw_hem(canvas, shape.hem_line[::-1], fabric, 12)
