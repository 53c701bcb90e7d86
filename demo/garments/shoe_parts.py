"""Parts of shoes that are drawn from the side, with the toe to the right.

The ground is at y = `GROUND`. A man's shoe is 500 units long, from the heel at x = -250 to the toe.
"""

from __future__ import annotations

from collections.abc import Sequence

from demo.canvas import Canvas
from demo.curves import Points, curve, ellipse, moved, normals, resampled, ribbon
from demo.fabric import COTTON, Fabric
from demo.palette import Rgb
from demo.region import Region

GROUND = 540.0


def draw_laces(
    canvas: Canvas,
    throat: Points,
    count: int,
    lace: Rgb,
    eyelet: Rgb,
    *,
    inset: float = 17.0,
    reach: float = 15.0,
    width: float = 9.0,
) -> None:
    """Draw laces along the throat, the front edge of the upper as seen from the side.

    Each lace goes from an eyelet, `inset` units inside the edge, to `reach` units beyond the edge.
    """
    spots = resampled(throat, count)
    inward = normals(resampled(throat, count * 4))[::4][:count]
    thread = Fabric(COTTON, lace)
    for index in range(count):
        spot, across = spots[index], inward[index]
        hole = spot - across * inset
        over = spot + across * reach
        lean = (spots[min(index + 1, count - 1)] - spots[max(index - 1, 0)]) * 0.16
        canvas.flat(canvas.region(ellipse((hole[0], hole[1]), 5.4)), eyelet)
        canvas.flat(canvas.region(ellipse((hole[0], hole[1]), 2.8)), eyelet.darker(0.8))
        line = curve(tuple(hole), tuple(0.5 * (hole + over) - lean * 0.2), tuple(over - lean))
        canvas.piece(ribbon(line, width), thread, lift=2.0)


def draw_lace_bow(canvas: Canvas, x: float, y: float, lace: Rgb, size: float = 1.0) -> None:
    """Draw the bow of the laces with its knot at `(x, y)`."""
    knots: Sequence[Sequence[tuple[float, float]]] = (
        ((0, 0), (22, -26), (52, -30), (50, -12), (18, 2)),
        ((0, 0), (-26, -14), (-52, -4), (-44, 12), (-14, 8)),
    )
    for tail in (((0, 0), (14, 26), (12, 56)), ((0, 2), (-16, 24), (-34, 46))):
        line = moved(curve(*tail) * size, x, y)
        canvas.stroke(moved(line, 2, 3), 8 * size, Rgb(0, 0, 0), 0.18)
        canvas.stroke(line, 8 * size, lace.darker(0.16))
        canvas.stroke(moved(line, -0.6, -0.6), 5 * size, lace)
    for loop in knots:
        line = moved(curve(*loop, closed=True) * size, x, y)
        canvas.stroke(moved(line, 2, 3), 8 * size, Rgb(0, 0, 0), 0.18)
        canvas.stroke(line, 8 * size, lace.darker(0.16))
        canvas.stroke(moved(line, -0.6, -0.6), 5 * size, lace)
    knot = moved(ellipse((0, 1), 8 * size, 7 * size), x, y)
    canvas.piece(knot, Fabric(COTTON, lace), lift=1.5)


def draw_welt(canvas: Canvas, line: Points, thread: Rgb, within: Region | None = None) -> None:
    """Draw the welt, the seam between upper and sole."""
    canvas.stitches(line, thread, dash=4, gap=3, width=1.5, opacity=0.75, within=within)
