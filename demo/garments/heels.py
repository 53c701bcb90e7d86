"""Shoes with high heels, from the side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from demo.canvas import Canvas, Fold
from demo.curves import (
    Points,
    band,
    curve,
    ellipse,
    moved,
    offset,
    path,
    points,
    ribbon,
)
from demo.design import Design
from demo.fabric import LEATHER, RUBBER, Drape, Fabric
from demo.garments.shoe_parts import GROUND
from demo.garments.trims import draw_buckle
from demo.palette import GOLD, INSOLE, SOLE_BLACK, WOOD
from demo.region import Region

_RISES: Final = {"kitten heel": 84.0, "block heel": 150.0, "stiletto heel": 200.0}
_BACK = -196.0


@dataclass(frozen=True)
class _Last:
    """The shape of the foot in the shoe, given by the heights of the heel seat and of the ball."""

    seat: float
    ball: float

    def along(self, share: float) -> float:
        """Return the height at a share (0 to 1) of the way from the seat to the ball."""
        return self.seat + share * (self.ball - self.seat)

    @property
    def bed(self) -> Points:
        """The footbed from the heel to the toe, an S-shaped line."""
        return curve(
            (_BACK - 14, self.seat - 3),
            (_BACK + 40, self.seat + 5),
            (_BACK + 104, self.along(0.25)),
            (-26, self.along(0.68)),
            (44, self.ball - 4),
            (108, self.ball),
            (180, self.ball - 1),
            (240, self.ball - 8),
        )

    @property
    def counter(self) -> float:
        """The upper edge of the back of the shoe."""
        return self.seat - 86

    @property
    def throat(self) -> tuple[float, float]:
        """The point above the toes at which the topline ends."""
        return (88.0, self.ball - 70)

    @property
    def topline(self) -> Points:
        return curve(
            (_BACK - 5, self.counter),
            (_BACK + 40, self.counter + 40),
            (_BACK + 106, self.along(0.22) - 40),
            (-22, self.along(0.58) - 50),
            (46, self.ball - 54),
            self.throat,
        )

    @property
    def toe(self) -> Points:
        return curve(
            self.throat,
            (132, self.ball - 64),
            (190, self.ball - 50),
            (236, self.ball - 30),
            (254, self.ball - 10),
            (240, self.ball - 2),
        )


def draw_heel(canvas: Canvas, design: Design) -> None:
    """Draw a shoe with a heel; the cut has `style` and `heel`."""
    style = design.cut["style"]
    platform = 30.0 if style == "platform heels" else 0.0
    rise = _RISES[design.cut["heel"]] + design.random("rise").uniform(-10, 10)
    last = _Last(GROUND - rise - 8 - 0.6 * platform, GROUND - platform - 8)
    if style == "strappy heels":
        _draw_bed(canvas, design, last)
        _draw_post(canvas, design, last)
        _draw_sole(canvas, design, last)
        _draw_straps(canvas, design, last)
        _draw_ankle_strap(canvas, design, last)
        return
    if style == "slingback heels":
        upper = _draw_open_back(canvas, design, last)
    else:
        upper = _draw_shell(canvas, design, last)
    _decorate(canvas, design, last, upper)
    _draw_post(canvas, design, last)
    if platform:
        _draw_platform(canvas, design, last)
    _draw_sole(canvas, design, last)
    if style == "ankle-strap heels":
        _draw_ankle_strap(canvas, design, last)


def _glow(last: _Last) -> list[Fold]:
    """Return soft ridges on toe and heel, which produce highlights."""
    toe = curve((120, last.ball - 50), (180, last.ball - 38), (228, last.ball - 18))
    back = curve((_BACK - 8, last.seat - 64), (_BACK, last.seat - 30), (_BACK + 30, last.seat - 6))
    return [Fold(toe, 22, 0.7), Fold(back, 18, 0.6)]


def _draw_shell(canvas: Canvas, design: Design, last: _Last) -> Region:
    fabric = design.fabric
    far_edge = curve(
        (_BACK, last.counter + 2),
        (_BACK + 90, last.along(0.12) - 64),
        (-10, last.along(0.52) - 62),
        last.throat,
    )
    inside = path(far_edge, moved(last.topline[::-1], y=8))
    canvas.piece(inside, fabric.of(INSOLE, LEATHER), tone=-0.22)
    back = curve(
        (_BACK - 14, last.seat - 3),
        (_BACK - 24, last.seat - 34),
        (_BACK - 15, last.seat - 70),
        (_BACK - 5, last.counter),
    )
    outline = path(back, last.topline, last.toe, last.bed[::-1])
    upper = canvas.piece(outline, fabric, drape=Drape(degrees=14), folds=_glow(last), lift=1)
    _bind(canvas, fabric, last.topline, upper)
    return upper


def _draw_open_back(canvas: Canvas, design: Design, last: _Last) -> Region:
    fabric = design.fabric
    _draw_bed(canvas, design, last)
    far = curve(
        (_BACK - 6, last.seat - 74), (_BACK + 60, last.seat - 58), (-30, last.along(0.6) - 56)
    )
    canvas.stroke(far, 8, fabric.colour.darker(0.45))
    near = curve(
        (_BACK - 10, last.seat - 72),
        (_BACK + 40, last.seat - 40),
        (_BACK + 100, last.along(0.25) - 26),
        (-36, last.along(0.66) - 16),
    )
    canvas.piece(ribbon(near, 10), fabric, lift=1.6)
    start = curve((-60, last.along(0.52) - 2), (-22, last.along(0.62) - 44), (46, last.ball - 54))
    edge = path(start, points(last.throat))
    front = last.bed[last.bed[:, 0] > -60]
    outline = path(edge, last.toe, front[::-1])
    upper = canvas.piece(outline, fabric, drape=Drape(degrees=14), folds=_glow(last)[:1], lift=1)
    _bind(canvas, fabric, edge, upper)
    draw_buckle(canvas, _BACK + 62, last.seat - 36, 14, 16, GOLD, fabric)
    return upper


def _bind(canvas: Canvas, fabric: Fabric, edge: Points, upper: Region) -> None:
    canvas.stroke(offset(edge, -3), 2.2, fabric.colour.lighter(0.5), 0.35, within=upper)
    canvas.stroke(offset(edge, -6), 1.4, fabric.colour.darker(0.6), 0.5, within=upper)


def _decorate(canvas: Canvas, design: Design, last: _Last, upper: Region) -> None:
    fabric = design.fabric
    match design.random("trim").choice(("plain", "plain", "bow", "toe cap")):
        case "bow":
            x, y = last.throat[0] - 2, last.throat[1] + 6
            for side in (-1.0, 1.0):
                wing = curve(
                    *((0, 0), (side * 18, -16), (side * 32, -11), (side * 30, 11)),
                    (side * 16, 12),
                    closed=True,
                )
                canvas.piece(moved(wing, x, y), fabric.plain(), lift=2)
            canvas.piece(ellipse((x, y), 7, 9), fabric.plain(), lift=1.8)
        case "toe cap":
            cap = curve((186, last.ball - 64), (170, last.ball - 28), (178, last.ball))
            corner = points((280, last.ball + 4), (280, last.ball - 64))
            canvas.piece(path(cap, corner), fabric.of(design.tonal), lift=0.8, within=upper)


def _draw_bed(canvas: Canvas, design: Design, last: _Last) -> None:
    strip = band(moved(last.bed, y=1), 10)
    canvas.piece(strip, design.fabric.of(INSOLE, LEATHER))


def _draw_sole(canvas: Canvas, design: Design, last: _Last) -> None:
    dark = design.colour.lightness < 0.5
    sole = Fabric(RUBBER, SOLE_BLACK if dark else WOOD)
    canvas.piece(band(last.bed, -7), sole, lift=0.6)


def _draw_platform(canvas: Canvas, design: Design, last: _Last) -> None:
    front = last.bed[last.bed[:, 0] > -46]
    x, y = front[0]
    lower = curve(
        (240, last.ball - 6), (238, GROUND - 10), (206, GROUND), (120, GROUND), (40, GROUND - 1)
    )
    rise = curve((40, GROUND - 1), (0, GROUND - 14), (float(x), float(y) + 2))
    canvas.piece(path(front, lower, rise), design.fabric.plain(), lift=1)


def _draw_post(canvas: Canvas, design: Design, last: _Last) -> None:
    seat, kind = last.seat, design.cut["heel"]
    tall = GROUND - seat
    joint = (_BACK + 78, last.along(0.14) + 6)
    match kind:
        case "block heel":
            back = curve((_BACK - 16, seat), (_BACK - 9, seat + 0.3 * tall), (_BACK - 6, GROUND))
            front = curve((_BACK + 58, GROUND), (_BACK + 58, seat + 0.4 * tall), joint)
        case "kitten heel":
            back = curve((_BACK - 16, seat), (_BACK + 2, seat + 0.35 * tall), (_BACK + 10, GROUND))
            front = curve((_BACK + 30, GROUND), (_BACK + 32, seat + 0.45 * tall), joint)
        case _:
            back = curve(
                *((_BACK - 16, seat), (_BACK + 1, seat + 0.28 * tall)),
                *((_BACK + 7, seat + 0.65 * tall), (_BACK + 6, GROUND)),
            )
            front = curve(
                *((_BACK + 19, GROUND), (_BACK + 23, seat + 0.62 * tall)),
                *((_BACK + 34, seat + 0.30 * tall), joint),
            )
    wooden = kind == "block heel" and design.random("heel colour").random() < 0.25
    material = Fabric(LEATHER, WOOD) if wooden else design.fabric.plain()
    post = canvas.piece(path(back, front, points((_BACK - 14, seat - 4))), material)
    tip = points((-240, GROUND - 7), (-90, GROUND - 7), (-90, GROUND + 2), (-240, GROUND + 2))
    canvas.piece(tip, Fabric(RUBBER, SOLE_BLACK), within=post)


def _draw_straps(canvas: Canvas, design: Design, last: _Last) -> None:
    fabric, ball = design.fabric, last.ball
    for x, height, width in ((24, 92, 15), (88, 72, 18), (150, 54, 18)):
        crest = (x + 30, ball - height)
        far = curve(crest, (x + 58, ball - 0.66 * height), (x + 70, ball - 8))
        canvas.stroke(far, width - 3, fabric.colour.darker(0.5))
        near = curve((x - 16, ball + 2), (x - 4, ball - 0.62 * height), crest)
        canvas.piece(ribbon(near, width), fabric, lift=2)
    cage = path(
        curve((_BACK - 14, last.seat), (_BACK - 24, last.seat - 46), (_BACK - 10, last.seat - 112)),
        curve((_BACK + 10, last.seat - 112), (_BACK + 12, last.seat - 50), (_BACK + 44, last.seat)),
    )
    canvas.piece(cage, fabric, lift=1.2)


def _draw_ankle_strap(canvas: Canvas, design: Design, last: _Last) -> None:
    fabric, y = design.fabric, last.seat - 112
    far = curve((_BACK - 6, y + 6), (_BACK + 60, y - 20), (_BACK + 128, y - 20))
    canvas.stroke(far, 9, fabric.colour.darker(0.5))
    post = path(
        curve((_BACK - 8, y), (_BACK - 14, last.seat - 70)),
        curve((_BACK + 8, last.seat - 64), (_BACK + 8, y)),
    )
    canvas.piece(post, fabric)
    near = curve(
        (_BACK - 8, y + 6), (_BACK + 50, y + 24), (_BACK + 106, y + 10), (_BACK + 130, y - 18)
    )
    canvas.piece(ribbon(near, 13), fabric, lift=1.6)
    draw_buckle(canvas, _BACK + 84, y + 18, 18, 20, GOLD, fabric)
