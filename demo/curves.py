"""Smooth outlines from a few control points.

All points are `(n, 2)` float arrays in design units: x runs to the right from the garment's
axis of symmetry, y runs down, and the whole picture is 640 x 800 units.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]
Point = tuple[float, float]


def points(*pairs: Point) -> Points:
    """Return the straight path through `pairs`."""
    return np.array(pairs, dtype=np.float64)


def curve(*pairs: Point, closed: bool = False, steps: int = 14) -> Points:
    """Return a smooth path through all `pairs`: a centripetal Catmull-Rom spline.

    It neither overshoots nor makes loops between close points. Two points give a straight line. A
    closed path ends at its first point.
    """
    knots = np.array(pairs, dtype=np.float64)
    if len(knots) < 3:
        return knots
    if closed:
        padded = np.vstack([knots[-1], knots, knots[0], knots[1]])
    else:
        padded = np.vstack([2 * knots[0] - knots[1], knots, 2 * knots[-1] - knots[-2]])
    gaps = np.sqrt(np.linalg.norm(np.diff(padded, axis=0), axis=1)) + 1e-9
    t = np.linspace(0.0, 1.0, steps, endpoint=False)[:, None]
    pieces = []
    for index in range(1, len(padded) - 2):
        before, start, end, after = padded[index - 1 : index + 3]
        g0, g1, g2 = gaps[index - 1 : index + 2]
        leave = (end - start) + g1 * ((start - before) / g0 - (end - before) / (g0 + g1))
        arrive = (end - start) + g1 * ((after - end) / g2 - (after - start) / (g1 + g2))
        pieces.append(
            (2 * t**3 - 3 * t**2 + 1) * start
            + (t**3 - 2 * t**2 + t) * leave
            + (3 * t**2 - 2 * t**3) * end
            + (t**3 - t**2) * arrive
        )
    pieces.append(padded[-2:-1])
    return np.vstack(pieces)


def path(*pieces: ArrayLike) -> Points:
    """Join several paths, with corners between them."""
    return np.vstack([np.asarray(piece, dtype=np.float64).reshape(-1, 2) for piece in pieces])


def mirror(line: Points) -> Points:
    """Return the mirror image of `line` on the other side of the garment's axis."""
    result: Points = line * np.array([-1.0, 1.0])
    return result


def mirror_pair(line: Points) -> tuple[Points, Points]:
    """Return `line` and its mirror image."""
    return line, mirror(line)


def full_width(right_half: Points) -> Points:
    """Return the open path of a right half, given from the middle, preceded by its mirror image.

    It runs from the left end over the middle to the right end.
    """
    return np.vstack([mirror(right_half)[:0:-1], right_half])


def symmetric(right_half: Points) -> Points:
    """Return the closed outline of a right half, given from top to bottom, and its mirror image."""
    return np.vstack([right_half, mirror(right_half)[::-1]])


def moved(line: Points, x: float = 0.0, y: float = 0.0) -> Points:
    """Return `line` shifted by `x` and `y`."""
    result: Points = line + np.array([x, y])
    return result


def scaled(line: Points, across: float, down: float | None = None) -> Points:
    """Return `line` scaled horizontally and vertically about its own centre."""
    middle = 0.5 * (line.min(axis=0) + line.max(axis=0))
    factors = np.array([across, across if down is None else down])
    result: Points = (line - middle) * factors + middle
    return result


def box(x: float, y: float, width: float, height: float) -> Points:
    """Return a closed rectangle with the centre `(x, y)`."""
    w, h = width / 2, height / 2
    return points((x - w, y - h), (x + w, y - h), (x + w, y + h), (x - w, y + h))


def rotated(line: Points, degrees: float, about: Point = (0.0, 0.0)) -> Points:
    """Return `line` rotated clockwise, as seen in the picture, about a point."""
    angle = np.radians(degrees)
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    result: Points = (line - np.array(about)) @ rotation + np.array(about)
    return result


def normals(line: Points) -> Points:
    """Return for each point the unit normal to the left of the line's direction."""
    direction = np.empty_like(line)
    direction[0], direction[-1] = line[1] - line[0], line[-1] - line[-2]
    direction[1:-1] = (line[2:] - line[:-2]) / 2
    length = np.linalg.norm(direction, axis=1, keepdims=True)
    direction = direction / np.maximum(length, 1e-9)
    return np.column_stack([direction[:, 1], -direction[:, 0]])


def offset(line: Points, distance: float) -> Points:
    """Return the path parallel to `line`, on its left side if `distance` is positive."""
    return line + normals(line) * distance


def band(line: Points, distance: float) -> Points:
    """Return the closed strip between `line` and its offset."""
    return np.vstack([line, offset(line, distance)[::-1]])


def ribbon(line: Points, width: float, taper: float = 0.0) -> Points:
    """Return the closed outline of a stroke along `line`; with `taper` 1 both ends are pointed."""
    t = np.linspace(-1.0, 1.0, len(line))[:, None]
    half = 0.5 * width * (1.0 - taper * t**2)
    side = normals(line) * half
    return np.vstack([line + side, (line - side)[::-1]])


def ellipse(centre: Point, radius_x: float, radius_y: float | None = None) -> Points:
    """Return a closed ellipse, or a circle if only one radius is given."""
    angle = np.linspace(0.0, 2 * np.pi, 48, endpoint=False)
    ring = np.column_stack([np.cos(angle), np.sin(angle)])
    result: Points = ring * np.array([radius_x, radius_y or radius_x]) + np.array(centre)
    return result


def interpolated(first: Points, second: Points, share: float, count: int = 40) -> Points:
    """Return the path between `first` (`share` 0) and `second` (`share` 1), with `count` points."""
    return (1 - share) * resampled(first, count) + share * resampled(second, count)


def resampled(line: Points, count: int) -> Points:
    """Return `count` points evenly spaced along `line`."""
    travelled = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    wanted = np.linspace(0.0, travelled[-1], count)
    return np.column_stack([np.interp(wanted, travelled, line[:, axis]) for axis in (0, 1)])


def length(line: Points) -> float:
    """Return the length of `line`."""
    return float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())


def portion(line: Points, start: float, end: float, count: int = 30) -> Points:
    """Return the part of `line` between two shares (0 to 1) of its length."""
    dense = resampled(line, 200)
    first, last = round(start * 199), round(end * 199)
    return resampled(dense[min(first, last) : max(first, last) + 1], count)


def dashes(line: Points, dash: float, gap: float) -> Sequence[Points]:
    """Split `line` into dashes of the given length and gap."""
    total = length(line)
    count = max(1, int(total / (dash + gap)))
    ends = resampled(line, count * 8 + 1)
    share = max(1, round(8 * dash / (dash + gap)))
    return [ends[start : start + share + 1] for start in range(0, count * 8, 8)]
