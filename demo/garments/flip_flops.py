"""Flip flops, a pair from above."""

from __future__ import annotations

import numpy as np

from demo.canvas import Canvas
from demo.curves import curve, ellipse, moved, ribbon, rotated
from demo.design import Design
from demo.fabric import LEATHER, RUBBER, Fabric
from demo.garments import shoes_from_above
from demo.palette import GOLD, Rgb


def draw_flip_flops(canvas: Canvas, design: Design) -> None:
    """Draw a pair of flip flops; the cut's `strap` is their kind."""
    for foot in shoes_from_above.pair(canvas):
        _draw_one(foot, design)


def _draw_one(foot: shoes_from_above.Foot, design: Design) -> None:
    slim = shoes_from_above.relative_width(design)
    outline = shoes_from_above.sole(slim)
    rim = design.fabric.of(design.trims[0], RUBBER)
    foot.piece(moved(outline, 3.0, 8.0), rim.of(rim.colour.darker(0.25)), lift=3)
    foot.piece(outline, rim)
    bed = foot.piece(outline * np.array([0.93, 0.965]), design.fabric)
    foot.draw_wear(bed, design.fabric, slim)

    leather = design.cut["strap"] == "leather strap"
    strap = Fabric(LEATHER if leather else RUBBER, _strap_colour(design))
    wide = 24.0 if design.cut["strap"] == "wide strap" else 15.0
    post = (-18.0 * slim, -158.0)
    for end, bow in ((96 * slim, 10.0), (-88 * slim, -8.0)):
        line = curve(
            (post[0], post[1] - 6),
            (post[0] + 0.55 * (end - post[0]) + bow, -96),
            (end * 0.94, 8),
            (end * 0.84, 64),
        )
        foot.piece(ribbon(line, wide), strap, lift=5)
    foot.piece(ellipse(post, 11, 13), strap, lift=4)
    if design.cut["strap"] == "flower trim":
        for index in range(5):
            petal = rotated(ellipse((0, -17), 11, 15), 72 * index)
            foot.piece(moved(petal, *post), Fabric(LEATHER, design.trims[1]), lift=1.5)
        foot.piece(ellipse(post, 7), Fabric(LEATHER, GOLD), lift=1)


def _strap_colour(design: Design) -> Rgb:
    first, second = design.trims
    if design.pattern_name == "Plain":
        return design.colour.darker(0.35) if design.colour.lightness > 0.3 else first
    return second if abs(second.lightness - design.colour.lightness) > 0.2 else first
