"""Helpers for shoes seen from above: the two feet of a pair, and the outline of the sole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo.canvas import Canvas
from demo.curves import Points, curve, ellipse, mirror, moved, rotated
from demo.design import Design
from demo.fabric import Drape, Fabric
from demo.region import Region

_TURNED_OUT = 5.0
_ASIDE = 124.0
_MIDDLE = 400.0


@dataclass(frozen=True)
class Foot:
    """One foot of a pair on the canvas.

    All shapes are given for a right foot at the origin, with the toes at the top (towards -260) and
    the heel at the bottom (towards 260), and are moved to the position of this foot.
    """

    canvas: Canvas
    left: bool

    @property
    def drape(self) -> Drape:
        return Drape(-_ASIDE if self.left else _ASIDE, _MIDDLE)

    def placed(self, line: Points) -> Points:
        """Return a shape of this foot in design coordinates of the picture."""
        laid = moved(rotated(line, _TURNED_OUT), _ASIDE, _MIDDLE)
        return mirror(laid) if self.left else laid

    def piece(
        self,
        line: Points,
        fabric: Fabric,
        *,
        lift: float = 0.0,
        tone: float = 0.0,
        within: Region | None = None,
    ) -> Region:
        """Draw one part of the shoe; see `Canvas.piece`."""
        return self.canvas.piece(
            self.placed(line), fabric, drape=self.drape, lift=lift, tone=tone, within=within
        )

    def stitches(self, line: Points, fabric: Fabric, within: Region | None = None) -> None:
        """Draw stitches along a line in a shade of the material's colour."""
        light = fabric.colour.lightness > 0.3
        thread = fabric.colour.darker(0.4) if light else fabric.colour.lighter(0.35)
        self.canvas.stitches(
            self.placed(line), thread, dash=4, gap=3, width=1.3, opacity=0.7, within=within
        )

    def draw_wear(self, bed: Region, fabric: Fabric, slim: float) -> None:
        """Draw the marks of ball and heel on a footbed."""
        for centre, across, along in (((4.0, -140.0), 56.0, 68.0), ((2.0, 178.0), 44.0, 50.0)):
            mark = self.canvas.region(self.placed(ellipse(centre, across * slim, along)))
            self.canvas.flat(mark.within(bed), fabric.colour.darker(0.6), 0.07)


def pair(canvas: Canvas) -> tuple[Foot, Foot]:
    """Return the left and the right foot."""
    return Foot(canvas, left=True), Foot(canvas, left=False)


def relative_width(design: Design) -> float:
    """Return the width of the foot relative to a man's."""
    return 0.88 if design.for_women else 1.0


def sole(slim: float) -> Points:
    """Return the closed outline of a sandal's sole."""
    result: Points = curve(
        *((-6, -262), (44, -246), (84, -196), (96, -120), (78, -30), (62, 60), (74, 150)),
        *((66, 226), (8, 262), (-56, 232), (-72, 150), (-66, 40), (-82, -70), (-92, -160)),
        (-66, -236),
        closed=True,
    ) * np.array([slim, 1.0])
    return result


def edges(slim: float, y: float) -> tuple[float, float]:
    """Return the x coordinates of the sole's inner (left) and outer (right) edge at `y`."""
    outline = sole(slim)
    right = outline[outline[:, 0] > 0]
    left = outline[outline[:, 0] <= 0]
    return (
        float(left[np.argmin(np.abs(left[:, 1] - y)), 0]),
        float(right[np.argmin(np.abs(right[:, 1] - y)), 0]),
    )
