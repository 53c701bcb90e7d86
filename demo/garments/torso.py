"""The upper body of shirts, jumpers, jackets and bodices.

Outlines are given for the right half of the picture and mirrored. `y` runs downwards.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np

from demo.canvas import Canvas, Fold
from demo.curves import (
    Point,
    Points,
    curve,
    full_width,
    path,
    points,
    portion,
    resampled,
    symmetric,
)
from demo.design import Design
from demo.fabric import Drape, Fabric
from demo.region import Region


@dataclass(frozen=True)
class Sleeve:
    """A sleeve on the right side, from the body to the hand."""

    outer: Points
    inner: Points
    degrees: float

    @property
    def outline(self) -> Points:
        """The closed outline. It extends a little under the body, which is drawn over it."""
        under = np.array([30.0, 0.0])
        return path(self.outer, self.inner, self.inner[-1:] - under, self.outer[:1] - under)

    @property
    def drape(self) -> Drape:
        x, y = self.outer[0]
        return Drape(float(x), float(y), self.degrees)

    def across(self, share: float) -> Points:
        """Return the line across the sleeve at `share` of the way from shoulder to hand."""
        outside, inside = portion(self.outer, share, 1.0), portion(self.inner, 0.0, 1.0 - share)
        return points(tuple(outside[0]), tuple(inside[-1]))

    def end(self, share: float) -> Points:
        """Return the closed outline of the last part of the sleeve, from `share` to the hand."""
        return path(portion(self.outer, share, 1.0), portion(self.inner, 0.0, 1.0 - share))


@dataclass(frozen=True)
class Torso:
    """The half widths and heights of a garment's upper body, in design units."""

    neck: float = 64.0
    top: float = 122.0
    shoulder: Point = (160.0, 164.0)
    armpit: Point = (180.0, 298.0)
    waist: Point = (176.0, 470.0)
    hem: Point = (180.0, 676.0)
    drop: float = 52.0
    hem_curve: float = 8.0

    @property
    def armhole(self) -> Points:
        (sx, sy), (ax, ay) = self.shoulder, self.armpit
        tall = ay - sy
        return curve((sx, sy), (sx - 13, sy + 0.45 * tall), (sx - 4, sy + 0.8 * tall), (ax, ay))

    @property
    def side(self) -> Points:
        return curve(self.armpit, self.waist, self.hem)

    @property
    def hem_line(self) -> Points:
        """The right half of the hem, from the side to the middle."""
        x, y = self.hem
        return curve((x, y), (0.55 * x, y + 0.8 * self.hem_curve), (0.0, y + self.hem_curve))

    @property
    def drape(self) -> Drape:
        return Drape(0.0, self.top, sag=2.0)

    def neckline(self, kind: str) -> Points:
        """Return the right half of the front neckline, from the middle to the shoulder."""
        n, y, d = self.neck, self.top, self.drop
        match kind:
            case "V-neck":
                return curve(
                    (0, y + 2.2 * d), (0.5 * n, y + 1.2 * d), (0.9 * n, y + 0.3 * d), (n, y)
                )
            case "deep V-neck":
                return curve(
                    (0, y + 3.3 * d), (0.5 * n, y + 1.7 * d), (0.9 * n, y + 0.4 * d), (n, y)
                )
            case "scoop neck":
                low = y + 1.7 * d
                return curve((0, low), (0.55 * n, low - 0.3 * d), (0.93 * n, low - d), (n, y))
            case "boat neck":
                return curve((0, y + 0.42 * d), (0.6 * n, y + 0.36 * d), (n, y))
            case "square neck":
                return path(points((0, y + 1.35 * d), (0.84 * n, y + 1.32 * d)), points((n, y)))
            case _:
                return curve((0, y + d), (0.5 * n, y + 0.85 * d), (0.88 * n, y + 0.42 * d), (n, y))

    def front(self, neckline: Points) -> Points:
        """Return the closed outline of the front below a neckline."""
        return symmetric(path(neckline, self.armhole, self.side, self.hem_line))

    def front_panel(self, neckline: Points, past_middle: float = 0.0) -> Points:
        """Return the closed outline of the right front of a garment with a front opening."""
        bottom = self.hem_line
        edge = points((-past_middle, bottom[-1][1]), (-past_middle, neckline[0][1]))
        return path(neckline, self.armhole, self.side, bottom, edge)

    def inside_back(self, neckline: Points, rise: float = 16.0) -> Points:
        """Return the inside of the back, which is visible through the front neckline."""
        x, y = neckline[-1]
        back = curve((0, y + rise), (0.6 * x, y + 0.8 * rise), (x, y))
        return path(full_width(back), full_width(neckline)[::-1])

    def sleeve(self, reach: float, degrees: float, cuff: float, *, fullness: float = 0.0) -> Sleeve:
        """Return a sleeve of length `reach` with its outer edge `degrees` below the horizontal.

        `cuff` is its width at the hand; `fullness` widens its middle.
        """
        start, armpit = np.array(self.shoulder), np.array(self.armpit)
        angle = np.radians(degrees)
        along = np.array([np.cos(angle), np.sin(angle)])
        inward = np.array([-np.sin(angle), np.cos(angle)])
        hand = start + along * reach
        inside = hand + inward * cuff
        bulge = 5.0 + 0.02 * reach + fullness
        outer = curve(
            tuple(start + np.array([-26.0, -8.0])),
            tuple(start + np.array([4.0, 4.0])),
            tuple(start + along * (18 + 0.12 * reach) - inward * bulge * 0.8),
            tuple(start + along * 0.5 * reach - inward * bulge),
            tuple(hand),
        )
        middle = 0.5 * (inside + armpit) + inward * (fullness * 0.7 - 2.0)
        return Sleeve(outer, curve(tuple(inside), tuple(middle), tuple(armpit)), degrees - 90.0)


def torso_for(design: Design, *, ease: float = 0.0, longer: float = 0.0) -> Torso:
    """Return an upper body for the wearer; `ease` widens it and `longer` lengthens it."""
    rng = design.random("torso")
    loose = ease + rng.uniform(-4, 6)
    if design.for_women:
        body = Torso(
            neck=64,
            top=126,
            shoulder=(140 + 0.7 * loose, 162),
            armpit=(156 + loose, 280),
            waist=(140 + loose, 424),
            hem=(158 + loose, 640 + longer),
            drop=58,
        )
    else:
        body = Torso(
            shoulder=(160 + 0.7 * loose, 164),
            armpit=(179 + loose, 298),
            waist=(175 + loose, 470),
            hem=(179 + loose, 674 + longer),
        )
    return replace(body, drop=body.drop + rng.uniform(-5, 6))


def long_sleeve(design: Design, torso: Torso, cuff: float, *, fullness: float = 0.0) -> Sleeve:
    """Return a long sleeve beside the body."""
    reach = (torso.hem[1] - torso.shoulder[1]) * design.random("reach").uniform(0.95, 1.0)
    return torso.sleeve(min(reach, 490.0), 76.5, cuff, fullness=fullness)


def short_sleeve(design: Design, torso: Torso) -> Sleeve:
    """Return a sleeve that ends above the elbow."""
    rng = design.random("short sleeve")
    if design.for_women:
        return torso.sleeve(116 + rng.uniform(-12, 10), rng.uniform(44, 52), 90)
    return torso.sleeve(150 + rng.uniform(-10, 14), rng.uniform(46, 53), 110)


def body_folds(design: Design, torso: Torso, strength: float = 1.0) -> list[Fold]:
    """Return the folds of a body lying flat: from the armpits inwards and from the hem upwards."""
    rng = design.random("folds")
    (ax, ay), (wx, wy), (hx, hy) = torso.armpit, torso.waist, torso.hem
    folds = []
    for side in (-1.0, 1.0):
        for index in range(3):
            start = (side * (ax - 4), ay + 6 + 20 * index + rng.uniform(-6, 6))
            end = (side * ax * rng.uniform(0.3, 0.65), ay + rng.uniform(30, 90) + 60 * index)
            bend = (0.5 * (start[0] + end[0]), 0.5 * (start[1] + end[1]) + rng.uniform(10, 22))
            depth = strength * rng.uniform(-0.75, -0.35)
            folds.append(Fold(curve(start, bend, end), rng.choice((20.0, 28.0)), depth))
        x = side * hx * rng.uniform(0.30, 0.85)
        rise = rng.uniform(0.35, 0.8) * (hy - wy)
        lean = side * rng.uniform(-26, 8)
        line = curve((x, hy + 4), (x + 0.5 * lean, hy - 0.5 * rise), (x + lean, hy - rise))
        folds.append(Fold(line, 34.0, strength * rng.uniform(0.35, 0.7)))
        near, far = side * (wx - 2), side * wx * 0.45
        tuck = curve((near, wy), (0.5 * (near + far), wy + 12), (far, wy + rng.uniform(-18, 40)))
        folds.append(Fold(tuck, 24.0, strength * rng.uniform(-0.6, -0.2)))
    return folds


def sleeve_folds(design: Design, sleeve: Sleeve, count: int = 4) -> list[Fold]:
    """Return folds that run across a sleeve from its inner edge."""
    rng = design.random("sleeve folds")
    folds = []
    for index in range(count):
        outside, inside = sleeve.across((index + 1) / (count + 1) + rng.uniform(-0.05, 0.05))
        start = inside + 0.02 * (outside - inside)
        end = inside + rng.uniform(0.55, 0.85) * (outside - inside)
        end = end + np.array([0.0, rng.uniform(-26, 20)])
        bend = 0.5 * (start + end) + np.array([0.0, rng.uniform(4, 12)])
        line = curve(tuple(start), tuple(bend), tuple(end))
        folds.append(Fold(line, 22.0, rng.uniform(-0.8, -0.4)))
    return folds


def draw_front(
    canvas: Canvas,
    design: Design,
    torso: Torso,
    neckline: Points,
    *,
    folds: float = 1.0,
    lift: float,
) -> Region:
    """Draw the front of a body in the design's fabric; returns the region that it covers.

    `folds` is the strength of the folds; for `lift` see `Canvas.piece`.
    """
    creases = body_folds(design, torso, folds)
    front = torso.front(neckline)
    return canvas.piece(front, design.fabric, drape=torso.drape, folds=creases, lift=lift)


def draw_sleeves(
    canvas: Canvas, design: Design, sleeve: Sleeve, *, folds: int, fabric: Fabric | None = None
) -> None:
    """Draw both sleeves with a number of folds, by default in the design's fabric."""
    creases = sleeve_folds(design, sleeve, folds)
    cloth = fabric or design.fabric
    canvas.mirrored_piece(sleeve.outline, cloth, drape=sleeve.drape, folds=creases)


def gathers(
    rng: random.Random,
    top: Points,
    bottom: Points,
    count: int,
    *,
    width: float = 22.0,
    depth: float = 0.8,
    full_length: bool = False,
) -> list[Fold]:
    """Return folds from one line towards another, as in a gathered skirt."""
    starts, ends = resampled(top, 101), resampled(bottom, 101)
    folds = []
    for index in range(count):
        place = (index + 0.5 + rng.uniform(-0.22, 0.22)) / count
        start, end = starts[round(place * 100)], ends[round(place * 100)]
        reach = 1.04 if full_length else rng.uniform(0.55, 1.04)
        low = start + reach * (end - start)
        bend = 0.5 * (start + low) + np.array([rng.uniform(-5, 5), 0.0])
        first = start if full_length else start + rng.uniform(0.0, 0.12) * (end - start)
        sign = 1.0 if index % 2 else -1.0
        line = curve(tuple(first), tuple(bend), tuple(low))
        folds.append(Fold(line, width, sign * depth * rng.uniform(0.65, 1.0)))
    return folds


def wavy_hem(half_width: float, y: float, sag: float, waves: int, depth: float) -> Points:
    """Return a wavy hem, from right to left, that sags in the middle."""
    t = np.linspace(1.0, -1.0, 121)
    swing = np.cos(t * np.pi * waves) * depth * (1 - 0.25 * t**2)
    return np.column_stack([t * half_width, y + sag * (1 - t**2) + swing])


def across_body(torso: Torso, y: float) -> Points:
    """Return the horizontal line across the body at height `y`, from left to right."""
    side = path(torso.side)
    x = float(np.interp(y, side[:, 1], side[:, 0]))
    return points((-x, y), (x, y))
